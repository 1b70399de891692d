package rating

import (
	"fmt"

	"github.com/shopspring/decimal"

	"headcount/internal/calendar"
)

// planFee adds the line of a plan's monthly fee, where it is paid after the month.
func (r *rater) planFee(app string) {
	rules, plan := &r.book.Rules, r.fee
	if plan == nil {
		return
	}
	line := Line{App: app, Item: plan.ID(), Quantity: "1", Free: "0", Billable: "1", UnitPrice: text(*plan.Fee), Source: r.book.source}
	amount := *plan.Fee
	line.How = "plan fee of the month"
	if rules.PlanFeeFirstMonth == free && r.activatedIn(r.Month) {
		amount = decimal.Zero
		line.Free, line.Billable, line.How = "1", "0", "no plan fee in the month of activation"
	}
	r.endLine(line, exactly(amount))
}

// feePlan returns whose fee the month has, where it is paid after the month; nil: none.
func (r *rater) feePlan() (best *Plan) {
	if r.book.Rules.PlanFee != paidAfter {
		return nil
	}
	for _, s := range r.plansOfMonth() {
		if s.Book != r.book || s.Fee == nil || s.Reported {
			continue
		}
		if r.book.Rules.PlanFeeChange != dearestPlan && s != r.plan {
			continue
		}
		if best == nil || s.Fee.GreaterThan(*best.Fee) {
			best = s
		}
	}
	return best
}

// plansOfMonth returns the plans in force in the month, by time.
func (r *rater) plansOfMonth() (out []*Plan) {
	for _, s := range r.v.service {
		if s.grace {
			continue
		}
		for i, step := range r.c.steps {
			until := r.c.ends
			if i+1 < len(r.c.steps) {
				until = r.c.steps[i+1].at
			}
			if _, _, ok := overlap(step.at, until, s.from, s.until); ok {
				out = append(out, step.plan)
			}
		}
	}
	return out
}

// activatedIn says whether the account's first plan with a fee in this book began in the month.
func (r *rater) activatedIn(m Month) bool {
	for _, s := range r.c.steps {
		if s.plan.Book == r.book && s.plan.Fee != nil && !s.plan.Reported {
			return !r.c.acc.established && m == calendar.DateOf(s.at).Month
		}
	}
	return false
}

// versionChangedIn says whether a plan began in the month; the first one counts.
func (r *rater) versionChangedIn(m Month) bool {
	for i, s := range r.c.steps {
		if m == calendar.DateOf(s.at).Month && (i > 0 || !r.c.acc.established) {
			return true
		}
	}
	return false
}

// use is an add-on of one app in the month.
type use struct {
	a    *addon
	item *Item
	plan *Plan // in force last while it was on
	days int   // on which it was on, where its price is for a day
}

// uses returns the add-ons of an item that were on in the month for an app.
func (r *rater) uses(item *Item, app string) (out []use) {
	for i := range r.c.acc.addons {
		a := &r.c.acc.addons[i]
		if a.item != item.Name || a.app != "" && a.app != app {
			continue
		}
		from, until := a.span(r.c.zone)
		u := use{a: a, item: item}
		for _, s := range r.v.service {
			if s.grace {
				continue
			}
			_, end, ok := overlap(from, until, s.from, s.until)
			if ok {
				u.plan = r.c.planAt(end.Add(-1))
			}
		}
		if u.plan == nil || u.plan.Book != r.book {
			continue
		}
		if item.Per == perDay {
			u.days = r.daysOn(a)
		}
		out = append(out, u)
	}
	return out
}

// daysOn counts an add-on's days in the month while the plan was in force: from-day counted, until-day not.
func (r *rater) daysOn(a *addon) (n int) {
	first := a.from.day(r.c.zone)
	for i := range r.Month.Days() {
		day := r.Month.First().AddDays(i)
		if day.Before(first) || a.until != nil && !day.Before(a.until.day(r.c.zone)) {
			continue
		}
		from, until := day.Start(r.c.zone), day.AddDays(1).Start(r.c.zone)
		for _, s := range r.v.service {
			if _, _, ok := overlap(from, until, s.from, s.until); ok && !s.grace {
				n++
				break
			}
		}
	}
	return n
}

func (r *rater) on(item *Item, app string) bool { return len(r.uses(item, app)) > 0 }

// addons adds the lines of value-added items that are paid after the month.
func (r *rater) addons(app string) {
	for _, item := range r.book.Items {
		if item.Paid != paidAfter {
			continue
		}
		uses := r.uses(item, app)
		if item.Per == perDay {
			for _, u := range uses {
				r.itemLine(app, u, "")
			}
			continue
		}
		// One month is charged once, whatever was switched in it: the dearest of what it was.
		var best *use
		var bestReason string
		for i := range uses {
			u, reason := &uses[i], r.freeReason(&uses[i])
			if best == nil || bestReason != "" && reason == "" || bestReason == "" && reason == "" && u.price().GreaterThan(best.price()) {
				best, bestReason = u, reason
			}
		}
		if best != nil {
			r.itemLine(app, *best, bestReason)
		}
	}
}

// freeReason says why an item is free in the month; empty: it is not.
func (r *rater) freeReason(u *use) string {
	if r.Month != u.a.from.day(r.c.zone).Month {
		return ""
	}
	switch {
	case u.item.FirstMonth == free:
		return "free in its month of activation"
	case u.item.FirstMonth == freeInChangeMonth && r.versionChangedIn(r.Month):
		return "free: switched on in the month in which the version changed"
	}
	return ""
}

// price is what the item costs a month or a day, for all of its quantity.
func (u *use) price() decimal.Decimal { return u.unit().Mul(u.quantity()) }

func (u *use) unit() decimal.Decimal {
	if u.item.Promotion != nil {
		return *u.item.Promotion
	}
	p, _ := u.item.price(u.plan.Name, u.a.option)
	return p
}

func (u *use) quantity() decimal.Decimal {
	if u.a.quantity != nil {
		return *u.a.quantity
	}
	return one
}

func (r *rater) itemLine(app string, u use, freeReason string) {
	q := text(u.quantity())
	line := Line{App: app, Item: u.item.Name, Quantity: q, Free: "0", Billable: q, UnitPrice: text(u.unit()), Source: r.book.source}
	line.How = q + times + line.UnitPrice
	amount := u.price()
	if u.item.Per == perDay {
		amount = amount.Mul(decimal.NewFromInt(int64(u.days)))
		line.How += fmt.Sprintf("%s%d days", times, u.days)
	}
	if u.a.option != 0 {
		line.How += fmt.Sprintf(", option %d", u.a.option)
	}
	if freeReason != "" {
		amount = decimal.Zero
		line.Free, line.Billable, line.How = line.Quantity, "0", freeReason
	}
	r.endLine(line, exactly(amount))
}
