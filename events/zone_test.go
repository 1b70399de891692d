package events

import (
	"fmt"
	"testing"
	"time"
)

// unixMillis reads an RFC 3339 time by the standard library.
func unixMillis(t *testing.T, s string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMilli()
}

func TestDayStarts(t *testing.T) {
	tests := []struct {
		zone, month string
		day         int
		want, why   string
	}{
		{"UTC", "2026-10", 1, "2026-10-01T00:00:00Z", ""},
		{"UTC", "2026-12", 32, "2027-01-01T00:00:00Z", "the month after"},
		{"Asia/Shanghai", "2026-10", 1, "2026-09-30T16:00:00Z", ""},
		{"Asia/Kathmandu", "2026-10", 1, "2026-09-30T18:15:00Z", "an offset of 5:45"},
		{"Europe/Berlin", "2026-10", 25, "2026-10-24T22:00:00Z", "the clock goes back later that day"},
		{"Europe/Berlin", "2026-10", 26, "2026-10-25T23:00:00Z", "a day of 25 hours before"},
		{"Europe/Berlin", "2026-03", 30, "2026-03-29T22:00:00Z", "a day of 23 hours before"},
		{"America/Sao_Paulo", "2018-11", 4, "2018-11-04T03:00:00Z", "no midnight: the day begins at 1"},
		{"America/Sao_Paulo", "2018-02", 18, "2018-02-18T03:00:00Z", "the clock goes back at midnight: 23:00 comes twice the day before"},
		{"Pacific/Apia", "2011-12", 30, "2011-12-30T10:00:00Z", "skipped: begins and ends with the next"},
		{"Pacific/Apia", "2011-12", 31, "2011-12-30T10:00:00Z", ""},
		{"Pacific/Apia", "2012-01", 1, "2011-12-31T10:00:00Z", ""},
		{"America/St_Johns", "2009-11", 1, "2009-11-01T02:30:00Z", "a minute later the clock goes back into October"},
		{"America/St_Johns", "2009-10", 32, "2009-11-01T02:30:00Z", "the months meet"},
		{"Africa/Monrovia", "1972-01", 8, "1972-01-08T00:00:00Z", "the offset ends in 30 seconds until then"},
		{"Australia/Lord_Howe", "2026-10", 5, "2026-10-04T13:00:00Z", "half an hour of daylight saving"},
		{"Asia/Gaza", "2011-08", 1, "2011-07-31T22:00:00Z", "goes back at midnight of a first: 23:00 comes twice before"},
		{"Antarctica/Troll", "2026-03", 30, "2026-03-29T22:00:00Z", "two hours of daylight saving"},
		{"Asia/Shanghai", "2099-12", 32, "2099-12-31T16:00:00Z", "beyond the table"},
	}
	for _, tt := range tests {
		zone, err := LoadZone(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		m, _ := ParseMonth(tt.month)
		if got := dayStarts(zone, m)[tt.day-1]; got != unixMillis(t, tt.want) {
			t.Errorf("%s %s-%02d begins %s, want %s (%s)", tt.zone, m, tt.day, time.UnixMilli(got).UTC(), tt.want, tt.why)
		}
	}
}

// TestDayStartsByWalking compares with walking the clock in small steps over years with odd transitions.
func TestDayStartsByWalking(t *testing.T) {
	for _, tt := range []struct {
		zone string
		year int
		step time.Duration
	}{
		{"Pacific/Apia", 2011, 15 * time.Minute}, {"America/St_Johns", 2009, time.Minute}, {"America/Sao_Paulo", 2018, 15 * time.Minute},
		{"Africa/Cairo", 2024, 15 * time.Minute}, {"Asia/Gaza", 2011, 15 * time.Minute}, {"Pacific/Kwajalein", 1993, 15 * time.Minute},
		{"America/Havana", 2026, 15 * time.Minute}, {"Asia/Beirut", 2026, 15 * time.Minute}, {"Europe/Berlin", 2040, 15 * time.Minute},
	} {
		zone, err := LoadZone(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		want := map[Month][]int64{}
		first := time.Date(tt.year, 1, 1, 0, 0, 0, 0, time.UTC).Add(-48 * time.Hour)
		newest := 0 // the newest local date seen, as year×10000 + month×100 + day
		for at := first; at.Year() <= tt.year || at.Month() == 1 && at.Day() < 4; at = at.Add(tt.step) {
			local := at.In(zone)
			date := local.Year()*10000 + int(local.Month())*100 + local.Day()
			if newest == 0 {
				newest = date
			}
			for newest < date { // reach the date, one day at a time: a skipped one begins now too
				next := time.Date(newest/10000, time.Month(newest/100%100), newest%100+1, 0, 0, 0, 0, time.UTC)
				newest = next.Year()*10000 + int(next.Month())*100 + next.Day()
				m := MonthOf(next.Year(), next.Month())
				want[m] = append(want[m], at.UnixMilli())
			}
			if m := MonthOf(newest/10000, time.Month(newest/100%100)); at.Year() == tt.year && MonthAt(zone, at.UnixMilli()) != m {
				t.Fatalf("%s: MonthAt(%s) = %s, want %s", tt.zone, at, MonthAt(zone, at.UnixMilli()), m)
			}
		}
		for m := MonthOf(tt.year, 1); m <= MonthOf(tt.year, 12); m++ {
			got, walked := dayStarts(zone, m), append(want[m], want[m+1][0])
			if fmt.Sprint(got) != fmt.Sprint(walked) {
				t.Errorf("%s %s\n got %v\nwant %v", tt.zone, m, got, walked)
			}
		}
	}
}

func TestDayOfAndContains(t *testing.T) {
	for _, tt := range []struct{ zone, month string }{
		{"UTC", "2026-02"}, {"Europe/Berlin", "2026-10"}, {"Pacific/Apia", "2011-12"}, {"America/Sao_Paulo", "2018-11"}, {"America/St_Johns", "2009-11"},
	} {
		template := plainTemplate()
		template.TimeZone = tt.zone
		m, _ := ParseMonth(tt.month)
		r, err := template.Month(m)
		if err != nil {
			t.Fatal(err)
		}
		if r.Contains(r.Start()-1) || !r.Contains(r.Start()) || !r.Contains(r.End()-1) || r.Contains(r.End()) {
			t.Errorf("%s %s is not half open", tt.zone, m)
		}
		for d := 1; d <= m.Days(); d++ {
			from, until := r.DayStarts[d-1], r.DayStarts[d]
			if from == until {
				continue // skipped: no instant has it
			}
			for _, ms := range []int64{from, (from + until) / 2, until - 1} {
				if got := r.DayOf(ms); got != Day(d) {
					t.Errorf("%s: DayOf(%s) = %d, want %d", tt.zone, time.UnixMilli(ms).UTC(), got, d)
				}
			}
		}
	}
}

func TestZones(t *testing.T) {
	for _, name := range []string{"", "Local", "utc", "Mars/Olympus", "../etc/passwd", "Asia", "Asia/", "/etc/localtime"} {
		if zone, err := LoadZone(name); err == nil {
			t.Errorf("LoadZone(%q) = %v, want an error", name, zone)
		}
	}
	t.Setenv("ZONEINFO", t.TempDir())
	t.Setenv("TZ", "Asia/Tokyo")
	for _, name := range []string{"UTC", "Etc/UTC", "Asia/Shanghai", "America/Argentina/Buenos_Aires", "Asia/Calcutta"} {
		if zone, err := LoadZone(name); err != nil || zone.String() != name {
			t.Errorf("LoadZone(%q) = %v, %v", name, zone, err)
		}
	}
}

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
