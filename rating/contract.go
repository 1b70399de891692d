package rating

import (
	"time"

	"headcount/internal/calendar"
)

// contract is an account on the time axis: what was bought for when, which plan is in force, when the service stood still.
// Times are half open; a zero until is without end.
type contract struct {
	acc    *account
	zone   *time.Location
	steps  []step    // by time; the first at the account's from
	orders []*order  // by time
	ends   time.Time // until; zero: none
	halted time.Time // cancelled, disabled or repossessed, whichever is first; zero: never
	cause  string    // of halted

	bought  []period // what periods found, up to:
	horizon time.Time

	times     map[*addon][]itemTime // what timesOf found, up to:
	timesUpTo time.Time
}

// step is a plan from an instant on.
type step struct {
	at   time.Time
	plan *Plan
}

// period is one purchase of a plan: months from an anchor day on. Without a term it has no months and no anchor.
type period struct {
	from, until    time.Time
	anchor         Date
	offset, months int
	plan           *Plan
	order          *order // nil: implied, at list price
	bought         Date
	run            int
	grace          time.Time // when it is suspended, if nothing follows
}

// What makes a service stand still.
const (
	causeExpiry      = "expiry"
	causeArrears     = "arrears"
	causeCancelled   = "cancelled"
	causeDisabled    = "disabled"
	causeRepossessed = "repossessed"
)

// halt is a time in which the service stands still.
type halt struct {
	from, until time.Time
	cause       string
	bill        *bill // of arrears
	keep        int   // days, the first included, after which all is lost
}

// run is a stretch of steps under one chain of purchases. A change of plan that is a purchase begins another: a refund and a new one
// by its book's rules, or the first plan that is charged, after one that never is.
type run struct {
	index int
	from  time.Time
	limit time.Time // the next run's from; zero: none
	plan  *Plan
}

func (c *contract) runs() (out []run) {
	for i, s := range c.steps {
		if i > 0 {
			p := c.steps[i-1].plan
			if p.Book == s.plan.Book && s.plan.Book.Rules.PlanChange == keepTerm && (s.plan.Reported || !p.Reported) {
				continue
			}
			out[len(out)-1].limit = s.at
		}
		out = append(out, run{index: len(out), from: s.at, plan: s.plan})
	}
	return out
}

// periods returns what was bought, by time, at least all that begins before the horizon; cancelling does not show in them.
func (c *contract) periods(horizon time.Time) (out []period) {
	if c.bought != nil && !horizon.After(c.horizon) {
		return c.bought
	}
	for _, r := range c.runs() {
		if len(out) > 0 && !r.from.Before(horizon) {
			break
		}
		out = append(out, c.chain(r, horizon, earlier(r.limit, c.ends))...)
	}
	for i := range out {
		out[i].grace = c.graceEnd(out[i].plan, out[i].until)
	}
	c.bought, c.horizon = out, horizon
	return out
}

// chain returns a run's purchases that begin before end.
func (c *contract) chain(r run, horizon, end time.Time) (out []period) {
	term := r.term(c.acc)
	orders := c.ordersOf(r)
	if term == 0 && len(orders) == 0 {
		if !end.IsZero() && !r.from.Before(end) {
			return nil
		}
		return []period{{from: r.from, until: end, plan: r.plan, bought: calendar.DateOf(r.from), run: r.index}}
	}
	anchor, offset, from := calendar.DateOf(r.from), 0, r.from
	add := func(months Term, o *order, bought Date) {
		p := period{anchor: anchor, offset: offset, months: int(months), plan: r.plan, order: o, bought: bought, run: r.index}
		p.from, p.until = from, anchor.AddMonths(offset+p.months).Start(c.zone)
		offset, from = offset+p.months, p.until
		out = append(out, p)
	}
	if len(orders) == 0 || anchor.Before(orders[0].when.day(c.zone)) {
		add(term, nil, anchor)
	}
	for _, o := range orders {
		at := o.when.At(c.zone)
		if len(out) > 0 && at.After(c.graceEnd(r.plan, from)) { // bought again after a pause: a new anchor
			anchor, offset, from = calendar.DateOf(at), 0, at
		}
		add(firstTerm(o.term, r.plan.Term, term), o, o.when.day(c.zone))
	}
	if c.acc.renew || !c.ends.IsZero() {
		for from.Before(horizon) && (end.IsZero() || from.Before(end)) {
			on := c.renewal(r.plan, from)
			if on.IsZero() {
				break
			}
			if on.After(c.graceEnd(r.plan, from)) { // as bought again after a pause
				anchor, offset, from = calendar.DateOf(on), 0, on
				continue
			}
			add(firstTerm(term, Term(out[len(out)-1].months)), nil, calendar.DateOf(on))
		}
	}
	for i := range out {
		if !end.IsZero() && !out[i].from.Before(end) {
			return out[:i]
		}
		out[i].until = earlier(out[i].until, end)
	}
	return out
}

// term is what the run's plan is bought for where no order says; 0: until the account's end.
func (r run) term(a *account) Term { return firstTerm(a.term, r.plan.Term) }

