package usage

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"headcount/counter"
	"headcount/events"
	"headcount/events/identity"
	"headcount/rating"
)

// precision of the tests' sketches: the least, so that they are small.
const precision = 10

// month is October 2026, with kinds named as events has them and one of a component.
func month() *events.MonthRules {
	r := &events.MonthRules{Month: events.MonthOf(2026, 10), Precision: precision, Kinds: []string{"open", "search", "predownload", "login", "push"}}
	return r
}

const push = events.Login + 1

// did is what one device does: kinds by their days.
type did map[events.Kind][]int

// partition is a RowReader made by hand.
type partition struct {
	apps []handmade
	at   int // index of the current app; −1: none
	rows []counter.Row
}

type handmade struct {
	header  counter.AppHeader
	devices map[int]did
}

func reader(apps ...handmade) *partition { return &partition{apps: apps, at: -1} }

func print(device int) identity.Fingerprint {
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(device)))
	return identity.Fingerprint(sum[:16])
}

func (p *partition) NextApp() (*counter.AppHeader, error) {
	if p.at++; p.at >= len(p.apps) {
		return nil, io.EOF
	}
	a := &p.apps[p.at]
	p.rows = nil
	for device, kinds := range a.devices {
		row := counter.Row{Fingerprint: print(device)}
		for kind, days := range kinds {
			row.Kinds = row.Kinds.With(kind)
			for _, d := range days {
				row.Days[kind] |= 1 << d
			}
			a.mark(kind, row.Fingerprint)
		}
		p.rows = append(p.rows, row)
	}
	slices.SortFunc(p.rows, func(a, b counter.Row) int { return slices.Compare(a.Fingerprint[:], b.Fingerprint[:]) })
	a.header.Devices = uint64(len(p.rows))
	return &a.header, nil
}

// mark feeds a sketch, unless the test has given registers of its own.
func (a *handmade) mark(kind events.Kind, f identity.Fingerprint) {
	if a.header.Registers[kind] == nil {
		a.header.Registers[kind] = make([]uint8, 1<<precision)
	}
	h := binary.BigEndian.Uint64(f[:8])
	rank := uint8(1)
	for rest := h << precision; rest>>63 == 0 && rank <= 64-precision; rest <<= 1 {
		rank++
	}
	r := &a.header.Registers[kind][h>>(64-precision)]
	*r = max(*r, rank)
}

func (p *partition) Rows(buf []counter.Row) (int, error) {
	n := copy(buf, p.rows)
	p.rows = p.rows[n:]
	return n, nil
}

func mau(kinds ...string) rating.Meter {
	return rating.Meter{Name: "mau", Aggregate: rating.Unique, Kinds: kinds}
}

// billed bills one app by some meters and nobody for the rest.
func billed(app string, meters ...rating.Meter) Biller {
	return func(name string) (string, []rating.Meter) {
		if name != app {
			return "", nil
		}
		return "acme", meters
	}
}

// limits hold what has a share of its own, of any number of events.
func limits(text string) Limits {
	l := DefaultLimits()
	l.HoldLeast, l.SkewLimit, l.RejectLimit = 0, Share{decimal.RequireFromString(text)}, Share{decimal.RequireFromString(text)}
	return l
}

