package rating

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Date is a day of the calendar, in whatever zone. It prints and parses as 2026-01-31.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads the form 2026-01-31 of a day that exists.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || !plausible(t) {
		return Date{}, fmt.Errorf("date %q: want a day that exists, such as 2026-01-31", s)
	}
	return dateOf(t), nil
}

// plausible keeps years within what a contract can be about: a slip of the pen would be centuries of terms.
func plausible(t time.Time) bool { return t.Year() >= 1970 && t.Year() < 2200 }

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// utc stands for the date where only differences matter.
func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

func (d Date) addDays(n int) Date { return dateOf(d.utc().AddDate(0, 0, n)) }

// addMonths keeps the day and clamps it to the month's last: 01-31 + 1 month is 02-28.
func (d Date) addMonths(n int) Date {
	m := Month{d.Year, d.Month}.add(n)
	return Date{m.Year, m.Month, min(d.Day, m.days())}
}

func (d Date) before(e Date) bool {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day)) < 0
}

// daysUntil is how many days lie from d up to e, without e.
func (d Date) daysUntil(e Date) int { return int(e.utc().Sub(d.utc()) / (24 * time.Hour)) }

// start is the day's first instant in a zone, also where a change of clocks takes midnight away or makes it twice.
func (d Date) start(zone *time.Location) time.Time {
	t := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
	begin, end := t.ZoneBounds()
	if dateOf(t).before(d) {
		return end
	}
	if !begin.IsZero() {
		_, offset := begin.Add(-time.Second).Zone()
		earlier := d.utc().Add(-time.Duration(offset) * time.Second).In(zone)
		if earlier.Before(t) && dateOf(earlier) == d {
			return earlier
		}
	}
	return t
}

// Month is a calendar month. It prints and parses as 2026-10.
type Month struct {
	Year  int
	Month time.Month
}

// ParseMonth reads the form 2026-10.
func ParseMonth(s string) (Month, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil || len(s) != 7 || !plausible(t) {
		return Month{}, fmt.Errorf("month %q: want the form 2026-10", s)
	}
	return Month{t.Year(), t.Month()}, nil
}

func (m Month) String() string { return fmt.Sprintf("%04d-%02d", m.Year, int(m.Month)) }

func (m Month) add(n int) Month {
	k := m.Year*12 + int(m.Month) - 1 + n
	return Month{k / 12, time.Month(k%12 + 1)}
}

func (m Month) days() int   { return time.Date(m.Year, m.Month+1, 0, 0, 0, 0, 0, time.UTC).Day() }
func (m Month) first() Date { return Date{m.Year, m.Month, 1} }
func (m Month) has(d Date) bool {
	return d.Year == m.Year && d.Month == m.Month
}

// span returns the month's first instant and the next month's.
func (m Month) span(zone *time.Location) (from, until time.Time) {
	return m.first().start(zone), m.add(1).first().start(zone)
}

// Moment is a date (its first instant in the billing zone) or a time.
type Moment struct {
	date    Date
	instant time.Time // zero: the date counts
}

// ParseMoment reads a date or an RFC 3339 time.
func ParseMoment(s string) (Moment, error) {
	if d, err := ParseDate(s); err == nil {
		return Moment{date: d}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || !plausible(t) {
		return Moment{}, fmt.Errorf("%q: want a date that exists, such as 2026-01-31, or a time such as 2026-01-31T09:00:00Z", s)
	}
	return Moment{instant: t}, nil
}

// At returns the instant.
func (m Moment) At(zone *time.Location) time.Time {
	if m.instant.IsZero() {
		return m.date.start(zone)
	}
	return m.instant.In(zone)
}

// day returns the day on which the instant lies.
func (m Moment) day(zone *time.Location) Date {
	if m.instant.IsZero() {
		return m.date
	}
	return dateOf(m.instant.In(zone))
}

// Term is how long something is bought for, in months. It prints and parses as "3 months" or "1 year".
type Term int

// ParseTerm reads forms such as "1 month", "3 months", "1 year".
func ParseTerm(s string) (Term, error) {
	number, unit, _ := strings.Cut(s, " ")
	n, err := strconv.Atoi(number)
	months := map[string]int{"month": 1, "months": 1, "year": 12, "years": 12}[unit]
	if err != nil || strconv.Itoa(n) != number || months == 0 || n < 1 || n > 1200 {
		return 0, fmt.Errorf(`term %q: want a form such as "12 months" or "1 year"`, s)
	}
	return Term(n * months), nil
}

func (t Term) String() string {
	n, unit := int(t), "month"
	if n%12 == 0 {
		n, unit = n/12, "year"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}