func firstTerm(terms ...Term) Term {
	for _, t := range terms {
		if t != 0 {
			return t
		}
	}
	return 0
}

func (c *contract) ordersOf(r run) (out []*order) {
	for _, o := range c.orders {
		at := o.when.At(c.zone)
		if (r.index == 0 || !at.Before(r.from)) && (r.limit.IsZero() || at.Before(r.limit)) {
			out = append(out, o)
		}
	}
	return out
}

// earlier returns the earlier of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// overlap returns the common part of two stretches; ok is false where there is none.
func overlap(aFrom, aUntil, bFrom, bUntil time.Time) (from, until time.Time, ok bool) {
	from, until = aFrom, earlier(aUntil, bUntil)
	if bFrom.After(from) {
		from = bFrom
	}
	return from, until, until.IsZero() || from.Before(until)
}

// planAt returns the plan of an instant, the first where it lies before them all.
func (c *contract) planAt(t time.Time) *Plan {
	p := c.steps[0].plan
	for _, s := range c.steps {
		if !s.at.After(t) {
			p = s.plan
		}
	}
	return p
}

// after returns when a delay that begins at t is over.
func (d *Delay) after(t time.Time, zone *time.Location) time.Time {
	switch {
	case d.Hours > 0:
		return t.Add(time.Duration(d.Hours) * time.Hour)
	case d.Whole > 0:
		return daysLater(t.In(zone), d.Whole)
	}
	days := d.Days
	if d.FirstDay == excluded {
		days++
	}
	return calendar.DateOf(t.In(zone)).AddDays(days).Start(zone)
}

// daysLater is the same time of day, however long the days between are.
func daysLater(t time.Time, n int) time.Time {
	day := calendar.DateOf(t)
	begin := day.AddDays(n).Start(t.Location())
	if t.Equal(day.Start(t.Location())) {
		return begin
	}
	if at := t.AddDate(0, 0, n); at.After(begin) { // else the day has no such time
		return at
	}
	return begin
}

// renewal returns when what expires at t is bought again by itself: at once, or, where a bill was pushed and is not paid, when it is; zero:
// never.
func (c *contract) renewal(p *Plan, t time.Time) time.Time {
	if p.Book.Rules.Renewal != refused {
		return t
	}
	for owes := true; owes; {
		owes = false
		for _, b := range c.acc.bills {
			if b.pushed.At(c.zone).After(t) || b.paid != nil && !t.Before(b.paid.At(c.zone)) {
				continue
			}
			if b.paid == nil {
				return time.Time{}
			}
			t, owes = b.paid.At(c.zone), true
		}
	}
	return t
}

// graceEnd returns when a plan that expires at t is suspended; t itself where the book describes no suspension.
func (c *contract) graceEnd(p *Plan, t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	if s := p.Book.Suspension; s != nil && s.AfterExpiry != nil {
		return s.AfterExpiry.after(t, c.zone)
	}
	return t
}

// halts returns when the service stood still for expiry or arrears, at least all that begins before the horizon.
func (c *contract) halts(horizon time.Time) (out []halt) {
	for _, h := range append(c.expiryHalts(horizon), c.arrearsHalts()...) {
		if c.halted.IsZero() || h.from.Before(c.halted) {
			out = append(out, h)
		}
	}
	return out
}

// expiryHalts returns those from the end of what was bought, and of the grace after it, to when it was bought again.
func (c *contract) expiryHalts(horizon time.Time) (out []halt) {
	ps := c.periods(horizon)
	for i, p := range ps {
		book := p.plan.Book
		if p.until.IsZero() || book.Suspension == nil || book.Suspension.AfterExpiry == nil {
			continue
		}
		h := halt{from: p.grace, cause: causeExpiry, keep: book.Suspension.KeepDays}
		if i+1 < len(ps) {
			if !ps[i+1].from.After(h.from) {
				continue
			}
			h.until = ps[i+1].from
		} else if !p.until.Before(horizon) {
			continue // what follows is not known here
		}
		if !c.halted.IsZero() && !c.halted.After(p.until) {
			continue
		}
		out = append(out, h)
	}
	return out
}

// arrearsHalts returns those from when a bill is overdue to when it is paid.
func (c *contract) arrearsHalts() (out []halt) {
	for i := range c.acc.bills {
		b := &c.acc.bills[i]
		pushed := b.pushed.At(c.zone)
		p := c.planAt(pushed)
		if p.Book.Suspension == nil || p.Book.Suspension.AfterBill == nil {
			continue
		}
		h := halt{from: p.Book.Suspension.AfterBill.after(pushed, c.zone), cause: causeArrears, bill: b, keep: p.Book.Suspension.KeepDays}
		if b.paid != nil {
			if h.until = b.paid.At(c.zone); !h.until.After(h.from) {
				continue
			}
		}
		out = append(out, h)
	}
	return out
}

// repossessed returns when a halt ends in loss; zero where it ends before.
func (h halt) repossessed(zone *time.Location) time.Time {
	at := calendar.DateOf(h.from.In(zone)).AddDays(h.keep).Start(zone)
	if !h.until.IsZero() && h.until.Before(at) {
		return time.Time{}
	}
	return at
}
