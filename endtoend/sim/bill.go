package sim

import (
	"fmt"
	"slices"
)

// What is billed: two accounts, of whom one has two apps and a contract that changes now and then; nobody for the rest.
const (
	accountsFile = `accounts:
  - {id: acme, apps: [app-0, app-1], plan: sim/basic, from: 2000-01-01, overrides: {mau.unit_price: "0.%02d"}}
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
  peak: {title: devices on the peak day, aggregate: peak_daily, kinds: [open, predownload]}
  groups: {title: groups at their peak, aggregate: gauge}
  users: {title: users, aggregate: unique, kinds: [login]}
plans:
  basic:
    title: Basic
    charges:
      mau: {model: per_unit, free: "5", unit_price: "0.25"}
      calls: {model: per_unit, unit_price: "0.1"}
      peak: {model: per_unit, unit_price: "0.4"}
      groups: {model: per_unit, free: "100", unit_price: "0.03"}
  users:
    title: Users
    charges:
      users: {model: per_unit, unit_price: "1.5"}
`
)

// price is one meter of an app's plan.
type price struct {
	meter string
	kinds kindSet // 0: of quantities
	peak  bool    // the highest: of the days' devices, or of what was reported
	free  int64
	cents int64
}

// accountOf says who is billed for an app, by what; mau is what a device costs by the account's contract.
func accountOf(app string, mau int64) (account string, prices []price) {
	switch app {
	case "app-0", "app-1":
		return "acme", []price{{"mau", kinds(0, 1), false, 5, mau}, {"calls", 0, false, 0, 10}, {"peak", kinds(0, 2), true, 0, 40}, {"groups", 0, true, 100, 3}}
	case "app-2":
		return "beta", []price{{"users", kinds(login), false, 0, 150}}
	}
	return "", nil
}

var accountApps = map[string][]string{"acme": {"app-0", "app-1"}, "beta": {"app-2"}}

// quantity is a meter's value of an app that may have none; late: with what came late.
func (a *appMonth) quantity(p price, late bool) int64 {
	if a == nil {
		return 0
	}
	if p.kinds == 0 {
		all := map[total]standing{}
		for at, s := range a.totals {
			report(all, at, s)
		}
		for at, s := range a.lateTotals {
			if late {
				report(all, at, s)
			}
		}
		sum, most := int64(0), int64(0)
		for at, s := range all {
			if at.meter == p.meter {
				sum, most = sum+s.value, max(most, s.value)
			}
		}
		if p.peak {
			return most
		}
		return sum
	}
	if !late {
		return int64(p.people(a.facts))
	}
	return int64(p.people(a.facts, a.late))
}

// people is the value of a meter of people.
func (p *price) people(sets ...facts) (n int) {
	on := people(p.kinds, sets...)
	if p.peak {
		return slices.Max(on[1:])
	}
	return on[0]
}

// people is how many did any of the kinds, by day; at 0: on any day.
func people(of kindSet, sets ...facts) (on [32]int) {
	for i, set := range sets {
		for who, d := range set {
			if d[0]&of == 0 {
				continue
			}
			counted := did{} // in a set before
			for _, f := range sets[:i] {
				if was := f[who]; was != nil {
					counted.add(was)
				}
			}
			for day := range d {
				if d[day]&of != 0 && counted[day]&of == 0 {
					on[day]++
				}
			}
		}
	}
	return on
}

func (p *price) amount(quantity int64) int64 { return max(quantity-p.free, 0) * p.cents }

func money(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}
