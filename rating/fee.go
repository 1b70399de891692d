package rating

import (
	"fmt"

	"github.com/shopspring/decimal"

	"headcount/internal/calendar"
)

// monthFee is the plan whose fee a month has, where it is paid after the month.
type monthFee struct {
	plan   *Plan
	amount decimal.Decimal
	source *Source
	waived string // why it is not to be paid; empty: it is
}

// planFee adds the line of a plan's monthly fee.
func (r *rater) planFee(app string) {
	f := r.fee
	if f == nil {
		return
	}
	line := Line{
		App: app, Item: f.plan.ID(), Quantity: "1", Free: "0", Billable: "1", UnitPrice: text(f.amount), Source: f.source,
		How: "plan fee of the month",
	}
	amount := f.amount
	if f.waived != "" {
		amount = decimal.Zero
		line.Free, line.Billable, line.How = "1", "0", f.waived
	}
	r.endLine(line, exactly(amount))
}

const suspendedMonth = "free: suspended the whole month"

// monthFee returns the fee that the month has: of those that are to be paid, else of those that are not, the dearest; nil: none.
func (r *rater) monthFee() (best *monthFee) {
	if r.book.Rules.PlanFee != paidAfter {
		return nil
	}
	for _, i := range r.stepsOfMonth() {
		f := monthFee{plan: r.c.steps[i].plan}
		if !r.c.hasFee(i, r.book) || r.book.Rules.PlanFeeChange != dearestPlan && f.plan != r.plan {
			continue
		}
		fee, source := r.c.fee(f.plan)
		f.amount, f.source = *fee, source
		switch {
		case r.book.Rules.PlanFeeFirstMonth == free && r.activatedInMonth(i):
			f.waived = "no plan fee in the month of activation"
		case r.v.suspended:
			f.waived = suspendedMonth
		}
		if best == nil || best.waived != "" && f.waived == "" || (best.waived == "") == (f.waived == "") && f.amount.GreaterThan(best.amount) {
			best = &f
		}
	}
	return best
}

// stepsOfMonth returns the indexes of the plans in force in the month, by time.
func (r *rater) stepsOfMonth() (out []int) {
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
				out = append(out, i)
			}
		}
	}
	return out
}

// hasFee says whether step i is a plan of a book that is paid for by the month.
func (c *contract) hasFee(i int, b *Book) bool {
	p := c.steps[i].plan
	fee, _ := c.fee(p)
	return p.Book == b && fee != nil && !p.Reported
}

// activatedInMonth says whether what step i goes on with was activated in the month: the account's first plan with a fee, or, by the
// book's rule, each that does not follow another. A change between two is no activation.
func (r *rater) activatedInMonth(i int) bool {
	first := i
	for j := i; j >= 0; j-- {
		if r.c.hasFee(j, r.book) {
			first = j
		} else if r.book.Rules.Activation == activationEvery {
			break
		}
	}
	return !(first == 0 && r.c.acc.established) && r.Month == calendar.DateOf(r.c.steps[first].at).Month
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
	c     *contract
	a     *addon
	item  *Item
	plan  *Plan // in force last while it was on; of what is paid ahead, when it was bought
	on    Date  // whose price holds
	times []itemTime
	days  int // on which it was on, where its price is for a day
}

// uses returns the add-ons of an item that were on in the month for an app.
func (r *rater) uses(item *Item, app string) (out []use) {
	for i := range r.c.acc.addons {
		a := &r.c.acc.addons[i]
		if a.item != item.Name || a.app != "" && a.app != app {
			continue
		}
		u := use{c: r.c, a: a, item: item, on: r.Month.First(), times: r.c.timesOf(a, (r.Month + 1).First().Start(r.c.zone))}
		for _, s := range r.v.service {
			for _, t := range u.times {
				if _, end, ok := overlap(t.from, t.until, s.from, s.until); ok && !s.grace {
					u.plan = r.c.planAt(end.Add(-1))
				}
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
	first, end := a.from.day(r.c.zone), r.c.itemEnd(a)
	for i := range r.Month.Days() {
		day := r.Month.First().AddDays(i)
		if day.Before(first) || !end.IsZero() && !day.Before(calendar.DateOf(end)) {
			continue
		}
		if r.c.inForce(day.Start(r.c.zone), day.AddDays(1).Start(r.c.zone)) {
			n++
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
				reason := ""
				if r.v.suspended {
					reason = suspendedMonth
				}
				r.itemLine(app, u, reason)
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
	if r.v.suspended {
		return suspendedMonth
	}
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

// price is what the item costs a month, a day or a year, for all of its quantity.
func (u *use) price() decimal.Decimal {
	unit, _ := u.unit()
	return unit.Mul(u.quantity())
}

func (u *use) quantity() decimal.Decimal {
	if u.a.quantity != nil {
		return *u.a.quantity
	}
	return one
}

func (r *rater) itemLine(app string, u use, freeReason string) {
	q := text(u.quantity())
	unit, source := u.unit()
	line := Line{App: app, Item: u.item.Name, Quantity: q, Free: "0", Billable: q, UnitPrice: text(unit), Source: source}
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
