package rating

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"headcount/internal/calendar"
	"headcount/internal/strict"
)

func (x *account) checkAddons(c *contract) error {
	for i := range x.addons {
		a := &x.addons[i]
		from, until := a.span(c.zone)
		if from.Before(c.steps[0].at) {
			return a.at.Errorf("begins on %s, before the account does on %s", a.from, x.from)
		}
		if !until.IsZero() && !from.Before(until) {
			return a.at.Errorf("ends on %s, not after it begins on %s", a.until, a.from)
		}
		if err := a.checkOffer(c, from, until); err != nil {
			return err
		}
		if item := c.planAt(from).Book.item(a.item); item != nil && item.Bought == boughtOnce {
			continue // each is one of its own
		}
		for j := range x.addons[:i] {
			b := &x.addons[j]
			if b.item != a.item || a.app != "" && b.app != "" && a.app != b.app {
				continue
			}
			f, u := b.span(c.zone)
			if _, _, both := overlap(from, until, f, u); both {
				return a.at.Errorf("%s is on already by the add-on in line %d: give that one an until, or use quantity", a.item, b.at.Line)
			}
		}
	}
	for i := range x.addons {
		if err := x.checkRequired(c, &x.addons[i]); err != nil {
			return err
		}
	}
	return nil
}

func (a *addon) span(zone *time.Location) (from, until time.Time) {
	from = a.from.At(zone)
	if a.until != nil {
		until = a.until.At(zone)
	}
	return from, until
}

// checkOffer refuses an add-on that a plan in force while it is on does not offer.
func (a *addon) checkOffer(c *contract, from, until time.Time) error {
	for i, s := range c.steps {
		var next time.Time
		if i+1 < len(c.steps) {
			next = c.steps[i+1].at
		}
		at, _, ok := overlap(from, until, s.at, next)
		if !ok {
			continue
		}
		book := s.plan.Book
		item := book.item(a.item)
		if item == nil {
			known := book.itemNames()
			if len(known) == 0 {
				return a.itemAt.Errorf("unknown add-on %q: %s has none", a.item, book.Name)
			}
			return a.itemAt.Errorf("unknown add-on %q%s; known are %s", a.item, strict.DidYouMean(a.item, known), strings.Join(known, ", "))
		}
		price := item.price(s.plan.Name, a.option)
		if price == nil {
			return a.refuseOption(item, s.plan, calendar.DateOf(at))
		}
		switch {
		case price.Agreed && c.acc.agreed(a.item) == nil:
			return a.itemAt.Errorf("%s has no price but the contract's: add it to overrides as %s.%s", a.item, a.item, feeField)
		case item.Quantity == quantityMust && a.quantity == nil:
			return a.at.Errorf("misses the field quantity: %s", item.Title)
		case item.Quantity == noQuantity && a.quantity != nil:
			return a.quantityAt.Errorf("%s is had once: it has no quantity", a.item)
		}
	}
	return nil
}

func (a *addon) refuseOption(item *Item, p *Plan, on Date) error {
	var have []string
	for _, o := range item.options(p.Name) {
		if o != 0 {
			have = append(have, strconv.Itoa(o))
		}
	}
	switch {
	case len(item.options(p.Name)) == 0:
		var plans []string
		for _, e := range item.Prices {
			if id := p.Book.Name + "/" + e.Plan; !slices.Contains(plans, id) {
				plans = append(plans, id)
			}
		}
		return a.itemAt.Errorf("%s, in force on %s, does not offer %s: %s does; give it an until, or another plan", p.ID(), on, a.item, strings.Join(plans, ", "))
	case len(have) == 0:
		return a.optionAt.Errorf("%s has no options", a.item)
	case a.option == 0:
		return a.at.Errorf("misses the field option: %s has %s", a.item, strings.Join(have, ", "))
	}
	return a.optionAt.Errorf("option %d of %s does not exist for %s: it has %s", a.option, a.item, p.ID(), strings.Join(have, ", "))
}

// checkRequired refuses an add-on to something that is not on when it begins.
func (x *account) checkRequired(c *contract, a *addon) error {
	item := c.planAt(a.from.At(c.zone)).Book.item(a.item)
	if item == nil || item.Requires == "" {
		return nil
	}
	from := a.from.At(c.zone)
	for i := range x.addons {
		b := &x.addons[i]
		f, u := b.span(c.zone)
		if b.item == item.Requires && (b.app == "" || b.app == a.app) && !from.Before(f) && (u.IsZero() || from.Before(u)) {
			return nil
		}
	}
	return a.itemAt.Errorf("%s needs %s, which is not on at %s", a.item, item.Requires, a.from)
}

// configurationWarnings names what changed more often in a month than its book allows.
func (c *contract) configurationWarnings(m Month) (out []string) {
	changes := make(map[string]map[time.Time]bool)
	var order []string
	note := func(what string, at Moment) {
		if m != at.day(c.zone).Month || c.planAt(at.At(c.zone)).Book.Rules.ChangesPerMonth == 0 {
			return
		}
		if changes[what] == nil {
			changes[what] = make(map[time.Time]bool)
			order = append(order, what)
		}
		changes[what][at.At(c.zone)] = true
	}
	for _, ch := range c.acc.changes {
		note("the plan", ch.when)
	}
	for _, a := range c.acc.addons {
		what := a.item
		if a.app != "" {
			what += " of app " + a.app
		}
		note(what, a.from)
		if a.until != nil {
			note(what, *a.until)
		}
	}
	for _, what := range order {
		most := c.steps[len(c.steps)-1].plan.Book.Rules.ChangesPerMonth
		if n := len(changes[what]); n > most {
			out = append(out, fmt.Sprintf("account %s: %s changed %d times in %s; the book allows %d", c.acc.id, what, n, m, most))
		}
	}
	return out
}
