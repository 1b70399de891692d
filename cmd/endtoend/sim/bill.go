package sim

import "fmt"

// What is billed: two accounts, of whom one has two apps; nobody for the rest.
const (
	accountsFile = `accounts:
  - {id: acme, apps: [app-0, app-1], plan: sim/basic, from: 2000-01-01}
  - {id: beta, apps: [app-2], plan: sim/users, from: 2000-01-01, late: report}
`
	bookFile = `book: sim
title: Simulation
source: none
date: 2023-01-01
currency: USD
minor_digits: 2
rules: {quota_per: app, plan_of_month: last, partial_month: whole, deduct_from_day: 1, deduct_until_day: 3}
meters:
  mau: {title: devices, aggregate: unique, kinds: [open, search]}
  calls: {title: calls, aggregate: counter}
  users: {title: users, aggregate: unique, kinds: [login]}
plans:
  basic:
    title: Basic
    charges:
      mau: {model: per_unit, free: "5", unit_price: "0.25"}
      calls: {model: per_unit, unit_price: "0.1"}
  users:
    title: Users
    charges:
      users: {model: per_unit, unit_price: "1.5"}
`
)

// price is one meter of an app's plan.
type price struct {
	meter string
	kinds []int // nil: a counter
	free  int64
	cents int64
}

var basic = []price{{"mau", []int{0, 1}, 5, 25}, {"calls", nil, 0, 10}}

// accountOf says who is billed for an app, by what.
func accountOf(app string) (account string, prices []price) {
	switch app {
	case "app-0", "app-1":
		return "acme", basic
	case "app-2":
		return "beta", []price{{"users", []int{login}, 0, 150}}
	}
	return "", nil
}

var accountApps = map[string][]string{"acme": {"app-0", "app-1"}, "beta": {"app-2"}}

// quantity is a meter's value of an app that may have none; late: with what came late.
func (a *appMonth) quantity(p price, late bool) int64 {
	if a == nil {
		return 0
	}
	if p.kinds == nil {
		all := map[total]standing{}
		for at, s := range a.totals {
			report(all, at, s)
		}
		for at, s := range a.lateTotals {
			if late {
				report(all, at, s)
			}
		}
		sum := int64(0)
		for at, s := range all {
			if at.meter == p.meter {
				sum += s.value
			}
		}
		return sum
	}
	if !late {
		return int64(len(who(p.kinds, 0, a.facts)))
	}
	return int64(len(who(p.kinds, 0, a.facts, a.late)))
}

// who are those that did any of the kinds on a day; 0: any day.
func who(kinds []int, day int, sets ...map[fact]bool) map[string]bool {
	all := map[string]bool{}
	for _, set := range sets {
		for f := range set {
			if day != 0 && f.day != day {
				continue
			}
			for _, k := range kinds {
				if f.kind == k {
					all[f.who] = true
				}
			}
		}
	}
	return all
}

func (p *price) amount(quantity int64) int64 { return max(quantity-p.free, 0) * p.cents }

func money(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}
