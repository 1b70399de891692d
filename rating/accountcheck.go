package rating

import (
	"maps"
	"slices"
	"strings"
	"time"

	"headcount/internal/calendar"
	"headcount/internal/strict"
)

// Check holds the accounts against the books: plans, terms, overrides, add-ons and packages exist and fit, and no app is in two
// accounts at once. An error is a *FileError.
func (a *Accounts) Check(cat *Catalog, zone *time.Location) error {
	_, err := a.contracts(cat, zone)
	return err
}

// contracts checks the accounts and lays each on the time axis.
func (a *Accounts) contracts(cat *Catalog, zone *time.Location) (map[*account]*contract, error) {
	contracts := make(map[*account]*contract, len(a.list))
	for _, x := range a.list {
		c, err := x.resolve(cat, zone)
		if err != nil {
			return nil, err
		}
		contracts[x] = c
	}
	for _, app := range slices.Sorted(maps.Keys(a.more)) { // sorted, so that the same file gives the same error
		if err := alone(app, a.more[app], contracts); err != nil {
			return nil, err
		}
	}
	return contracts, nil
}

// alone refuses an app that is in two accounts at once.
func alone(app string, in []*account, contracts map[*account]*contract) error {
	for i, x := range in {
		for _, y := range in[:i] {
			from, until := contracts[x].envelope()
			f, u := contracts[y].envelope()
			if at, _, ok := overlap(from, until, f, u); ok {
				e := x.at.Errorf("app %q is in account %q (%s) too, both in force on %s: end one before the other begins (until)", app, y.id, y.seenFrom(x), calendar.DateOf(at))
				e.Field = strings.TrimPrefix(x.at.Field+".apps", ".")
				return e
			}
		}
	}
	return nil
}

// resolve checks one account and lays it on the time axis.
func (x *account) resolve(cat *Catalog, zone *time.Location) (*contract, error) {
	c := &contract{acc: x, zone: zone}
	plan, err := x.plan.find(cat)
	if err != nil {
		return nil, err
	}
	c.steps = []step{{x.from.At(zone), plan}}
	if err := x.resolveChanges(c, cat); err != nil {
		return nil, err
	}
	if x.until != nil {
		if c.ends = x.until.At(zone); !c.ends.After(c.steps[0].at) {
			return nil, x.untilAt.Errorf("%s does not lie after from, %s", x.until, x.from)
		}
	}
	if err := plan.sold(x.term); err != nil {
		return nil, x.termAt.Errorf("%v", err)
	}
	for _, check := range []func(*contract, *Catalog) error{x.checkOrders, x.checkOverrides, x.checkPackages, x.checkBills} {
		if err := check(c, cat); err != nil {
			return nil, err
		}
	}
	if err := x.halt(c); err != nil {
		return nil, err
	}
	if err := x.checkAddons(c); err != nil {
		return nil, err
	}
	return c, nil
}

func (r planRef) find(cat *Catalog) (*Plan, error) {
	p, err := cat.Plan(r.id)
	if err != nil {
		return nil, r.at.Errorf("%v", err)
	}
	return p, nil
}

func (x *account) resolveChanges(c *contract, cat *Catalog) error {
	for _, ch := range x.changes {
		p, err := ch.plan.find(cat)
		if err != nil {
			return err
		}
		last := c.steps[len(c.steps)-1]
		at := ch.when.At(c.zone)
		switch {
		case !at.After(last.at):
			return ch.at.Errorf("the change of %s does not lie after the one before: list changes by time, after from", ch.when)
		case p == last.plan:
			return ch.plan.at.Errorf("%s is in force already on %s", p.ID(), ch.when)
		case p.NoReturn && p.Book == last.plan.Book:
			return ch.plan.at.Errorf("there is no way back to %s from %s", p.ID(), last.plan.ID())
		case p.Book.Currency != last.plan.Book.Currency || p.Book.Digits != last.plan.Book.Digits:
			return ch.plan.at.Errorf("%s is billed in %s, %s in %s: an invoice has one currency; give the plan an account of its own", p.ID(), p.Book.Currency, last.plan.ID(), last.plan.Book.Currency)
		}
		c.steps = append(c.steps, step{at, p})
	}
	return nil
}

// halt finds when the account ended before its time.
func (x *account) halt(c *contract) error {
	for _, end := range []struct {
		ending
		cause string
	}{{x.cancelled, causeCancelled}, {x.disabled, causeDisabled}} {
		if end.Moment == nil {
			continue
		}
		at := end.At(c.zone)
		if at.Before(c.steps[0].at) {
			return end.at.Errorf("%s lies before from, %s", end.Moment, x.from)
		}
		if c.halted.IsZero() || at.Before(c.halted) {
			c.halted, c.cause = at, end.cause
		}
	}
	for _, h := range c.halts(c.steps[0].at) { // bills need no horizon
		if h.cause != causeArrears {
			continue
		}
		if at := h.repossessed(c.zone); !at.IsZero() && (c.halted.IsZero() || at.Before(c.halted)) {
			c.halted, c.cause = at, causeRepossessed
		}
	}
	return nil
}

