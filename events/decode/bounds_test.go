package decode

import (
	"fmt"
	"slices"
	"testing"

	"headcount/events"
)

const (
	overLimit = "rejected [a] over limit"
	before    = "before the books [a]"
)

// TestBounds says which months an event can open, by its own times, the topic's rules and what is sealed. What lies beyond them asks for
// no month's rules.
func TestBounds(t *testing.T) {
	october := events.MonthOf(2026, 10)
	for _, tt := range []struct {
		name, time, record string
		from               events.Month
		back               int
		floor              events.Month
		want               string
	}{
		{"as far back as may be", "2016-11-01T00:00:00Z", "2026-10-31T23:59:59Z", 0, 119, 0, "counted open 2016-11-01 a"},
		{"a month further", "2016-10-31T23:59:59.999Z", "2026-10-01T00:00:00Z", 0, 119, 0, overLimit},
		{"one month back", "2026-09-01T00:00:00Z", "2026-10-31T00:00:00Z", 0, 1, 0, "counted open 2026-09-01 a"},
		{"two, of one", "2026-08-31T23:59:59Z", "2026-10-01T00:00:00Z", 0, 1, 0, overLimit},
		{"without a bound", "2000-01-01T00:00:00Z", "2026-10-01T00:00:00Z", 0, 0, 0, "counted open 2000-01-01 a"},
		{"too old comes before finished", "2000-01-01T00:00:00Z", "2026-10-01T00:00:00Z", 0, 119, october, overLimit},
		{"finished", "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z", 0, 119, october, "expired 2026-09 a"},
		{"a record beyond all years", "2026-10-01T00:00:00Z", "9999-12-31T23:59:59Z", 0, 119, 0, overLimit},
		{"without a record's timestamp, nothing says how old it is", "2000-01-01T00:00:00Z", "", 0, 119, 0, "counted open 2000-01-01 a"},
		{"where the books open", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", october, 119, 0, "counted open 2026-10-01 a"},
		{"a moment before", "2026-09-30T23:59:59.999Z", "2026-11-01T00:00:00Z", october, 119, 0, before},
		{"before the books, without a record's timestamp", "2000-01-01T00:00:00Z", "", october, 119, 0, before},
		{"before the books, by the record", "", "2026-09-30T23:59:59Z", october, 119, 0, before},
		{"too old comes before the books", "2016-01-01T00:00:00Z", "2026-10-01T00:00:00Z", october, 119, 0, overLimit},
		{"before the books and finished", "2026-09-30T00:00:00Z", "2026-11-01T00:00:00Z", october, 119, october + 1, before},
		{"the last month that can be open", "", "2036-09-30T23:59:59.999Z", october, 119, 0, "counted open 2036-09-30 a"},
		{"a record ahead of all that can be", "", "2036-10-01T00:00:00Z", october, 119, 0, overLimit},
		{"an event ahead, its record too", "2090-01-01T00:00:00Z", "2090-01-01T00:00:00Z", october, 119, 0, overLimit},
		{"an event ahead, without a record's timestamp", "2090-01-01T00:00:00Z", "", october, 119, 0, overLimit},
		{"sealed months move the bound", "", "2036-10-01T00:00:00Z", october, 119, october + 1, "counted open 2036-10-01 a"},
		{"and not further", "", "2036-11-01T00:00:00Z", october, 119, october, overLimit},
		{"ahead of what is sealed, where the books have no opening", "", "2036-10-01T00:00:00Z", 0, 119, october - 1, overLimit},
		{"before anything is sealed, and without an opening, there is no bound", "", "2090-01-01T00:00:00Z", 0, 119, 0, "counted open 2090-01-01 a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, b := newTestDecoder(t, func(t *events.Template) { t.From, t.MonthsBack = tt.from, tt.back })
			if tt.floor != 0 {
				d.SetFloor(tt.floor)
			}
			r := record(t, event("miniprogram.open", tt.time))
			r.Timestamp = 0
			if tt.record != "" {
				r.Timestamp = millis(t, tt.record)
			}
			e := decode(t, d, r)
			if got := verdict(e); got != tt.want {
				t.Fatalf("got %s, want %s", got, tt.want)
			}
			if e.FarOff != (tt.want == overLimit) {
				t.Errorf("far off is %v", e.FarOff)
			}
			outside := tt.want == overLimit || tt.want == before
			if outside && len(b.asked) > 0 {
				t.Errorf("rules of %v were made", b.asked)
			}
		})
	}
}

