package decode

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"headcount/events"
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
		// seconds left out, as Java does at zero; an offset without its colon, as strftime writes it
		{"2026-10-03T08:15Z", "2026-10-03T08:15:00Z"},
		{"2026-10-03T08:15+05:30", "2026-10-03T08:15:00+05:30"},
		{"2026-10-03t08:15z", "2026-10-03T08:15:00Z"},
		{"2026-10-03T08:15:30+0530", "2026-10-03T08:15:30+05:30"},
		{"2026-10-03T08:15:30.5-0000", "2026-10-03T08:15:30.5Z"},
		{"2026-10-03T08:15-0100", "2026-10-03T08:15:00-01:00"},
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
		{"2026-10-03T08:15:30", ""},
		{"2026-10-03 08:15:30Z", ""},
		{"2026-10-03T08:15:30.Z", ""},
		{"2026-10-03T08:15:30.5", ""},
		{"2026-10-03T08:15:30,5Z", ""},
		{"2026-10-03T08:15", ""},
		{"2026-10-03T08:15.5Z", ""},
		{"2026-10-03T08:15:Z", ""},
		{"2026-10-03T08:15:3", ""},
		{"2026-10-03T08:15:30+053", ""},
		{"2026-10-03T08:15:30+05300", ""},
		{"2026-10-03T08:15:30+05:3", ""},
		{"2026-10-03T08:15:30+2400", ""},
		{"2026-10-03T08:15:30+0560", ""},
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
		if got, want := verdict(decode(t, d, record(t, value))), "rejected [app-001] "+string(events.BadTime); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}

func TestEpoch(t *testing.T) {
	at := millis(t, "2026-10-03T08:15:30.123Z")
	for _, tt := range []struct {
		s     string
		units int64
		want  instant
		ok    bool
	}{
		{"1791015330", 1, instant{ms: at - 123}, true},
		{"1791015330.123", 1, instant{ms: at}, true},
		{"1791015330.1230001", 1, instant{ms: at, more: true}, true},
		{"1791015330.1", 1, instant{ms: at - 23}, true},
		{"1791015330123", 1e3, instant{ms: at}, true},
		{"1791015330123.0", 1e3, instant{ms: at}, true},
		{"1791015330123.01", 1e3, instant{ms: at, more: true}, true},
		{"1791015330123000", 1e6, instant{ms: at}, true},
		{"1791015330123001", 1e6, instant{ms: at, more: true}, true},
		{"1791015330123999999", 1e9, instant{ms: at, more: true}, true},
		{"0", 1e3, instant{}, true},
		{"-5.5", 1e3, instant{ms: -1}, true},
		{"9223372036854775807", 1, instant{ms: math.MaxInt64 / 2000 * 1000}, true},
		{"9223372036854775808", 1, instant{}, false},
		{"", 1, instant{}, false},
		{"-", 1, instant{}, false},
		{".5", 1, instant{}, false},
		{"5.", 1, instant{}, false},
		{"1e9", 1, instant{}, false},
		{"+5", 1, instant{}, false},
		{"5.5.5", 1, instant{}, false},
		{" 5", 1, instant{}, false},
	} {
		if got, ok := readEpoch([]byte(tt.s), tt.units); ok != tt.ok || ok && got != tt.want {
			t.Errorf("readEpoch(%q, %d) = %v, %v; want %v, %v", tt.s, tt.units, got, ok, tt.want, tt.ok)
		}
	}
	d, _ := newTestDecoder(t, func(t *events.Template) { t.Fields.TimeUnit = "ms" })
	for value, want := range map[string]string{
		`1791015330123`: "counted open 2026-10-03 a", `"1791015330123"`: "counted open 2026-10-03 a", `"2026-10-02T08:15Z"`: "counted open 2026-10-02 a",
		`"now"`: "rejected [a] " + string(events.BadEpoch), `true`: "rejected [a] " + string(events.NotString), `null`: "counted open 2026-10-03 a",
	} {
		if got := verdict(decode(t, d, record(t, `{"type":"miniprogram.open","subject":"g","superapp":"a","time":`+value+`}`))); got != want {
			t.Errorf("time %s: got %s, want %s", value, got, want)
		}
	}
}
