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
	ordered  bool // by the account's orders, not after all ended: it was paid
}

// purchases returns what was paid ahead, or back, from one date up to another, without it: plans, items, packages, refunds.
func (c *contract) purchases(from, until Date) (out []purchase) {
	within := func(d Date) bool { return !d.Before(from) && d.Before(until) }
	put := func(p purchase) {
		if within(p.date) && (c.halted.IsZero() || p.date.Start(c.zone).Before(c.halted) || p.ordered) {
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
	fee, source := c.fee(p.plan)
	ahead := fee != nil && p.plan.Book.Rules.PlanFee == paidAhead && !p.plan.Reported
	if p.months == 0 {
		return nil
	}
	b := purchase{date: p.bought, item: p.plan.ID(), quantity: decimal.NewFromInt(int64(p.months)), source: source}
	b.from, b.until = p.anchor.AddMonths(p.offset), p.anchor.AddMonths(p.offset+p.months)
	if p.order != nil && !p.order.listed {
		b.amount, b.ordered = p.order.cash.Add(p.order.credit), !p.order.when.At(c.zone).After(c.halted)
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

// itemPurchases returns the purchases of an add-on that is paid ahead, up to a horizon; and what is paid back of the last where it
// ended with a change of plan.
func (c *contract) itemPurchases(a *addon, horizon time.Time) (out []purchase) {
	apps := c.acc.apps
	if a.app != "" {
		apps = []string{a.app}
	}
	for _, t := range c.itemTimes(a, horizon) {
		if t.plan == nil { // paid after the month
			return nil
		}
		u := use{c: c, a: a, item: t.item, plan: t.plan, on: t.bought}
		unit, source := u.unit()
		p := purchase{date: t.bought, item: a.item, quantity: u.quantity(), amount: u.price(), from: t.bought, until: t.next, source: source}
		p.how = p.quantity.String() + times + unit.String()
		if list := u.list(); !list.Equal(unit) && !t.item.price(t.plan.Name, a.option).Agreed {
			p.how += fmt.Sprintf(", instead of %s", list)
		}
		for _, app := range apps {
			p.app = app
			out = append(out, p)
		}
		if back, ok := c.itemRefund(p, c.itemEnd(a), t.plan); ok {
			for _, app := range apps {
				back.app = app
				out = append(out, back)
			}
		}
	}
	return out
}

// itemRefund returns what is paid back of an item's month p where the item ended with a change of plan.
func (c *contract) itemRefund(p purchase, until time.Time, plan *Plan) (purchase, bool) {
	rules := &plan.Book.Rules
	if rules.ItemsOnChange == noRefund || until.IsZero() || p.until == (Date{}) || !until.Before(p.until.Start(c.zone)) || p.amount.IsZero() {
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
	out := Prepaid{
		Date: p.date.String(), App: p.app, Item: p.item, Quantity: p.quantity.String(), Amount: p.amount.StringFixed(digits),
		From: p.from.String(), How: p.how, Source: p.source,
	}
	if p.until != (Date{}) {
		out.Until = p.until.String()
	}
	return out
}

// prepaid lists what was paid ahead in the month.
func (r *rater) prepaid() []Prepaid {
	out := []Prepaid{}
	for _, p := range r.c.purchases(r.Month.First(), (r.Month + 1).First()) {
		out = append(out, p.print(r.book.Digits))
	}
	return out
}
