// Package calendar has months, days and dates as numbers: of the calendar alone, in whatever zone.
//
// Instants come into it in two places: DateOf reads a date off a clock that shows some zone, Start says when a date begins in one.
package calendar

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// Month is a calendar month, counted from January of year 0: year×12 + month − 1. So the next one is m+1. It prints and parses as
// 2026-10, and is that text in JSON and in SQL.
type Month int32

// Day is a day of the month, 1–31.
type Day uint8

// MonthOf returns the month of a year (0–9999).
func MonthOf(year int, m time.Month) Month { return Month(year*12 + int(m) - 1) }

// ParseMonth reads the form 2026-10, and nothing else.
func ParseMonth(s string) (Month, error) {
	if len(s) == len("2026-10") && s[4] == '-' {
		century, ok0 := twoDigits(s[0:])
		year, ok1 := twoDigits(s[2:])
		month, ok2 := twoDigits(s[5:])
		if ok0 && ok1 && ok2 && 1 <= month && month <= 12 {
			return MonthOf(100*century+year, time.Month(month)), nil
		}
	}
	return 0, fmt.Errorf("month %q: want the form 2026-10", s)
}

func twoDigits(s string) (int, bool) {
	hi, lo := s[0]-'0', s[1]-'0'
	return int(hi)*10 + int(lo), hi <= 9 && lo <= 9
}

// Year returns the calendar year.
func (m Month) Year() int { return int(m) / 12 }

// Calendar returns the month of the year.
func (m Month) Calendar() time.Month { return time.Month(int(m)%12 + 1) }

// Days returns how many days the month has, 28–31.
func (m Month) Days() int {
	return time.Date(m.Year(), m.Calendar()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// Date returns a day of the month.
func (m Month) Date(day Day) Date { return Date{m, day} }

// First returns the month's first day.
func (m Month) First() Date { return Date{m, 1} }

// Span returns the month's first instant in a zone and the next month's.
func (m Month) Span(zone *time.Location) (from, until time.Time) {
	return m.First().Start(zone), (m + 1).First().Start(zone)
}

// String returns the form 2026-10.
func (m Month) String() string {
	text, _ := m.AppendText(nil)
	return string(text)
}

// MarshalText returns the form 2026-10.
func (m Month) MarshalText() ([]byte, error) { return m.AppendText(nil) }

// AppendText adds the form 2026-10.
func (m Month) AppendText(b []byte) ([]byte, error) {
	year, month := m.Year(), int(m.Calendar())
	if m < 0 || year > 9999 { // no month of ours
		return fmt.Appendf(b, "%04d-%02d", year, month), nil
	}
	return append(b, byte('0'+year/1000), byte('0'+year/100%10), byte('0'+year/10%10), byte('0'+year%10), '-', byte('0'+month/10), byte('0'+month%10)), nil
}

// UnmarshalText reads the form 2026-10.
func (m *Month) UnmarshalText(b []byte) error {
	v, err := ParseMonth(string(b))
	if err == nil {
		*m = v
	}
	return err
}

// Value is the form 2026-10, for a column of text.
func (m Month) Value() (driver.Value, error) { return m.String(), nil }

// Scan reads the form 2026-10 from a column of text.
func (m *Month) Scan(column any) error {
	switch text := column.(type) {
	case string:
		return m.UnmarshalText([]byte(text))
	case []byte:
		return m.UnmarshalText(text)
	}
	return fmt.Errorf("month: want text such as 2026-10, got %T", column)
}
