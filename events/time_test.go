package events

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	tests := []struct {
		s    string
		want string // as the standard library reads it; empty: refused
	}{
		{"2026-10-03T08:15:30Z", "2026-10-03T08:15:30Z"},
		{"2026-10-03t08:15:30z", "2026-10-03T08:15:30Z"},
		{"2026-10-03T08:15:30+05:30", "2026-10-03T08:15:30+05:30"},
		{"2026-10-03T08:15:30-23:59", "2026-10-03T08:15:30-23:59"},
		{"2026-10-03T08:15:30-00:00", "2026-10-03T08:15:30Z"},
		{"2026-10-03T08:15:30.1Z", "2026-10-03T08:15:30.1Z"},
		{"2026-10-03T08:15:30.12+01:00", "2026-10-03T08:15:30.12+01:00"},
		{"2026-10-03T08:15:30.123456789Z", "2026-10-03T08:15:30.123Z"},
		{"2026-10-03T08:15:30.9999999999999999999999999999999Z", "2026-10-03T08:15:30.999Z"},
		{"1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"},
		{"0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"},
		{"0000-02-29T00:00:00Z", "0000-02-29T00:00:00Z"},
		{"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
		{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
		// leap seconds: at the end of a month in UTC, of the day they end
		{"2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"},
		{"2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.999Z"},
		{"1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59.999Z"},
		{"2017-01-01T05:29:60+05:30", "2016-12-31T23:59:59.999Z"},
		{"2015-06-30T23:59:60Z", "2015-06-30T23:59:59.999Z"},
		{"2024-02-29T23:59:60Z", "2024-02-29T23:59:59.999Z"},
		{"1969-12-31T23:59:60Z", "1969-12-31T23:59:59.999Z"},

		{"2024-02-28T23:59:60Z", ""},
		{"2026-10-03T08:15:60Z", ""},
		{"2016-12-31T23:59:60+01:00", ""},
		{"2016-12-31T23:59:61Z", ""},
		{"", ""},
		{"2026-10-03", ""},
		{"2026-10-03T08:15Z", ""},
		{"2026-10-03T08:15:30", ""},
		{"2026-10-03 08:15:30Z", ""},
		{"2026-10-03T08:15:30.Z", ""},
		{"2026-10-03T08:15:30.5", ""},
		{"2026-10-03T08:15:30,5Z", ""},
		{"2026-10-03T08:15:30+0530", ""},
		{"2026-10-03T08:15:30+05", ""},
		{"2026-10-03T08:15:30+24:00", ""},
		{"2026-10-03T08:15:30+05:60", ""},
		{"2026-10-03T08:15:30+05:30x", ""},
		{"2026-10-03T08:15:30Zx", ""},
		{"2026-10-03T08:15:30ZZ", ""},
		{" 2026-10-03T08:15:30Z", ""},
		{"2026-10-03T08:15:30Z ", ""},
		{"2026-10-03T24:00:00Z", ""},
		{"2026-10-03T08:60:00Z", ""},
		{"2026-13-01T08:15:30Z", ""},
		{"2026-00-01T08:15:30Z", ""},
		{"2026-10-00T08:15:30Z", ""},
		{"2026-10-32T08:15:30Z", ""},
		{"2026-09-31T08:15:30Z", ""},
		{"2026-02-29T08:15:30Z", ""},
		{"1900-02-29T08:15:30Z", ""},
		{"26-10-03T08:15:30Z", ""},
		{"12026-10-03T08:15:30Z", ""},
		{"+2026-10-03T08:15:30Z", ""},
		{"-026-10-03T08:15:30Z", ""},
		{"2026/10/03T08:15:30Z", ""},
		{"2026-10-03T08-15-30Z", ""},
		{"2026-1x-03T08:15:30Z", ""},
		{"２026-10-03T08:15:3Z", ""},
		{"2026-W40-6T08:15:30Z", ""},
	}
	for _, tt := range tests {
		got, ok := new(timeReader).parseTime([]byte(tt.s))
		if ok != (tt.want != "") {
			t.Errorf("parseTime(%q): %v, want %v", tt.s, ok, !ok)
		} else if ok && got.ms != millis(t, tt.want) {
			t.Errorf("parseTime(%q) = %s, want %s", tt.s, time.UnixMilli(got.ms).UTC(), tt.want)
		}
	}
}

// TestParseTimeOfAllYears compares with the standard library over ten thousand years, at random times and offsets.
func TestParseTimeOfAllYears(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	for day := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 10000; day = day.AddDate(0, 0, 1+r.IntN(19)) {
		at := day.Add(time.Duration(r.Int64N(86400e9)))
		s := fmt.Sprintf("%04d%s", at.Year(), at.Format("-01-02T15:04:05.000000000"))
		sign, off := "+", r.IntN(24*60)
		want := at.Add(-time.Duration(off) * time.Minute)
		if r.IntN(2) == 0 {
			sign, want = "-", at.Add(time.Duration(off)*time.Minute)
		}
		s += fmt.Sprintf("%s%02d:%02d", sign, off/60, off%60)
		got, ok := new(timeReader).parseTime([]byte(s))
		if !ok || got.ms != want.UnixMilli() || got.more != (want.Nanosecond()%1e6 != 0) {
			t.Fatalf("parseTime(%q) = %+v, %v; want %d", s, got, ok, want.UnixMilli())
		}
	}
}

// FuzzTime compares with the standard library, which is laxer in commas and offsets and refuses leap seconds.
func FuzzTime(f *testing.F) {
	f.Add("2026-10-03T08:15:30.123Z")
	f.Add("2016-12-31T23:59:60Z")
	f.Add("2026-10-03T08:15:30+05:30")
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := new(timeReader).parseTime([]byte(s))
		want, err := time.Parse(time.RFC3339, strings.ToUpper(s))
		if ok && err != nil && !strings.Contains(s, ":60") {
			t.Errorf("%q: taken as %d, the standard library says %v", s, got.ms, err)
		}
		if err == nil && ok && got.ms != want.UnixMilli() {
			t.Errorf("%q: %d, the standard library has %d", s, got.ms, want.UnixMilli())
		}
		if err == nil && !ok && !strings.Contains(s, ",") && len(s) >= 20 && s[len(s)-1]|0x20 == 'z' && strings.Count(s, ":") == 2 && s[13] == ':' {
			t.Errorf("%q: refused, the standard library reads it", s)
		}
	})
}

