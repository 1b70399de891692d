package rating

import (
	"time"

	"headcount/internal/calendar"
)

// itemTime is a stretch in which an add-on is on. What is paid ahead has one for each purchase.
type itemTime struct {
	from, until  time.Time // half open; a zero until: without end
	bought, next Date      // paid ahead: the day it was bought, and the one on which its time is over; a zero next: never
	plan         *Plan     // in force when it was bought
	item         *Item
}

// timesOf returns the itemTimes of an add-on, once for all apps.
func (c *contract) timesOf(a *addon, horizon time.Time) []itemTime {
	if c.times == nil || !c.timesUpTo.Equal(horizon) {
		c.times, c.timesUpTo = make(map[*addon][]itemTime, len(c.acc.addons)), horizon
	}
	t, ok := c.times[a]
	if !ok {
		t = c.itemTimes(a, horizon)
		c.times[a] = t
	}
	return t
}

// itemTimes returns when an add-on is on, at least all that begins before the horizon. What is paid ahead is bought on its first day
// and again when its time is over: not while the account is in arrears or its plan not in force, but when that has passed.
func (c *contract) itemTimes(a *addon, horizon time.Time) (out []itemTime) {
	begin, _ := a.span(c.zone)
	end := c.itemEnd(a)
	if item := c.planAt(begin).Book.item(a.item); item != nil && item.Paid == paidAfter {
		return []itemTime{{from: begin, until: end, item: item}}
	}
	anchor, months := a.from.day(c.zone), 0
	for at, first := begin, true; ; first = false {
		on := c.inForceFrom(at, horizon)
		for !first && !on.IsZero() {
			paid := c.renewal(c.planAt(on), on)
			if paid.Equal(on) {
				break
			}
			on = c.inForceFrom(paid, horizon)
		}
		if on.IsZero() || !end.IsZero() && !on.Before(end) {
			return out
		}
		if !on.Equal(at) {
			anchor, months = calendar.DateOf(on), 0
		}
		plan := c.planAt(on)
		item := plan.Book.item(a.item)
		if item == nil || item.Paid != paidAhead {
			return out
		}
		t := itemTime{from: on, until: end, bought: anchor.AddMonths(months), plan: plan, item: item}
		if item.Bought == boughtOnce {
			return append(out, t)
		}
		months += item.months()
		t.next = anchor.AddMonths(months)
		at = t.next.Start(c.zone)
		t.until = earlier(at, end)
		out = append(out, t)
	}
}

// inForceFrom returns the first instant from t on, and before the horizon, at which a plan is in force; zero: there is none.
func (c *contract) inForceFrom(t, horizon time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	for _, p := range c.periods(horizon) {
		from, _, ok := overlap(p.from, earlier(p.until, c.halted), t, horizon)
		if ok {
			return from
		}
	}
	return time.Time{}
}

// itemEnd returns when an add-on ends: by itself, or with the item that it needs; zero: never.
func (c *contract) itemEnd(a *addon) time.Time {
	from, until := a.span(c.zone)
	item := c.planAt(from).Book.item(a.item)
	if item == nil || item.Requires == "" {
		return until
	}
	end := from
	for goesOn := true; goesOn; {
		goesOn = false
		for i := range c.acc.addons {
			b := &c.acc.addons[i]
			f, u := b.span(c.zone)
			if b.item != item.Requires || b.app != "" && b.app != a.app || f.After(end) {
				continue
			}
			if u.IsZero() {
				return until
			}
			if u.After(end) {
				end, goesOn = u, true
			}
		}
	}
	return earlier(until, end)
}

// onDay says whether the add-on is on at some time of a day.
func (u *use) onDay(day Date) bool {
	from, until := day.Start(u.c.zone), day.AddDays(1).Start(u.c.zone)
	for _, t := range u.times {
		if _, _, ok := overlap(t.from, t.until, from, until); ok && u.c.inForce(laterOf(t.from, from), earlier(t.until, until)) {
			return true
		}
	}
	return false
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
