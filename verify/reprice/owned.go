package reprice

import (
	"math"
	"time"
)

// never is a day that does not come.
const never = day(math.MaxInt32)

// owned is a stretch in which an add-on is on: one purchase of what is paid ahead, else all of it.
type owned struct {
	from, until time.Time // until zero: not over
	first, over day       // of what is paid ahead: bought and paid on, for the time up to, without it
	plan        *plan     // at that time
	it          *item
}

// on returns when an add-on is on, in stretches that begin before the horizon. What is paid ahead goes on by one month, or year, after
// another while nothing stands against it: a plan has to be in force, and no bill may be past due where the book says that nothing
// renews then. When what stood against it has passed, it is bought on that day.
func (l *life) on(a *addon, horizon time.Time) (out []owned) {
	from, _ := l.s.span(a)
	end := l.endOf(a)
	it := l.planAt(from).book.Items[a.Item]
	if it == nil {
		return nil
	}
	if it.Paid != "ahead" {
		return []owned{{from: from, until: end, it: it}}
	}
	begun, n := l.s.day(from), 0
	due := from
	for {
		at, ok := l.servedFrom(due, horizon)
		for ok && len(out) > 0 {
			paid, ever := l.paidUp(l.planAt(at).book, at)
			if !ever {
				return out
			}
			if paid.Equal(at) {
				break
			}
			at, ok = l.servedFrom(paid, horizon)
		}
		if !ok || !end.IsZero() && !at.Before(end) {
			return out
		}
		p := l.planAt(at)
		if it = p.book.Items[a.Item]; it == nil || it.Paid != "ahead" {
			return out
		}
		if at.After(due) {
			begun, n = l.s.day(at), 0
		}
		x := owned{from: at, until: end, first: begun.months(n), over: never, plan: p, it: it}
		if it.Bought == "once" {
			return append(out, x)
		}
		if n++; it.Per == "year" {
			n += 11
		}
		x.over = begun.months(n)
		due = l.s.start(x.over)
		x.until = soonest(due, end)
		out = append(out, x)
	}
}

// servedFrom returns the first instant from t on, before the horizon, at which a plan is in force.
func (l *life) servedFrom(t, horizon time.Time) (time.Time, bool) {
	if !t.Before(horizon) {
		return t, false
	}
	for _, x := range l.served(t, horizon) {
		if !x.grace {
			return x.from, true
		}
	}
	return t, false
}

// endOf returns when an add-on ends: on its own day, or where the last of what it needs ends that was on since; zero: not.
func (l *life) endOf(a *addon) time.Time {
	from, until := l.s.span(a)
	it := l.planAt(from).book.Items[a.Item]
	if it == nil || it.Requires == "" {
		return until
	}
	needed := from
	for again := true; again; {
		again = false
		for i := range l.Addons {
			b := &l.Addons[i]
			f, u := l.s.span(b)
			switch {
			case b.Item != it.Requires || b.App != "" && b.App != a.App || needed.Before(f):
			case u.IsZero():
				return until
			case needed.Before(u):
				needed, again = u, true
			}
		}
	}
	return soonest(needed, until)
}