// TestReadTime reads times one after the other, each the one before with a few bytes changed, and each by itself.
func TestReadTime(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	var c timeReader
	b, good := []byte(usualTime), 0
	for i := range 300_000 {
		if i%16 == 0 {
			b = time.UnixMilli(r.Int64N(4e12)-2e12).UTC().AppendFormat(b[:0], usualTime)
		}
		for range r.IntN(3) {
			if b[r.IntN(len(b))] = "0123456789"[r.IntN(10)]; r.IntN(50) == 0 {
				b[r.IntN(len(b))] = byte(r.Uint32())
			}
		}
		got, ok := c.readTime(b)
		want, wantOK := new(timeReader).parseTime(b)
		if got != want || ok != wantOK {
			t.Fatalf("readTime(%q) = %v, %v; parseTime %v, %v", b, got, ok, want, wantOK)
		}
		if ok {
			good++
		}
	}
	if good < 10_000 {
		t.Errorf("only %d times were good", good)
	}
}

// TestFreshTimeReader wants of a reader that has read nothing what one says that has: what it remembers at first is no date, also
// where a text begins with zeros.
func TestFreshTimeReader(t *testing.T) {
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	for _, s := range []string{
		zeros(13) + ":00:00.000Z", zeros(13) + ":59:59.999Z", zeros(10) + "T00:00:00Z", zeros(10) + "T10:00:00.000Z", zeros(10) + "t23:59:59.5+01:00", zeros(24), zeros(20),
	} {
		if got, ok := new(timeReader).readTime([]byte(s)); ok {
			t.Errorf("%q is read as %v", s, got)
		}
		// By the decoder too, where such a time would count at the record's.
		d, _ := newTestDecoder(t, nil)
		value := strings.Replace(testEvent, "2026-10-03T08:15:30.123Z", strings.ReplaceAll(s, "\x00", `\u0000`), 1)
		if got, want := verdict(decode(t, d, record(t, value))), "rejected [app-001] "+string(badTime); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
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
		if got := dayStarts(zone, m)[tt.day-1]; got != millis(t, tt.want) {
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
		template := testTemplate()
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
