package calendar

import (
	"cmp"
	"fmt"
	"time"
)

// Date is a day of the calendar. It prints and parses as 2026-01-31.
type Date struct {
	Month Month
	Day   Day
}

// ParseDate reads the form 2026-01-31 of a day that exists.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("date %q: want a day that exists, such as 2026-01-31", s)
	}
	return DateOf(t), nil
}

// DateOf returns the day that a clock in the instant's zone shows.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{MonthOf(y, m), Day(d)}
}

func (d Date) String() string { return fmt.Sprintf("%s-%02d", d.Month, d.Day) }

// AddDays counts on, or back.
func (d Date) AddDays(n int) Date { return DateOf(d.utc().AddDate(0, 0, n)) }

// AddMonths keeps the day and clamps it to the month's last: 01-31 + 1 month is 02-28.
func (d Date) AddMonths(n int) Date {
	m := d.Month + Month(n)
	return Date{m, min(d.Day, Day(m.Days()))}
}

// Compare is as of package cmp.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// Before says whether d is the earlier day.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// DaysUntil is how many days lie from d up to e, without e.
func (d Date) DaysUntil(e Date) int { return int(e.utc().Sub(d.utc()) / (24 * time.Hour)) }

// Start is the day's first instant in a zone, also where a change of clocks takes midnight away or makes it twice.
func (d Date) Start(zone *time.Location) time.Time {
	t := time.Date(d.Month.Year(), d.Month.Calendar(), int(d.Day), 0, 0, 0, 0, zone)
	begin, end := t.ZoneBounds()
	if DateOf(t).Before(d) {
		return end
	}
	if !begin.IsZero() {
		_, offset := begin.Add(-time.Second).Zone()
		earlier := d.utc().Add(-time.Duration(offset) * time.Second).In(zone)
		if earlier.Before(t) && DateOf(earlier) == d {
			return earlier
		}
	}
	return t
}

// utc stands for the date where only differences matter.
func (d Date) utc() time.Time {
	return time.Date(d.Month.Year(), d.Month.Calendar(), int(d.Day), 0, 0, 0, 0, time.UTC)
}