func gather(t *testing.T, facts, before *Facts, bill Biller, skew string) (*Document, Alarms) {
	t.Helper()
	doc := &Document{Month: events.MonthOf(2026, 10), Usage: []App{}}
	alarms, err := Gather(doc, facts, before, bill, limits(skew))
	if err != nil {
		t.Fatal(err)
	}
	return doc, alarms
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		exact, estimate uint64
		want            Verdict
	}{
		{0, 0, Agree}, {0, 10, Agree}, {0, 11, Differ}, {10, 0, Agree}, {11, 0, Differ}, // slack of ten devices
		{100, 110, Agree}, {100, 111, Differ}, {100, 90, Agree}, {100, 89, Differ},
		{1_000_000, 1_046_000, Agree}, {1_000_000, 1_047_000, Differ}, {1_000_000, 954_000, Agree}, {1_000_000, 953_000, Differ}, // 5.7 × 0.8125 %
		{math.MaxUint32, math.MaxUint32, Agree},
	} {
		bound, got := Narrow.Judge(c.exact, c.estimate, 14)
		if got != c.want {
			t.Errorf("Judge(%d, %d) = %s, want %s", c.exact, c.estimate, got, c.want)
		}
		if text, err := json.Marshal(bound); err != nil || string(text) != "0.0463" {
			t.Errorf("bound %s, %v; want 0.0463", text, err)
		}
	}
	if _, got := Narrow.Judge(1_000_000, 1_100_000, 12); got != Differ {
		t.Error("10 % apart agree at precision 12")
	}
	if _, got := Narrow.Judge(1_000_000, 1_090_000, 12); got != Agree {
		t.Error("9 % apart differ at precision 12")
	}
}

// The same device in two partitions is one; counters are sums; kinds, days and users are apart.
func TestGatherUnites(t *testing.T) {
	one := reader(handmade{
		header:  counter.AppHeader{App: "app", Counters: counter.Counters{Events: 10, Duplicates: 4, Skewed: 1}, Stretch: counter.Stretch{Expired: 2, Rejected: 3}},
		devices: map[int]did{1: {events.Open: {1, 5}}, 2: {events.Search: {5}}, 3: {events.Login: {7}}},
	})
	two := reader(handmade{
		header:  counter.AppHeader{App: "app", Counters: counter.Counters{Events: 5, Duplicates: 1}, Stretch: counter.Stretch{Rejected: 1}},
		devices: map[int]did{1: {events.Open: {31}}, 4: {push: {5}}},
	}, handmade{header: counter.AppHeader{App: "other", Counters: counter.Counters{Events: 1}}, devices: map[int]did{1: {events.Open: {2}}}})
	peak := rating.Meter{Name: "peak", Aggregate: rating.PeakDaily, Kinds: []string{"open", "search", "no such kind"}}
	never := rating.Meter{Name: "never", Aggregate: rating.Unique, Kinds: []string{"no such kind"}}
	doc, alarms := gather(t, &Facts{Rules: month(), OnTime: []counter.RowReader{one, two}}, nil, billed("app", mau("open", "search"), peak, never), "1")
	if len(alarms) != 0 {
		t.Errorf("alarms %v", alarms)
	}
	if len(doc.Usage) != 2 || doc.Usage[0].App != "app" || doc.Usage[1].App != "other" {
		t.Fatalf("usage %+v", doc.Usage)
	}
	a := doc.Usage[0]
	if a.Account == nil || *a.Account != "acme" || a.Events != 15 || a.Duplicates != 9 || a.Skewed != 1 || a.Expired != 2 || a.Rejected != 4 {
		t.Errorf("got %+v", a)
	}
	exact := map[string]uint64{}
	for kind, c := range a.Kinds {
		exact[kind] = c.Exact
	}
	if want := map[string]uint64{"open": 1, "search": 1, "predownload": 0, "login": 1, "push": 1}; !reflect.DeepEqual(exact, want) {
		t.Errorf("kinds %v, want %v", exact, want)
	}
	type short struct {
		exact    uint64
		estimate bool
		verdict  Verdict
		days     string
	}
	for i, want := range []short{
		{2, true, Agree, "[{2026-10-01 1} {2026-10-05 1}]"}, // by their first day
		{2, false, None, "[{2026-10-01 1} {2026-10-05 2} {2026-10-31 1}]"},
		{0, true, Agree, "[]"},
	} {
		m := a.Meters[i]
		if got := (short{m.Exact, m.Estimate != nil, m.Verdict, fmt.Sprint(m.Days)}); got != want || (m.Bound != nil) != want.estimate {
			t.Errorf("meter %s: %+v, want %+v", m.Meter, got, want)
		}
	}
	if len(a.Daily) != 31 {
		t.Fatalf("%d days, want 31", len(a.Daily))
	}
	for d, want := range map[int]Day{1: {"2026-10-01", 1, 1, 0}, 5: {"2026-10-05", 3, 2, 0}, 7: {"2026-10-07", 0, 0, 1}, 31: {"2026-10-31", 1, 0, 0}} {
		if a.Daily[d-1] != want {
			t.Errorf("day %d: %+v, want %+v", d, a.Daily[d-1], want)
		}
	}
	if want := []Late{{Month: events.MonthOf(2026, 9)}, {Month: events.MonthOf(2026, 10)}}; !slices.Equal(a.Late, want) {
		t.Errorf("late %v, want %v", a.Late, want)
	}
	if !strings.HasPrefix(a.Digest, "sha256:") || len(a.Digest) != 71 || a.Digest == doc.Usage[1].Digest {
		t.Errorf("digests %s and %s", a.Digest, doc.Usage[1].Digest)
	}
	other := doc.Usage[1]
	text, err := json.Marshal(other)
	if err != nil || other.Account != nil || !strings.Contains(string(text), `"account":null`) || !strings.Contains(string(text), `"meters":[]`) {
		t.Errorf("an app nobody is billed for: %s, %v", text, err)
	}
	if _, has := other.Kinds["push"]; has {
		t.Error("a kind that never happened is listed")
	}
}

