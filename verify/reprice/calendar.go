package reprice

import (
	"strconv"
	"strings"
	"time"
)

// day counts from 1970-01-01.
type day int

func dayOf(y int, m time.Month, d int) day {
	return day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func (d day) civil() (int, time.Month, int) { return time.Unix(int64(d)*86400, 0).UTC().Date() }
func (d day) String() string                { return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly) }

// months adds months: the same day of the month, or its last where it has no such day.
func (d day) months(n int) day {
	y, m, of := d.civil()
	last := dayOf(y, m+time.Month(n)+1, 1) - 1
	if _, _, l := last.civil(); of > l {
		of = l
	}
	return dayOf(y, m+time.Month(n), of)
}

// calendar knows when days begin in a zone.
type calendar struct {
	zone   *time.Location
	starts map[day]time.Time
}

func (c *calendar) day(t time.Time) day { return dayOf(t.In(c.zone).Date()) }

// start returns the first instant of a day: it goes through the hours about it, and, where the date is reached or the clocks
// change, through their half minutes: no zone was ever off by less since 1970.
func (c *calendar) start(d day) time.Time {
	if t, ok := c.starts[d]; ok {
		return t
	}
	y, m, of := d.civil()
	for t := time.Date(y, m, of, 0, 0, 0, 0, time.UTC).Add(-24 * time.Hour).In(c.zone); ; t = t.Add(time.Hour) {
		next := t.Add(time.Hour)
		_, offset := t.Zone()
		if _, after := next.Zone(); c.day(next) < d && offset == after {
			continue
		}
		for at := t; !at.After(next); at = at.Add(30 * time.Second) {
			if c.day(at) >= d {
				c.starts[d] = at
				return at
			}
		}
	}
}

// moment reads a date, which stands for its first instant, or an instant.
func (c *calendar) moment(s string) time.Time {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return c.start(dayOf(t.Date()))
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(bad("%q is neither a date nor a time", s))
	}
	return t.In(c.zone)
}

// term reads a form such as "3 months" or "1 year" as months; empty is 0.
func term(s string) int {
	if s == "" {
		return 0
	}
	n, unit, _ := strings.Cut(s, " ")
	k, err := strconv.Atoi(n)
	if err != nil {
		panic(bad("%q is no term", s))
	}
	if strings.HasPrefix(unit, "year") {
		k *= 12
	}
	return k
}

// before and soonest take a zero time for never.
func before(a, b time.Time) bool { return !a.IsZero() && (b.IsZero() || a.Before(b)) }

func soonest(a, b time.Time) time.Time {
	if before(b, a) {
		return b
	}
	return a
}

// meet says whether two half-open stretches share an instant, and which they share.
func meet(aFrom, aUntil, bFrom, bUntil time.Time) (from, until time.Time, ok bool) {
	if from = aFrom; from.Before(bFrom) {
		from = bFrom
	}
	until = soonest(aUntil, bUntil)
	return from, until, until.IsZero() || from.Before(until)
}
