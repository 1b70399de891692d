package verify

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headcount/verify/recount"
)

// meters compares an app's meters: which account's plan they are of, and their values.
func (c *usageCheck) meters(u *usageApp, a *recount.App) {
	account := ""
	if u.Account != nil {
		account = *u.Account
	}
	candidates := c.m.prices.accountsOf(u.App)
	if !slices.Contains(candidates, account) && (account != "" || len(candidates) > 0) {
		c.r.Wrong("meters", "app "+u.App+": account", strings.Join(candidates, " or "), account)
	}
	c.r.Count("meters", 1)
	plan := c.m.prices.planIs[account]
	if plan == nil {
		if len(u.Meters) > 0 {
			c.r.Remark("app %s: the plan is not known here; its meters were not counted again", u.App)
		}
		return
	}
	seen := map[string]bool{}
	for i := range u.Meters {
		x := &u.Meters[i]
		seen[x.Meter] = true
		def, ok := plan.meters[x.Meter]
		if !ok {
			c.r.Wrong("meters", "app "+u.App+": meter "+x.Meter, "a meter of "+plan.id, "it is in no book")
			continue
		}
		c.meter(u.App, x, def, a)
	}
	for name := range plan.charges {
		c.r.Same("meters", seen[name], true, "app %s: meter %s of %s is listed", u.App, name, plan.id)
	}
}

// meter compares a meter's value, its witness and its days.
func (c *usageCheck) meter(app string, x *usageMeter, def meter, a *recount.App) {
	set := c.m.subject.Rules.Set(def.Kinds)
	exact, days := a.Value(x.Meter, def.Aggregate, set)
	c.r.Same("meters", x.Exact, exact, "app %s: meter %s", app, x.Meter)
	if def.Aggregate == "unique" {
		want, got := a.Estimate(set), uint64(0)
		if x.Estimate != nil {
			got = *x.Estimate
		}
		c.r.Same("meters", got, want, "app %s: meter %s, estimate", app, x.Meter)
		c.r.Same("meters", x.Bound != nil && math.Abs(*x.Bound-c.bounds.relative) < 0.00006, true, "app %s: meter %s, bound %.4f", app, x.Meter, c.bounds.relative)
		verdict := c.bounds.judge(exact, want)
		c.differ[app] = c.differ[app] || verdict == "differ"
		c.r.Same("meters", x.Verdict, verdict, "app %s: meter %s, verdict", app, x.Meter)
	} else {
		c.r.Same("meters", x.Verdict, "none", "app %s: meter %s, verdict", app, x.Meter)
		c.r.Same("meters", x.Estimate != nil, false, "app %s: meter %s has an estimate", app, x.Meter)
	}
	if def.Aggregate == "counter" || def.Aggregate == "gauge" {
		c.quantity(app, x.Meter, def.Aggregate, exact, a)
	}
	list := map[string]uint64{}
	for _, d := range x.Days {
		list[d.Day] = d.Value
	}
	for day := 1; day <= c.m.subject.Month.Days(); day++ {
		date := fmt.Sprintf("%s-%02d", c.m.name, day)
		c.r.Same("meters by day", list[date], days[day], "app %s: meter %s on %s", app, x.Meter, date)
		delete(list, date)
	}
	c.r.Same("meters by day", len(list), 0, "app %s: meter %s, days outside the month", app, x.Meter)
}

// bounds say how far a meter's two witnesses may lie apart.
type bounds struct{ relative, slack float64 }

// bounds returns those of a month's usage: a close of many meters allows them more.
func (l *limits) bounds(usage []jsontext.Value, precision int) bounds {
	judged := 0 // meters with an estimate
	for _, text := range usage {
		var u usageApp
		if json.Unmarshal(text, &u, caseless) != nil {
			continue
		}
		for _, x := range u.Meters {
			if x.Estimate != nil {
				judged++
			}
		}
	}
	by := l.Witnesses.Narrow
	if judged > l.Witnesses.Many {
		by = l.Witnesses.Wide
	}
	return bounds{by.K * 1.04 / math.Sqrt(float64(int(1)<<precision)), by.Slack}
}

// judge compares the witnesses of a meter.
func (b bounds) judge(exact, estimate uint64) (verdict string) {
	if math.Abs(float64(exact)-float64(estimate)) > math.Max(b.slack, b.relative*float64(exact)) {
		return "differ"
	}
	return "agree"
}

// sets returns the sets of kinds that an app's meters count.
func (m *closedMonth) sets(app string) []uint16 {
	all := map[uint16]bool{}
	for _, account := range m.prices.accountsOf(app) {
		addSets(all, m.subject.Rules, m.prices.planIs[account].meters)
	}
	addSets(all, m.subject.Rules, m.amended.meters(app))
	return slices.Collect(maps.Keys(all))
}

// addSets adds what meters count.
func addSets(all map[uint16]bool, rules *recount.Rules, meters map[string]meter) {
	for _, x := range meters {
		if set := rules.Set(x.Kinds); set != 0 {
			all[set] = true
		}
	}
}