// However a month's facts are spread over partitions, its numbers and digests are the same.
func TestGatherIsFreeOfPartitioning(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	all := map[int]did{}
	for device := range 400 {
		all[device] = did{events.Kind(rnd.IntN(5)): {1 + rnd.IntN(31), 1 + rnd.IntN(31)}}
	}
	var first *App
	for n := 1; n <= 4; n++ {
		parts := make([]map[int]did, n)
		for i := range parts {
			parts[i] = map[int]did{}
		}
		for device, kinds := range all {
			for range 1 + rnd.IntN(2) { // now and then in two
				parts[rnd.IntN(n)][device] = kinds
			}
		}
		var readers []counter.RowReader
		for _, devices := range parts {
			readers = append(readers, reader(handmade{header: counter.AppHeader{App: "app"}, devices: devices}))
		}
		doc, _ := gather(t, &Facts{Rules: month(), OnTime: readers}, nil, billed("app", mau("open", "search", "predownload")), "1")
		if got := &doc.Usage[0]; first == nil {
			first = got
		} else if !reflect.DeepEqual(got, first) {
			t.Errorf("seed %d: over %d partitions %+v, over one %+v", seed, n, got, first)
		}
	}
}

// What came late of the month before, and of the month so far, is counted apart; an app that has nothing else is listed too.
func TestGatherLate(t *testing.T) {
	september := month()
	september.Month--
	before := &Facts{
		Rules:  september,
		OnTime: []counter.RowReader{reader(handmade{header: counter.AppHeader{App: "app"}, devices: map[int]did{1: {events.Open: {1}}}})},
		Late: []counter.RowReader{reader(
			handmade{header: counter.AppHeader{App: "app"}, devices: map[int]did{1: {events.Search: {2}}, 2: {events.Open: {2}}, 3: {events.Login: {2}}}},
			handmade{header: counter.AppHeader{App: "gone"}, devices: map[int]did{9: {events.Open: {3}}}},
		)},
	}
	facts := &Facts{
		Rules:  month(),
		OnTime: []counter.RowReader{reader(handmade{header: counter.AppHeader{App: "app"}, devices: map[int]did{1: {events.Open: {1}}}})},
		Late:   []counter.RowReader{reader(handmade{header: counter.AppHeader{App: "app"}, devices: map[int]did{5: {events.Open: {1}}, 6: {events.Open: {1}}}})},
	}
	doc, _ := gather(t, facts, before, billed("app", mau("open")), "1")
	if len(doc.Usage) != 2 || doc.Usage[1].App != "gone" {
		t.Fatalf("usage %+v", doc.Usage)
	}
	if want := []Late{{events.MonthOf(2026, 9), 1, 1}, {events.MonthOf(2026, 10), 2, 0}}; !slices.Equal(doc.Usage[0].Late, want) {
		t.Errorf("late %v, want %v", doc.Usage[0].Late, want)
	}
	if want := []Late{{events.MonthOf(2026, 9), 1, 0}, {events.MonthOf(2026, 10), 0, 0}}; !slices.Equal(doc.Usage[1].Late, want) {
		t.Errorf("late %v of an app with nothing else, want %v", doc.Usage[1].Late, want)
	}
	if doc.Usage[0].Meters[0].Exact != 1 {
		t.Errorf("%d devices on time, want 1: late ones are none of them", doc.Usage[0].Meters[0].Exact)
	}
}

