package calendar

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata"
)

func TestMonth(t *testing.T) {
	m := MonthOf(2026, time.October)
	if m.String() != "2026-10" || m.Year() != 2026 || m.Calendar() != time.October || m.Days() != 31 {
		t.Errorf("%s has %d-%d and %d days", m, m.Year(), m.Calendar(), m.Days())
	}
	if (m+3).String() != "2027-01" || MonthOf(2024, 2).Days() != 29 || MonthOf(2026, 2).Days() != 28 {
		t.Error("months do not count on")
	}
	for s, want := range map[string]Month{"2026-10": m, "0000-01": 0, "9999-12": MonthOf(9999, 12)} {
		if got, err := ParseMonth(s); err != nil || got != want {
			t.Errorf("ParseMonth(%q) = %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "2026", "2026-1", "2026-13", "2026-00", "2026-10-01", "2026/10", "26-10", " 2026-10", "2026-1 ", "202 -10", "-026-10", "+026-10"} {
		if got, err := ParseMonth(s); err == nil {
			t.Errorf("ParseMonth(%q) = %v, want an error", s, got)
		}
	}
}

// A month is its text in JSON, as a value and as a key.
func TestMonthInJSON(t *testing.T) {
	type doc struct {
		M Month         `json:"m"`
		K map[Month]int `json:"k"`
	}
	text, err := json.Marshal(doc{MonthOf(2026, 1), map[Month]int{MonthOf(2025, 12): 1}})
	if want := `{"m":"2026-01","k":{"2025-12":1}}`; err != nil || string(text) != want {
		t.Errorf("%s, %v, want %s", text, err, want)
	}
	var again doc
	if err := json.Unmarshal(text, &again); err != nil || again.M != MonthOf(2026, 1) || again.K[MonthOf(2025, 12)] != 1 {
		t.Errorf("%+v, %v", again, err)
	}
	if err := json.Unmarshal([]byte(`{"m":"2026-13"}`), &again); err == nil {
		t.Error("2026-13 is a month")
	}
}

// A month is its text in SQL.
func TestMonthInSQL(t *testing.T) {
	want := MonthOf(2026, 10)
	if v, err := want.Value(); err != nil || v != "2026-10" {
		t.Errorf("value %v, %v", v, err)
	}
	for _, column := range []any{"2026-10", []byte("2026-10")} {
		var m Month
		if err := m.Scan(column); err != nil || m != want {
			t.Errorf("%T: %s, %v", column, m, err)
		}
	}
	for _, column := range []any{nil, int64(24321), "2026", []byte("")} {
		m := want
		if err := m.Scan(column); err == nil || m != want {
			t.Errorf("%v was read as %s", column, m)
		}
	}
}

func TestDate(t *testing.T) {
	date := func(s string) Date {
		t.Helper()
		d, err := ParseDate(s)
		if err != nil || d.String() != s {
			t.Fatalf("%s: %s, %v", s, d, err)
		}
		return d
	}
	for _, c := range []struct {
		from   string
		months int
		want   string
	}{{"2026-01-31", 1, "2026-02-28"}, {"2024-01-31", 1, "2024-02-29"}, {"2026-12-15", 1, "2027-01-15"}, {"2026-01-31", -2, "2025-11-30"}, {"2024-02-29", 12, "2025-02-28"}} {
		if got := date(c.from).AddMonths(c.months); got != date(c.want) {
			t.Errorf("%s and %d months: %s, want %s", c.from, c.months, got, c.want)
		}
	}
	a, b := date("2026-02-27"), date("2026-03-01")
	if a.AddDays(2) != b || b.AddDays(-2) != a || a.DaysUntil(b) != 2 || b.DaysUntil(a) != -2 {
		t.Error("days do not count on")
	}
	if !a.Before(b) || b.Before(a) || a.Before(a) || a.Compare(a) != 0 || b.Month.First() != b || b.Month.Date(1) != b {
		t.Error("days are not in order")
	}
	for _, s := range []string{"", "2026-02-29", "2026-1-1", "2026-01-01T00:00:00Z", "2026-13-01"} {
		if d, err := ParseDate(s); err == nil {
			t.Errorf("%q is %s", s, d)
		}
	}
}

// A day begins with its first instant, where clocks skip midnight and where they show it twice.
func TestStart(t *testing.T) {
	for _, c := range []struct{ zone, date, want string }{
		{"UTC", "2026-01-01", "2026-01-01T00:00:00Z"},
		{"Asia/Shanghai", "2026-01-01", "2025-12-31T16:00:00Z"},
		{"America/Asuncion", "2017-10-01", "2017-10-01T04:00:00Z"},  // from 00:00 to 01:00
		{"America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"}, // from 00:00 on the 18th back to 23:00 on the 17th
		{"America/Havana", "2026-11-01", "2026-11-01T04:00:00Z"},    // from 01:00 back to 00:00
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"},      // there was no 30th
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		d, err := ParseDate(c.date)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Start(zone).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s, %s: %s, want %s", c.zone, c.date, got, c.want)
		}
	}
}

// From any instant of a day the day's start lies at or before it, and the next day's after it.
func TestStartsHoldTheirDay(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"America/Sao_Paulo", "America/Asuncion", "Asia/Gaza", "Africa/Cairo", "Europe/Berlin"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for range 2000 {
			at := time.Unix(r.Int64N(2e9), 0).In(zone)
			d := DateOf(at)
			if from := d.Start(zone); from.After(at) || DateOf(from.In(zone)) != d {
				t.Fatalf("%s: %s begins at %s", name, at, from)
			}
			from, until := d.Month.Span(zone)
			if from.After(at) || until.Before(at.Add(-time.Hour)) {
				t.Fatalf("%s: %s is not from %s to %s", name, at, from, until)
			}
		}
	}
}
