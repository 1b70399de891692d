package reprice

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// life is an account on the time axis.
type life struct {
	*account
	s     *Sheet
	steps []step
	end   time.Time // until; zero: none
	stop  time.Time // cancelled, disabled or lost; zero: never
	paid  bool      // of stop: cancelled, so that a refund is due
}

// step is a plan from an instant on.
type step struct {
	at   time.Time
	plan *plan
}

// stretch is a plan bought for some time, from anchor on: months first to first+months. Without a term it has no months.
type stretch struct {
	from, until   time.Time
	plan          *plan
	anchor        day
	first, months int
	order         *order
	on            day // when it was bought
}

func (s *Sheet) life(a *account) (*life, error) {
	l := &life{account: a, s: s}
	add := func(at, id string) error {
		p := s.plans[id]
		if p == nil {
			return fmt.Errorf("no plan %s", id)
		}
		l.steps = append(l.steps, step{s.moment(at), p})
		return nil
	}
	if err := add(a.From, a.Plan); err != nil {
		return nil, err
	}
	for _, c := range a.Changes {
		if err := add(c.At, c.Plan); err != nil {
			return nil, err
		}
	}
	if a.Until != "" {
		l.end = s.moment(a.Until)
	}
	if a.Cancelled != "" {
		l.stop, l.paid = s.moment(a.Cancelled), true
	}
	if a.Disabled != "" && before(s.moment(a.Disabled), l.stop) {
		l.stop, l.paid = s.moment(a.Disabled), false
	}
	for _, h := range l.arrears() {
		lost := s.start(s.day(h.from) + day(h.keep))
		if !h.until.IsZero() && h.until.Before(lost) {
			continue
		}
		if before(lost, l.stop) {
			l.stop, l.paid = lost, false
		}
	}
	return l, nil
}

// planAt returns the plan of an instant, the first where it lies before them all.
func (l *life) planAt(t time.Time) *plan {
	p := l.steps[0].plan
	for _, s := range l.steps {
		if !s.at.After(t) {
			p = s.plan
		}
	}
	return p
}

// fee is what a plan costs a month: the contract's, else the book's; empty: nothing. What is never charged has no other by contract.
func (l *life) fee(p *plan) string {
	if agreed, ok := l.Overrides["plan.fee"]; ok && !p.Reported {
		return agreed
	}
	return p.Fee
}

// run is a time under one chain of purchases.
type run struct {
	from, until time.Time
	plan        *plan
	first       bool
}

func (l *life) runs() (out []run) {
	for i, s := range l.steps {
		if i > 0 {
			was := l.steps[i-1].plan
			trialOver := was.Reported && !s.plan.Reported // what is bought then is bought anew
			if was.book == s.plan.book && was.book.Rules.Change != "refund_and_buy" && !trialOver {
				continue
			}
			out[len(out)-1].until = s.at
		}
		out = append(out, run{from: s.at, plan: s.plan, first: i == 0})
	}
	return out
}

// bought returns what is bought in a run: stretches that begin before the horizon, and before the end.
func (l *life) bought(r run, horizon, end time.Time) (out []stretch) {
	s := l.s
	var orders []*order
	for i := range l.Orders {
		o := &l.Orders[i]
		if at := s.moment(o.At); (r.first || !at.Before(r.from)) && (r.until.IsZero() || at.Before(r.until)) {
			orders = append(orders, o)
		}
	}
	usual := term(l.Term)
	if usual == 0 {
		usual = term(r.plan.Term)
	}
	if usual == 0 && len(orders) == 0 {
		if !end.IsZero() && !r.from.Before(end) {
			return nil
		}
		return []stretch{{from: r.from, until: end, plan: r.plan, on: s.day(r.from)}}
	}
	anchor, at, from := s.day(r.from), 0, r.from
	buy := func(months int, o *order, on day) {
		x := stretch{from: from, plan: r.plan, anchor: anchor, first: at, months: months, order: o, on: on}
		at += months
		x.until = s.start(anchor.months(at))
		from = x.until
		out = append(out, x)
	}
	if len(orders) == 0 || anchor < s.day(s.moment(orders[0].At)) {
		buy(usual, nil, anchor)
	}
	for _, o := range orders {
		when := s.moment(o.At)
		if len(out) > 0 && when.After(l.graceOf(r.plan, from)) {
			anchor, at, from = s.day(when), 0, when
		}
		months := term(o.Term)
		if months == 0 {
			months = term(r.plan.Term)
		}
		if months == 0 {
			months = usual
		}
		buy(months, o, s.day(when))
	}
	if l.Renew != "" || !l.end.IsZero() {
		for from.Before(horizon) && (end.IsZero() || from.Before(end)) {
			when, ever := l.paidUp(r.plan.book, from)
			if !ever {
				break
			}
			if when.After(l.graceOf(r.plan, from)) {
				anchor, at, from = s.day(when), 0, when
				if !from.Before(horizon) || !end.IsZero() && !from.Before(end) {
					break
				}
			}
			months := usual
			if months == 0 {
				months = out[len(out)-1].months
			}
			buy(months, nil, s.day(when))
		}
	}
	for i := range out {
		if !end.IsZero() && !out[i].from.Before(end) {
			return out[:i]
		}
		out[i].until = soonest(out[i].until, end)
	}
	return out
}