func TestAlarms(t *testing.T) {
	full := make([]uint8, 1<<precision) // registers of many thousands of devices that the exact set does not have
	for i := range full {
		full[i] = 9
	}
	var wrong counter.AppHeader
	wrong.Registers[events.Open] = full
	odd := func(events, skewed, expired, rejected uint64) counter.AppHeader {
		return counter.AppHeader{Counters: counter.Counters{Events: events, Skewed: skewed}, Stretch: counter.Stretch{Expired: expired, Rejected: rejected}}
	}
	for _, c := range []struct {
		name   string
		header counter.AppHeader
		skew   string // of any number of events; empty: the default limits
		want   string // empty: no alarm
	}{
		{"two wrong clocks of 102 events", odd(102, 2, 0, 0), "", ""},
		{"nineteen, all of them", odd(19, 19, 0, 0), "", ""},
		{"nineteen expired and rejected, all of them", odd(0, 0, 19, 19), "", ""},
		{"twenty of 2,000 are 1 %", odd(2000, 20, 0, 0), "", ""},
		{"twenty of 1,999 are more", odd(1999, 20, 0, 0), "", "20 events had a wrong clock and 0 were of a finished month, more than 0.01 of 1999"},
		{"twenty together", odd(1980, 10, 10, 0), "", "10 events had a wrong clock and 10 were of a finished month, more than 0.01 of 1990"},
		{"twenty rejected of 2,000", odd(1980, 0, 0, 20), "", ""},
		{"twenty rejected of 1,999", odd(1979, 0, 0, 20), "", "20 records were rejected as dead letters, more than 0.01 of 1999"},
		{"all well", counter.AppHeader{Counters: counter.Counters{Events: 100, Skewed: 1}}, "0.01", ""},
		{"skewed", counter.AppHeader{Counters: counter.Counters{Events: 100, Skewed: 2}}, "0.01", "2 events had a wrong clock and 0 were of a finished month, more than 0.01 of 100"},
		{"expired", counter.AppHeader{Counters: counter.Counters{Events: 98}, Stretch: counter.Stretch{Expired: 2}}, "0.01", "0 events had a wrong clock and 2 were of a finished month, more than 0.01 of 100"},
		{"together", counter.AppHeader{Counters: counter.Counters{Events: 99, Skewed: 1}, Stretch: counter.Stretch{Expired: 1}}, "0.01", "1 events had a wrong clock and 1 were"},
		{"none allowed", counter.AppHeader{Counters: counter.Counters{Events: 1000, Skewed: 1}}, "0", "1 events had a wrong clock"},
		{"over a limit", counter.AppHeader{Counters: counter.Counters{Events: 1}, Stretch: counter.Stretch{OverLimit: 4}}, "1", "4 records were over a limit and not counted"},
		{"witnesses", wrong, "1", "meter mau: exact count 1 and estimate "},
	} {
		c.header.App = "app"
		facts := &Facts{Rules: month(), OnTime: []counter.RowReader{reader(handmade{header: c.header, devices: map[int]did{1: {events.Open: {1}}}})}}
		by := DefaultLimits()
		if c.skew != "" {
			by = limits(c.skew)
		}
		doc := &Document{Month: events.MonthOf(2026, 10), Usage: []App{}}
		alarms, err := Gather(doc, facts, nil, billed("app", mau("open")), by)
		if err != nil {
			t.Fatal(err)
		}
		got := alarms["app"]
		if c.want == "" {
			if len(alarms) > 0 {
				t.Errorf("%s: alarms %q", c.name, alarms)
			}
			continue
		}
		if len(alarms) != 1 || len(got) != 1 || !strings.HasPrefix(got[0], "app app: "+c.want) {
			t.Errorf("%s: alarms %q, want one with %q", c.name, alarms, c.want)
		}
		if verdict := doc.Usage[0].Meters[0].Verdict; (verdict == Differ) != (c.name == "witnesses") {
			t.Errorf("%s: verdict %s", c.name, verdict)
		}
	}
}