func (x *account) checkOrders(c *contract, cat *Catalog) error {
	for i := range x.orders {
		o := &x.orders[i]
		at := o.when.At(c.zone)
		if i > 0 && !at.After(x.orders[i-1].when.At(c.zone)) {
			return o.at.Errorf("the order of %s does not lie after the one before: list orders by time", o.when)
		}
		p := c.planAt(at)
		if o.plan != nil {
			ordered, err := o.plan.find(cat)
			if err != nil {
				return err
			}
			if ordered != p {
				return o.plan.at.Errorf("%s is not the plan in force on %s, %s: add the change to changes", ordered.ID(), o.when, p.ID())
			}
		}
		if firstTerm(o.term, x.term, p.Term) == 0 {
			return o.at.Errorf("misses the field term: %s has none of its own", p.ID())
		}
		if err := p.sold(o.term); err != nil {
			return o.at.Errorf("%v", err)
		}
		for _, m := range o.money {
			if err := c.money(m); err != nil {
				return err
			}
		}
		c.orders = append(c.orders, o)
	}
	for _, r := range c.runs() {
		if orders := c.ordersOf(r); len(orders) > 0 && r.term(x) == 0 && calendar.DateOf(r.from).Before(orders[0].when.day(c.zone)) {
			return orders[0].at.Errorf("nothing says what %s was bought for on %s: give the account a term, or begin with an order of that day", r.plan.ID(), calendar.DateOf(r.from))
		}
	}
	return nil
}

// books returns the books of the account's plans, in order of time.
func (c *contract) books() (out []*Book) {
	for _, s := range c.steps {
		if !slices.Contains(out, s.plan.Book) {
			out = append(out, s.plan.Book)
		}
	}
	return out
}

// money refuses an amount that the account's currency cannot pay to the last digit.
func (c *contract) money(p placed) error {
	if b := c.steps[0].plan.Book; !b.holds(p.amount) {
		return p.at.Errorf("%s", b.unpayable(p.amount))
	}
	return nil
}

func (x *account) checkOverrides(c *contract, _ *Catalog) error {
	for _, o := range x.overrides {
		if o.field == feeField {
			if err := x.checkFee(c, o); err != nil {
				return err
			}
			continue
		}
		if o.field == "commitment" {
			if err := c.money(placed{o.at, o.value}); err != nil {
				return err
			}
		}
		var all []string
		var found []*Charge
		for _, s := range c.steps {
			charges := slices.Clone(s.plan.Charges)
			for _, i := range s.plan.Book.Items {
				charges = append(charges, i.Charges...)
			}
			for _, ch := range charges {
				all = append(all, ch.Meter.Name)
				if ch.Meter.Name == o.meter {
					found = append(found, ch)
				}
			}
		}
		if len(found) == 0 {
			slices.Sort(all)
			return o.at.Errorf("unknown meter %q%s; %s has %s", o.meter, strict.DidYouMean(o.meter, all), x.plan.id, strings.Join(slices.Compact(all), ", "))
		}
		for _, ch := range found {
			if o.field == "block" && ch.Model != modelBlocks {
				return o.at.Errorf("%s is not sold in blocks", o.meter)
			}
			if o.field == "unit_price" && ch.Model == modelGraduated {
				return o.at.Errorf("the price of %s is graduated: it has no unit price to override", o.meter)
			}
		}
	}
	return nil
}

// checkFee refuses the fee of an item that no book of the account's plans has. One by day may have a part of a cent: it is rounded
// with its line.
func (x *account) checkFee(c *contract, o override) error {
	all, byDay := []string{planFee}, false
	for _, b := range c.books() {
		all = append(all, b.itemNames()...)
		if i := b.item(o.meter); i != nil && i.Per == perDay {
			byDay = true
		}
	}
	if !slices.Contains(all, o.meter) {
		return o.at.Errorf("unknown item %q%s; %s has fees of %s", o.meter, strict.DidYouMean(o.meter, all), x.plan.id, strings.Join(all, ", "))
	}
	if byDay {
		return nil
	}
	return c.money(placed{o.at, o.value})
}

func (x *account) checkPackages(c *contract, _ *Catalog) error {
	for _, p := range x.packages {
		var all []string
		for _, b := range c.books() {
			all = append(all, b.packageNames()...)
		}
		t, book := c.packageType(p.item)
		switch {
		case t == nil && len(all) == 0:
			return p.itemAt.Errorf("%s sells no packages", x.plan.id)
		case t == nil:
			return p.itemAt.Errorf("unknown package %q%s; known are %s", p.item, strict.DidYouMean(p.item, all), strings.Join(all, ", "))
		case t.SizeOf == "mau" && p.mau == 0:
			return p.at.Errorf("misses the field mau: %s is sold by it", p.item)
		case t.SizeOf == "mau" && (p.mau < t.Min || p.mau > t.Max):
			return p.mauAt.Errorf("%d: %s is sold for %d to %d", p.mau, p.item, t.Min, t.Max)
		case t.SizeOf != "mau" && p.mau != 0:
			return p.mauAt.Errorf("%s is sold by quantity, not by mau", p.item)
		case t.Meter != nil && p.quantity == nil:
			return p.at.Errorf("misses the field quantity: %s is drawn down", p.item)
		case t.Meter == nil && p.remaining != nil:
			return p.leftAt.Errorf("%s covers each month anew: nothing remains of it", p.item)
		case t.Meter == nil && p.quantity != nil:
			return p.at.Errorf("%s covers each month anew: it has no quantity", p.item)
		case book.Rules.QuotaPer == perApp && p.app == "" && len(x.apps) > 1:
			return p.at.Errorf("misses the field app: the account has %d apps", len(x.apps))
		}
		if err := c.money(placed{p.priceAt, p.price}); err != nil {
			return err
		}
	}
	return nil
}

func (x *account) checkBills(c *contract, _ *Catalog) error {
	for _, b := range x.bills {
		if b.paid != nil && b.paid.At(c.zone).Before(b.pushed.At(c.zone)) {
			return b.at.Errorf("the bill of %s was paid before it was pushed", b.month)
		}
	}
	return nil
}