// all returns what is bought in all runs.
func (l *life) all(horizon time.Time) (out []stretch) {
	for i, r := range l.runs() {
		if i > 0 && len(out) > 0 && !r.from.Before(horizon) {
			break
		}
		out = append(out, l.bought(r, horizon, soonest(r.until, l.end))...)
	}
	return out
}

// paidUp returns the first instant from t on at which every bill that was pushed is paid, by which things renew; false: there is none.
func (l *life) paidUp(b *book, t time.Time) (time.Time, bool) {
	if b.Rules.Renewal != "refused" {
		return t, true
	}
	bills := slices.Clone(l.Bills)
	sort.Slice(bills, func(i, j int) bool { return l.s.moment(bills[i].Pushed).Before(l.s.moment(bills[j].Pushed)) })
	for _, b := range bills {
		switch {
		case t.Before(l.s.moment(b.Pushed)):
			return t, true // as are all that are pushed later
		case b.Paid == "":
			return t, false
		case t.Before(l.s.moment(b.Paid)):
			t = l.s.moment(b.Paid)
		}
	}
	return t, true
}

// over returns when a delay that begins at t is over.
func (s *Sheet) over(d *delay, t time.Time) time.Time {
	if d.Hours > 0 {
		return t.Add(time.Duration(d.Hours) * time.Hour)
	}
	if d.Whole > 0 { // the clock shows the same, or, where it never does that day, the day begins
		to := s.day(t) + day(d.Whole)
		if t.Equal(s.start(s.day(t))) {
			return s.start(to)
		}
		y, m, of := to.civil()
		hour, minute, second := t.In(s.zone).Clock()
		at := time.Date(y, m, of, hour, minute, second, t.Nanosecond(), s.zone)
		if at.Before(s.start(to)) {
			return s.start(to)
		}
		return at
	}
	n := d.Days
	if d.First == "excluded" {
		n++
	}
	return s.start(s.day(t) + day(n))
}

// graceOf returns when a plan that expires at t is suspended.
func (l *life) graceOf(p *plan, t time.Time) time.Time {
	if x := p.book.Suspension; !t.IsZero() && x != nil && x.AfterExpiry != nil {
		return l.s.over(x.AfterExpiry, t)
	}
	return t
}

// served is a time in which the service is there; grace: past the expiry.
type served struct {
	from, until time.Time
	plan        *plan
	grace       bool
}

func (l *life) served(from, until time.Time) (out []served) {
	put := func(x served) {
		a, b, ok := meet(x.from, soonest(x.until, l.stop), from, until)
		if ok {
			x.from, x.until = a, b
			out = append(out, x)
		}
	}
	all := l.all(until)
	for i, p := range all {
		put(served{p.from, p.until, p.plan, false})
		if p.until.IsZero() {
			continue
		}
		grace := l.graceOf(p.plan, p.until)
		if i+1 < len(all) {
			grace = soonest(grace, all[i+1].from)
		}
		if grace.After(p.until) {
			put(served{p.until, grace, p.plan, true})
		}
	}
	return out
}

// still is a time in which the service stands still.
type still struct {
	from, until time.Time // zero: not over
	keep        int
	owed        bool // for a bill; else for an expiry
}

// arrears returns the suspensions for bills not paid.
func (l *life) arrears() (out []still) {
	for _, b := range l.Bills {
		pushed := l.s.moment(b.Pushed)
		x := l.planAt(pushed).book.Suspension
		if x == nil || x.AfterBill == nil {
			continue
		}
		h := still{from: l.s.over(x.AfterBill, pushed), keep: x.Keep, owed: true}
		if b.Paid != "" {
			if h.until = l.s.moment(b.Paid); !h.until.After(h.from) {
				continue
			}
		}
		if before(h.from, l.stop) {
			out = append(out, h)
		}
	}
	return out
}

// stills returns all suspensions that begin before the horizon.
func (l *life) stills(horizon time.Time) []still {
	out := l.arrears()
	all := l.all(horizon)
	for i, p := range all {
		x := p.plan.book.Suspension
		if p.until.IsZero() || x == nil || x.AfterExpiry == nil || before(l.stop, p.until) || l.stop.Equal(p.until) {
			continue
		}
		h := still{from: l.graceOf(p.plan, p.until), keep: x.Keep}
		switch {
		case i+1 < len(all):
			if h.until = all[i+1].from; !h.until.After(h.from) {
				continue
			}
		case !p.until.Before(horizon):
			continue
		}
		if before(h.from, l.stop) {
			out = append(out, h)
		}
	}
	return out
}
