package events

import (
	"fmt"
	"time"
)

// Month is a calendar month, counted from January of year 0: year×12 + month − 1. It prints and parses as 2026-10.
type Month int32

// Day is a day of the month, 1–31.
type Day uint8

// MonthOf returns the month of a year (0–9999).
func MonthOf(year int, m time.Month) Month { return Month(year*12 + int(m) - 1) }

// ParseMonth reads the form 2026-10, and nothing else.
func ParseMonth(s string) (Month, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil || len(s) != 7 {
		return 0, fmt.Errorf("month %q: want the form 2026-10", s)
	}
	return MonthOf(t.Year(), t.Month()), nil
}

// Year returns the calendar year.
func (m Month) Year() int { return int(m) / 12 }

// Calendar returns the month of the year.
func (m Month) Calendar() time.Month { return time.Month(int(m)%12 + 1) }

// Days returns how many days the month has, 28–31.
func (m Month) Days() int {
	return time.Date(m.Year(), m.Calendar()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// String returns the form 2026-10.
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", m.Year(), int(m.Calendar())) }

// MarshalText returns the form 2026-10.
func (m Month) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the form 2026-10.
func (m *Month) UnmarshalText(b []byte) error {
	v, err := ParseMonth(string(b))
	if err == nil {
		*m = v
	}
	return err
}
