package verify

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"headcount/cmd/rollup/verify/reprice"
)

// formerMonth is the month before, with what came late of it, as this package counts it.
type formerMonth struct {
	rules *monthRules
	month *reprice.Month          // by the newest prices it had when this month was closed
	plans map[string]reprice.Plan // by account
	sets  map[string][]uint16     // by app
	apps  map[string]*app
}

// openFormer reads what the month before is priced by; nil where it is not counted here.
func (v *verification) openFormer() (*formerMonth, error) {
	if v.before == 0 || v.book.months[v.before] == nil {
		return nil, nil
	}
	books, accounts, of := v.former.Books, v.former.Accounts, "the closing of "+v.before.String()
	amendments, err := v.Ledger.Amendments(v.ctx, ledgerMonth(v.before.String()))
	if err != nil {
		return nil, inLedger(err)
	}
	for _, a := range amendments {
		if !a.At.After(v.stored.At) {
			books, accounts, of = a.Books, a.Accounts, fmt.Sprintf("amendment %d of %s", a.Number, v.before)
		}
	}
	f := &formerMonth{rules: v.book.months[v.before], apps: map[string]*app{}, sets: map[string][]uint16{}}
	if f.month = v.layOut(v.before, books, accounts, of); f.month == nil {
		return nil, nil
	}
	f.plans = f.month.Plans()
	return f, nil
}

func (f *formerMonth) app(name string) *app {
	a := f.apps[name]
	if a == nil {
		a = &app{sets: map[uint16]*setCount{}, totals: map[quantity]standing{}}
		f.apps[name] = a
	}
	return a
}

// setsOf returns the sets of kinds that an app's meters count.
func (f *formerMonth) setsOf(name string) []uint16 {
	sets, ok := f.sets[name]
	if ok {
		return sets
	}
	for _, m := range f.plans[f.month.Owner(name)].Meters {
		if s := setIn(f.rules, m.Kinds); s != 0 && !slices.Contains(sets, s) {
			sets = append(sets, s)
		}
	}
	f.sets[name] = sets
	return sets
}

// device counts a device.
func (f *formerMonth) device(name string, onTime, late *[16]uint32) {
	for _, set := range f.setsOf(name) {
		any := uint32(0)
		for k := range onTime {
			if set>>k&1 == 1 {
				any |= onTime[k] | late[k]
			}
		}
		if any == 0 {
			continue
		}
		a := f.app(name)
		c := a.sets[set]
		if c == nil {
			c = &setCount{}
			a.sets[set] = c
		}
		c.exact++
		c.fresh[bits.TrailingZeros32(any)]++
		each(any, func(day int) { c.days[day]++ })
	}
}

// quantities takes what a partition was reported, on time and late.
func (f *formerMonth) quantities(p *partition) {
	for _, in := range []windows{p.before, p.lateOf} {
		for name, w := range in {
			f.totals(name, w.totals)
		}
	}
}

// totals takes what an app was reported.
func (f *formerMonth) totals(name string, totals map[quantity]standing) {
	if f == nil {
		return
	}
	a := f.app(name)
	for q, t := range totals {
		if was, ok := a.totals[q]; !ok || t.above(was) {
			a.totals[q] = t
		}
	}
}

// priceLate prices the month before with what came late, and holds the revisions that this close made against what that comes to
// more than was billed.
func (v *verification) priceLate() error {
	before := v.closing.Previous.Month.String()
	made := map[string]*invoice{}
	for i := range v.prices.invoices {
		if x := &v.prices.invoices[i]; x.Month == before {
			made[x.Account] = x
		}
	}
	if v.late == nil {
		for _, id := range slices.Sorted(maps.Keys(made)) {
			v.report.remark("%s: what came late was not counted here, so it was not priced again", made[id].place())
		}
		return nil
	}
	issued, err := v.issued(before)
	if err != nil {
		return err
	}
	billed := map[string]map[reprice.Subject]reprice.Billed{}
	for _, x := range issued {
		if m := made[x.Account]; m != nil && x.Revision == m.Revision {
			continue
		}
		to := billed[x.Account]
		if to == nil {
			to = map[reprice.Subject]reprice.Billed{}
			billed[x.Account] = to
		}
		for _, l := range x.Lines {
			k := reprice.Subject{App: l.App, Meter: l.Meter}
			to[k] = to[k].Plus(decimal(l.Quantity), decimal(l.Billable), decimal(l.Amount))
		}
	}
	left, err := v.leftBefore()
	if err != nil {
		return err
	}
	rated, err := v.late.month.Rate(v.usage(v.late.apps, v.late.rules, v.late.month), left)
	if err != nil {
		v.report.wrong("prices", "accounts and books of "+before, "files that can be read", err.Error())
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(rated)) {
		lines := rated[id].Differences(billed[id])
		x := made[id]
		delete(made, id)
		switch {
		case x == nil && len(lines) > 0:
			v.report.wrong("invoices", fmt.Sprintf("invoice of %s for %s", id, before), fmt.Sprintf("a revision for what came late: %s", linesText(lines)), "none")
		case x != nil:
			v.report.same("invoices", x.Plan, rated[id].Plan, "%s: plan", x.place())
			v.compareLines(x, lines, rated[id].Version)
			if rated[id].Late { // else it draws on nothing
				v.compareLeft(x, rated[id].Left)
			} else {
				v.compareLeft(x, nil)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(made)) {
		v.report.wrong("invoices", made[id].place(), "no such invoice", made[id].Total)
	}
	return nil
}

// leftBefore returns what the month before the last left of packages.
func (v *verification) leftBefore() (left leftovers, err error) {
	if v.former.Previous == nil {
		return nil, nil
	}
	return v.left(v.former.Previous.Month.String())
}

func linesText(lines []reprice.Line) (text string) {
	for i, l := range lines {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("app %s, %s: %s for %s", l.App, l.Meter, reprice.Text(l.Amount), reprice.Text(l.Quantity))
	}
	return text
}
