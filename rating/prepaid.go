package rating

import (
	"fmt"
	"sort"
	"time"

	"github.com/shopspring/decimal"

	"headcount/internal/calendar"
)

// purchase is something paid ahead.
type purchase struct {
	date     Date
	app      string
	item     string
	quantity decimal.Decimal
	amount   decimal.Decimal
	from     Date
	until    Date
	how      string
	source   *Source
}

// purchases returns what was paid ahead, or back, from one date up to another, without it: plans, items, packages, refunds.
func (c *contract) purchases(from, until Date) (out []purchase) {
	within := func(d Date) bool { return !d.Before(from) && d.Before(until) }
	put := func(p purchase) {
		if within(p.date) && (c.halted.IsZero() || p.date.Start(c.zone).Before(c.halted)) {
			out = append(out, p)
		}
	}
	horizon := until.Start(c.zone)
	for _, p := range c.periods(horizon) {
		for _, b := range c.planPurchases(p) {
			put(b)
		}
	}
	for i := range c.acc.addons {
		for _, p := range c.itemPurchases(&c.acc.addons[i], horizon) {
			put(p)
		}
	}
	for i := range c.acc.packages {
		if p, ok := c.packagePurchase(&c.acc.packages[i]); ok {
			put(p)
		}
	}
	for m := from.Month; m.First().Before(until); m++ {
		for _, f := range c.refunds(m) {
			if within(f.date) {
				out = append(out, f.purchase())
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := &out[i], &out[j]
		if a.date != b.date {
			return a.date.Before(b.date)
		}
		return a.app < b.app
	})
	return out
}

// packagePurchase returns what a package cost; false: no book of the account sells it.
func (c *contract) packagePurchase(p *pack) (purchase, bool) {
	t, b := c.packageType(p.item)
	if t == nil {
		return purchase{}, false
	}
	bought, effect, expiry := p.effect(t, b, c)
	out := purchase{
		date: bought, app: p.app, item: p.item, quantity: one, amount: p.price, from: effect, until: expiry, how: t.Title,
		source: &Source{Book: b.Name, Version: b.Date, Overrides: []string{"packages"}},
	}
	switch {
	case p.quantity != nil:
		out.quantity = *p.quantity
	case p.mau != 0:
		out.quantity = decimal.NewFromInt(int64(p.mau))
	}
	return out, true
}

// purchase is the refund as what was paid ahead, less than nothing.
func (f *planRefund) purchase() purchase {
	digits := f.plan.Book.Digits
	how := fmt.Sprintf("refund: %s; cash %s, credit %s", f.how, f.cash.StringFixed(digits), f.credit.StringFixed(digits))
	return purchase{
		date: f.date, item: f.plan.ID(), quantity: one, amount: f.amount.Neg(), from: f.refund.from, until: f.refund.until, how: how,
		source: f.plan.Book.source,
	}
}

// planPurchases returns what one period of a plan cost: an order as it was paid, else the list price for each app.
func (c *contract) planPurchases(p period) (out []purchase) {
	fee := p.plan.Fee
	ahead := fee != nil && p.plan.Book.Rules.PlanFee == paidAhead && !p.plan.Reported
	if p.months == 0 {
		return nil
	}
	b := purchase{date: p.bought, item: p.plan.ID(), quantity: decimal.NewFromInt(int64(p.months)), source: p.plan.Book.source}
	b.from, b.until = p.anchor.AddMonths(p.offset), p.anchor.AddMonths(p.offset+p.months)
	if p.order != nil && !p.order.listed {
		b.amount = p.order.cash.Add(p.order.credit)
		b.source = &Source{Book: b.source.Book, Version: b.source.Version, Overrides: []string{"orders"}}
		b.how = fmt.Sprintf("%s, cash %s, credit %s, voucher %s", Term(p.months), p.order.cash, p.order.credit, p.order.voucher)
		return []purchase{b}
	}
	if !ahead {
		return nil
	}
	b.amount = fee.Mul(b.quantity)
	b.how = b.quantity.String() + times + fee.String()
	for _, app := range c.acc.apps {
		b.app = app
		out = append(out, b)
	}
	return out
}

// itemPurchases returns the months of an add-on that is paid ahead, up to a horizon; and what is paid back of the last where it
// ended with a change of plan.
func (c *contract) itemPurchases(a *addon, horizon time.Time) (out []purchase) {
	begin, until := a.span(c.zone)
	anchor := a.from.day(c.zone)
	apps := c.acc.apps
	if a.app != "" {
		apps = []string{a.app}
	}
	for k := 0; ; k++ {
		date := anchor.AddMonths(k)
		at := date.Start(c.zone)
		if k == 0 {
			at = begin
		}
		if !at.Before(horizon) || !until.IsZero() && !at.Before(until) {
			return out
		}
		if !c.inForce(at, at.Add(1)) {
			if !c.inForce(at, horizon) {
				return out
			}
			continue
		}
		plan := c.planAt(at)
		item := plan.Book.item(a.item)
		if item == nil || item.Paid != paidAhead {
			return out
		}
		u := use{a: a, item: item, plan: plan}
		p := purchase{date: date, item: a.item, quantity: u.quantity(), amount: u.price(), from: date, until: anchor.AddMonths(k + 1), source: plan.Book.source}
		p.how = p.quantity.String() + times + u.unit().String()
		if item.Promotion != nil {
			list, _ := item.price(plan.Name, a.option)
			p.how += fmt.Sprintf(", instead of %s", list)
		}
		for _, app := range apps {
			p.app = app
			out = append(out, p)
		}
		if back, ok := c.itemRefund(p, until, plan); ok {
			for _, app := range apps {
				back.app = app
				out = append(out, back)
			}
		}
	}
}

// itemRefund returns what is paid back of an item's month p where the item ended with a change of plan.
func (c *contract) itemRefund(p purchase, until time.Time, plan *Plan) (purchase, bool) {
	rules := &plan.Book.Rules
	if rules.ItemsOnChange == noRefund || until.IsZero() || !until.Before(p.until.Start(c.zone)) || p.amount.IsZero() {
		return p, false
	}
	for _, r := range c.runs()[1:] {
		date := calendar.DateOf(until.In(c.zone))
		if calendar.DateOf(r.from.In(c.zone)) != date {
			continue
		}
		days, of := p.from.DaysUntil(date)+1, p.from.DaysUntil(p.until)
		back := p
		back.date, back.amount = date, exactly(p.amount).share(of-days, of).round(plan.Book.Digits).Neg()
		back.how = fmt.Sprintf("refund: ended with the change of plan, used %s × %d/%d days", p.amount, days, of)
		return back, true
	}
	return p, false
}

func (p *purchase) print(digits int32) Prepaid {
	return Prepaid{
		Date: p.date.String(), App: p.app, Item: p.item, Quantity: p.quantity.String(), Amount: p.amount.StringFixed(digits),
		From: p.from.String(), Until: p.until.String(), How: p.how, Source: p.source,
	}
}

// prepaid lists what was paid ahead in the month.
func (r *rater) prepaid() []Prepaid {
	out := []Prepaid{}
	for _, p := range r.c.purchases(r.Month.First(), (r.Month + 1).First()) {
		out = append(out, p.print(r.book.Digits))
	}
	return out
}
