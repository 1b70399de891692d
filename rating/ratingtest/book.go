// Package ratingtest makes price books for the tests of those who close, amend and show months.
package ratingtest

// Book returns the price book "test", in USD and cents, with a quota for each app, of these meters and plans: YAML, indented by two.
func Book(meters, plans string) string {
	return `book: test
title: Test
source: none
date: 2023-01-01
currency: USD
minor_digits: 2
rules: {quota_per: app, plan_of_month: last, partial_month: whole, deduct_from_day: 1, deduct_until_day: 3}
meters:
` + meters + `plans:
` + plans
}

// Devices is the meter mau: devices that open.
const Devices = "  mau: {title: devices, aggregate: unique, kinds: [open]}\n"

// Calls is the book whose plan test/calls bills devices at 1 USD and calls, a quantity that is reported, at 0.01 USD.
var Calls = Book(Devices+"  calls: {title: calls, aggregate: counter}\n", `  calls:
    title: Calls
    charges:
      mau: {model: per_unit, unit_price: "1"}
      calls: {model: per_unit, unit_price: "0.01"}
`)

// CallsAccounts are two accounts on it: acme with app-a and app-d, beta with app-b.
const CallsAccounts = "accounts:\n  - {id: acme, apps: [app-a, app-d], plan: test/calls, from: 2026-01-01}\n  - {id: beta, apps: [app-b], plan: test/calls, from: 2026-01-01}\n"
