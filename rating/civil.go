package rating

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"headcount/internal/calendar"
)

// Date is a day of the calendar, in whatever zone. It prints and parses as 2026-01-31.
type Date = calendar.Date

// Month is a calendar month. It prints and parses as 2026-10.
type Month = calendar.Month

// ParseDate reads the form 2026-01-31 of a day that exists, in a year that a contract can be about.
func ParseDate(s string) (Date, error) {
	d, err := calendar.ParseDate(s)
	if err == nil && !plausible(d.Month.Year()) {
		err = fmt.Errorf("date %q: want a day that exists, such as 2026-01-31", s)
	}
	return d, err
}

// ParseMonth reads the form 2026-10, in a year that a contract can be about.
func ParseMonth(s string) (Month, error) {
	m, err := calendar.ParseMonth(s)
	if err == nil && !plausible(m.Year()) {
		err = fmt.Errorf("month %q: want the form 2026-10", s)
	}
	return m, err
}

// checkMonth refuses a month that ParseMonth would.
func checkMonth(m Month) error {
	if !plausible(m.Year()) {
		return fmt.Errorf("month %s: want one from 1970 to 2199", m)
	}
	return nil
}

// plausible keeps years within what a contract can be about: a slip of the pen would be centuries of terms.
func plausible(year int) bool { return year >= 1970 && year < 2200 }

// Moment is a date (its first instant in the billing zone) or a time.
type Moment struct {
	date    Date
	instant time.Time // zero: the date counts
}

// momentForm is RFC 3339 to the letter: the library takes more.
var momentForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)

// ParseMoment reads a date or an RFC 3339 time.
func ParseMoment(s string) (Moment, error) {
	if d, err := ParseDate(s); err == nil {
		return Moment{date: d}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || !plausible(t.Year()) || !momentForm.MatchString(s) {
		return Moment{}, fmt.Errorf("%q: want a date that exists, such as 2026-01-31, or a time such as 2026-01-31T09:00:00Z", s)
	}
	return Moment{instant: t}, nil
}

// At returns the instant.
func (m Moment) At(zone *time.Location) time.Time {
	if m.instant.IsZero() {
		return m.date.Start(zone)
	}
	return m.instant.In(zone)
}

// day returns the day on which the instant lies.
func (m Moment) day(zone *time.Location) Date {
	if m.instant.IsZero() {
		return m.date
	}
	return calendar.DateOf(m.instant.In(zone))
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