// Quantities are summed over sources and days, or peak; what two partitions were both told counts once.
func TestGatherQuantities(t *testing.T) {
	total := func(meter, source string, day int, revision, value int64) counter.Total {
		return counter.Total{Quantity: events.Quantity{Meter: meter, Source: source, Day: events.Day(day), Revision: revision, Value: value}}
	}
	one := reader(handmade{header: counter.AppHeader{App: "app", Totals: []counter.Total{
		total("calls", "a", 1, 0, 10), total("calls", "a", 2, 0, 5), total("calls", "b", 1, 1, 7), total("stored", "a", 3, 0, 100),
	}}})
	two := reader(handmade{header: counter.AppHeader{App: "app", Totals: []counter.Total{
		total("calls", "b", 1, 2, 6), total("stored", "b", 3, 0, 90), total("stored", "b", 4, 0, 120), total("unread", "a", 0, 0, 1),
	}}})
	calls := rating.Meter{Name: "calls", Aggregate: rating.Counter}
	stored := rating.Meter{Name: "stored", Aggregate: rating.Gauge}
	doc, alarms := gather(t, &Facts{Rules: month(), OnTime: []counter.RowReader{one, two}}, nil, billed("app", calls, stored), "1")
	if len(alarms) > 0 {
		t.Errorf("alarms %v", alarms)
	}
	for i, want := range []Meter{
		{Meter: "calls", Exact: 21, Verdict: None, Days: []Value{{"2026-10-01", 16}, {"2026-10-02", 5}}},
		{Meter: "stored", Exact: 120, Verdict: None, Days: []Value{{"2026-10-03", 100}, {"2026-10-04", 120}}},
	} {
		if got := doc.Usage[0].Meters[i]; !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// A document passes to rating as it would if it were printed and read.
func TestRating(t *testing.T) {
	facts := &Facts{Rules: month(), OnTime: []counter.RowReader{reader(handmade{header: counter.AppHeader{App: "app"}, devices: map[int]did{1: {events.Open: {1}}, 2: {events.Open: {9}}}})}}
	doc, _ := gather(t, facts, nil, billed("app", mau("open")), "1")
	u, err := doc.Rating()
	if err != nil {
		t.Fatal(err)
	}
	if u.Month != events.MonthOf(2026, 10) || len(u.Apps) != 1 || u.Apps[0].App != "app" || u.Apps[0].Meters[0].Exact != 2 {
		t.Errorf("got %+v", u)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	printed, err := rating.ParseUsage(text)
	if err != nil {
		t.Fatal(err)
	}
	printed.Apps[0].Counts = nil // what is priced does not need them
	got, _ := json.Marshal(u)    // without the lines
	if want, _ := json.Marshal(printed); string(got) != string(want) || len(u.Apps[0].Meters[0].Days) != 2 {
		t.Errorf("got %s, printed and read it is %s", got, want)
	}
	doc.Usage[0].Meters[0].Exact = 1 << 63
	if _, err := doc.Rating(); err == nil || !strings.Contains(err.Error(), "usage[0].meters[0]: exact") {
		t.Errorf("a number that no bill can hold: %v", err)
	}
}
