package rating

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// CalendarEntry is something that happens to a subscription on a day.
type CalendarEntry struct {
	Date string `json:"date"`
	What string `json:"what"`
}

// YearAhead lists what happens to an account within a year from a time on, each day looked at from its beginning: changes of
// state, plan and term, reminders, what is to be paid ahead, and the months' deductions.
func YearAhead(a *Accounts, cat *Catalog, zone *time.Location, id string, from time.Time) ([]CalendarEntry, error) {
	if zone == nil {
		zone = time.UTC
	}
	from = from.In(zone)
	before, err := SubscriptionAt(a, cat, zone, id, from)
	if err != nil {
		return nil, err
	}
	year := newYear(from)
	for n := 0; ; n++ {
		day := time.Date(from.Year(), from.Month(), from.Day()+n, 0, 0, 0, 0, zone)
		if day.Format(time.DateOnly) >= year.end {
			break
		}
		if day.Before(from) {
			day = from
		}
		s, err := SubscriptionAt(a, cat, zone, id, day)
		if err != nil {
			return nil, err
		}
		year.dates(s, day)
		year.changes(before, s, day)
		before = s
	}
	slices.SortStableFunc(year.entries, func(a, b CalendarEntry) int { return strings.Compare(a.Date, b.Date) })
	return year.entries, nil
}

// yearAhead collects the entries of a year, each once.
type yearAhead struct {
	begin, end string // dates; end is exclusive
	entries    []CalendarEntry
	seen       map[CalendarEntry]bool
}

func newYear(from time.Time) *yearAhead {
	return &yearAhead{
		begin: from.Format(time.DateOnly), end: from.AddDate(1, 0, 0).Format(time.DateOnly),
		entries: []CalendarEntry{}, seen: map[CalendarEntry]bool{},
	}
}

// add takes an entry that lies within the year; of a time its date counts.
func (y *yearAhead) add(at, format string, args ...any) {
	date := at[:min(len(at), len(time.DateOnly))]
	e := CalendarEntry{date, fmt.Sprintf(format, args...)}
	if date >= y.begin && date < y.end && !y.seen[e] {
		y.seen[e] = true
		y.entries = append(y.entries, e)
	}
}

// changes adds what is not as it was the day before.
func (y *yearAhead) changes(before, s *Subscription, day time.Time) {
	if s.State != before.State {
		y.add(s.Since, "%s", s.State)
	}
	if s.Plan != before.Plan {
		y.add(day.Format(time.DateOnly), "plan %s", s.Plan)
	}
	if s.TermFrom != before.TermFrom {
		until := s.TermUntil
		if until == "" {
			until = "–"
		}
		y.add(s.TermFrom, "new term, until %s", until)
	}
}

// dates adds what the subscription announces, as it stands on that day: the day's reminders, and what is due on the next. What was
// foreseen and did not come to pass is not in it.
func (y *yearAhead) dates(s *Subscription, day time.Time) {
	today, tomorrow := day.Format(time.DateOnly), day.AddDate(0, 0, 1).Format(time.DateOnly)
	for _, d := range s.Reminders {
		if d == today {
			y.add(d, "reminder of the expiry")
		}
	}
	for _, d := range s.Due {
		if d.Date == tomorrow {
			y.add(d.Date, "due: %s for %s", d.Amount, strings.TrimSpace(d.Item+" "+d.App))
		}
	}
	if s.served() { // a month in which it is served has an invoice
		y.add(s.DeductFrom, "deduction of the month before, until %s", s.DeductUntil)
	}
}

// served says whether the service is given.
func (s *Subscription) served() bool {
	switch s.State {
	case Trial, Active, Expiring:
		return true
	case Expired:
		return s.Suspension != "" // else it is over
	}
	return false
}
