package rating

import (
	"slices"
	"time"

	"headcount/internal/calendar"
)

// stretch is a time in which the plan is in force, or, past its expiry and not yet suspended, in grace.
type stretch struct {
	from, until time.Time
	plan        *Plan
	grace       bool
}

// service returns the stretches that touch [from, until).
func (c *contract) service(from, until time.Time) (out []stretch) {
	put := func(s stretch) {
		s.until = earlier(s.until, c.halted)
		if a, b, ok := overlap(s.from, s.until, from, until); ok {
			s.from, s.until = a, b
			out = append(out, s)
		}
	}
	ps := c.periods(until)
	for i, p := range ps {
		put(stretch{p.from, p.until, p.plan, false})
		if p.until.IsZero() {
			continue
		}
		end := p.grace
		if i+1 < len(ps) {
			end = earlier(end, ps[i+1].from)
		}
		if end.After(p.until) {
			put(stretch{p.until, end, p.plan, true})
		}
	}
	return out
}

// inForce says whether a plan is in force at some time of a stretch.
func (c *contract) inForce(from, until time.Time) bool {
	for _, s := range c.service(from, until) {
		if !s.grace {
			return true
		}
	}
	return false
}

// monthView is what a contract is in one month.
type monthView struct {
	plan    *Plan
	grace   bool      // only past its expiry
	last    time.Time // until when it was in force in the month
	shared  bool      // usage above the quota counts by inUse/of
	inUse   int       // days of the month in use, of those with no halt
	of      int       // days of the month
	service []stretch

	suspended bool // from its first day to its last, so that it costs no fees
}

// month returns the contract's view of a month; nil where it was not in force in it.
func (c *contract) month(m Month) *monthView {
	from, until := m.Span(c.zone)
	v := &monthView{service: c.service(from, until), of: m.Days()}
	for _, s := range v.service {
		if s.grace && s.plan.Book.Suspension.GraceUsage != billedWord {
			continue
		}
		if first := v.plan == nil; first || v.grace && !s.grace || v.grace == s.grace {
			v.plan, v.grace, v.last = c.planOfMonth(s, v), s.grace, s.until
		}
	}
	if v.plan == nil {
		return nil
	}
	halts := c.halts(until)
	v.suspended = v.plan.Book.Rules.SuspendedMonth == free && suspendedWhole(m, halts, c.zone)
	if v.shared = v.plan.sharesMonth(halts, from, until); v.shared {
		v.inUse = c.daysInUse(m, v.service, halts)
	}
	return v
}

// planOfMonth returns the plan that decides a month of which stretch s is the newest that counts; v is the view of those before.
func (c *contract) planOfMonth(s stretch, v *monthView) *Plan {
	switch last := c.planAt(s.until.Add(-1)); {
	case last.Book.Rules.PlanOfMonth != firstPlan:
		return last
	case v.plan != nil && !v.grace:
		return v.plan
	}
	return c.planAt(s.from)
}

// suspendedWhole says whether halts take every day of a month.
func suspendedWhole(m Month, halts []halt, zone *time.Location) bool {
	for i := range m.Days() {
		day := m.First().AddDays(i)
		if !slices.ContainsFunc(halts, func(h halt) bool { return h.takes(day, zone) }) {
			return false
		}
	}
	return true
}

// sharesMonth says whether usage above the quota counts by the share of days in use: always, or in a month with a halt that the
// book says it of.
func (p *Plan) sharesMonth(halts []halt, from, until time.Time) bool {
	if p.Book.Rules.PartialMonth == shareOfDays {
		return true
	}
	s := p.Book.Suspension
	if s == nil || s.MonthUsage == wholeMonth {
		return false
	}
	return slices.ContainsFunc(halts, func(h halt) bool {
		_, _, touches := overlap(h.from, h.until, from, until)
		return touches && (s.MonthUsage == shareOfDays || h.cause == causeArrears)
	})
}

// daysInUse counts the days on which the service was there for some time.
func (c *contract) daysInUse(m Month, service []stretch, halts []halt) (n int) {
	for i := range m.Days() {
		day := m.First().AddDays(i)
		from, until := day.Start(c.zone), day.AddDays(1).Start(c.zone)
		used := false
		for _, s := range service {
			_, _, ok := overlap(s.from, s.until, from, until)
			used = used || ok
		}
		if used && !slices.ContainsFunc(halts, func(h halt) bool { return h.takes(day, c.zone) }) {
			n++
		}
	}
	return n
}

// takes says whether a halt takes a day: the one on which it begins, and those up to the day on which the service came back, without
// it.
func (h halt) takes(day Date, zone *time.Location) bool {
	suspended := calendar.DateOf(h.from.In(zone))
	if day.Before(suspended) {
		return false
	}
	if h.until.IsZero() || day == suspended {
		return true
	}
	return day.Before(calendar.DateOf(h.until.In(zone)))
}

// envelope is the time from first to last in force.
func (c *contract) envelope() (from, until time.Time) {
	from = c.steps[0].at
	last := c.runs()[len(c.runs())-1]
	open := c.acc.renew || last.term(c.acc) == 0 && len(c.ordersOf(last)) == 0
	if open && c.ends.IsZero() {
		return from, c.halted
	}
	far := farFuture
	if !c.ends.IsZero() {
		far = c.ends
	}
	for _, p := range c.periods(far) {
		until = p.until
	}
	return from, earlier(until, c.halted)
}

var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
