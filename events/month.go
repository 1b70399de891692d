package events

import (
	"time"

	"headcount/internal/calendar"
)

// Month is a calendar month. It prints and parses as 2026-10.
type Month = calendar.Month

// Day is a day of the month, 1–31.
type Day = calendar.Day

// MonthOf returns the month of a year (0–9999).
func MonthOf(year int, m time.Month) Month { return calendar.MonthOf(year, m) }

// ParseMonth reads the form 2026-10, and nothing else.
func ParseMonth(s string) (Month, error) { return calendar.ParseMonth(s) }