// The bounds are those of the zone's months.
func TestBoundsOfAZone(t *testing.T) {
	d, _ := newTestDecoder(t, func(t *events.Template) {
		t.TimeZone, t.From, t.MonthsBack = "Asia/Shanghai", events.MonthOf(2026, 10), 1
	})
	for _, tt := range []struct{ time, record, want string }{
		{"2026-09-30T16:00:00Z", "2026-10-02T00:00:00Z", "counted open 2026-10-01 a"},
		{"2026-09-30T15:59:59.999Z", "2026-10-02T00:00:00Z", before},
		{"2026-09-30T16:00:00Z", "2026-11-30T15:59:59.999Z", "counted open 2026-10-01 a"},
		{"2026-09-30T16:00:00Z", "2026-11-30T16:00:00Z", overLimit},
		{"", "2026-11-30T15:59:59.999Z", "counted open 2026-11-30 a"},
		{"", "2026-11-30T16:00:00Z", overLimit},
	} {
		r := record(t, event("miniprogram.open", tt.time))
		r.Timestamp = millis(t, tt.record)
		if got := verdict(decode(t, d, r)); got != tt.want {
			t.Errorf("%s, record of %s: got %s, want %s", tt.time, tt.record, got, tt.want)
		}
	}
}

// Whatever is sent with whatever clocks, the months that have rules are few.
func TestForgedClocksOpenFewMonths(t *testing.T) {
	const back = 12
	d, b := newTestDecoder(t, func(t *events.Template) { t.From, t.MonthsBack = events.MonthOf(2026, 10), back })
	for year := 1970; year < 9999; year += 3 {
		for _, at := range []string{"", fmt.Sprintf("%04d-06-01T00:00:00Z", year), fmt.Sprintf("%04d-12-01T00:00:00Z", year-2)} {
			r := record(t, event("miniprogram.open", at))
			r.Timestamp = millis(t, fmt.Sprintf("%04d-12-01T00:00:00Z", year))
			decode(t, d, r)
			r.Timestamp = 0
			decode(t, d, r)
		}
		q := record(t, fmt.Sprintf(`{"type":"usage.reported","superapp":"a","meter":"m","source":"s","value":"1","month":"%04d-03","time":"9998-01-01T00:00:00Z"}`, year))
		decode(t, d, q)
	}
	slices.Sort(b.asked)
	if n := len(b.asked); n == 0 || n > back+1 || b.asked[0] < events.MonthOf(2026, 10) || b.asked[n-1] > events.MonthOf(2026, 10)+back {
		t.Errorf("%d months have rules: %v", n, b.asked)
	}
}

// A quantity is of the month that it names; that of its record's time needs no rules where it lies beyond the bounds.
func TestBoundsOfQuantities(t *testing.T) {
	for _, tt := range []struct{ month, record, want string }{
		{"2026-10", "2026-11-03T00:00:00Z", "reported 2026-10 day 0 a m s 0/1"},
		{"2026-09", "2026-11-03T00:00:00Z", before},
		{"2026-09", "2026-09-03T00:00:00Z", before},
		{"2016-10", "2026-11-03T00:00:00Z", overLimit},
		{"2050-10", "2050-11-03T00:00:00Z", overLimit},
		{"2026-10", "2050-11-03T00:00:00Z", overLimit},
	} {
		d, b := newTestDecoder(t, func(t *events.Template) { t.From, t.MonthsBack = events.MonthOf(2026, 10), 119 })
		r := record(t, `{"type":"usage.reported","superapp":"a","meter":"m","source":"s","value":"1","month":"`+tt.month+`"}`)
		r.Timestamp = millis(t, tt.record)
		if got := verdict(decode(t, d, r)); got != tt.want {
			t.Errorf("%s, record of %s: got %s, want %s", tt.month, tt.record, got, tt.want)
		}
		for _, m := range b.asked {
			if m < events.MonthOf(2026, 10) || m > events.MonthOf(2026, 11) {
				t.Errorf("%s, record of %s: rules of %s were made", tt.month, tt.record, m)
			}
		}
	}
}
