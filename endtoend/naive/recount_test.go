package naive

import (
	"strings"
	"testing"
	"time"

	"headcount/endtoend/month"
	"headcount/endtoend/reporter"
)

var stamp = time.Date(2026, 10, 15, 12, 0, 0, 0, time.UTC)

// with returns an event in which one member is another.
func with(name, value string) string {
	s := "{"
	for _, m := range [][2]string{{"type", `"miniprogram.open"`}, {"subject", `"g"`}, {"superapp", `"a"`}, {"time", `"2026-10-03T08:15:30Z"`}} {
		if m[0] == name {
			m[1] = value
		}
		if m[1] != "" {
			s += `"` + m[0] + `":` + m[1] + ","
		}
	}
	return s + `"x":1}`
}

func TestRead(t *testing.T) {
	g := Grammar{Zone: time.UTC, Types: Types(), RecordBytes: 300, From: "2020-01", MonthsBack: 119}
	const lower, at = "uuid 6f1c2f0e7e5c4b7e9b1f1f0e2d3c4b5a", "2026-10-03T08:15:30Z"
	for _, row := range []struct {
		value, want, who, at string
	}{
		{with("", ""), "counted", "id g", at},
		{with("subject", `"6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a"`), "counted", lower, at},
		{with("subject", `"6F1C2F0E7E5C4B7E9B1F1F0E2D3C4B5A"`), "counted", lower, at},
		{with("subject", `"{6F1C2F0E-7e5c-4b7e-9b1f-1f0e2d3c4b5a}"`), "counted", lower, at},
		{with("subject", `"urn:uuid:6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a"`), "counted", lower, at},
		{with("subject", `"{6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a"`), "counted", "id {6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a", at},
		{with("subject", `"6f1c2f0e7e5c-4b7e-9b1f-1f0e2d3c4b5a"`), "counted", "id 6f1c2f0e7e5c-4b7e-9b1f-1f0e2d3c4b5a", at},
		{with("subject", `" URN:uuid:6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a\t"`), "counted", lower, at},
		{with("subject", `"Unknown"`), "rejected", "", ""},
		{with("subject", `"{00000000000000000000000000000000}"`), "rejected", "", ""},
		{with("time", `"2026-10-03T08:15Z"`), "counted", "id g", "2026-10-03T08:15:00Z"},
		{with("time", `"2026-10-03T08:15:30+0800"`), "counted", "id g", "2026-10-03T00:15:30Z"},
		{with("type", `"user.login"`), "counted", "user g", at},
		{with("type", `"component.push"`), "counted", "id g", at},
		{with("type", `"component.x"`), "unknown", "", ""},
		{with("type", `"headcount.seal"`), "control", "", ""},
		{with("time", `"2026-10-03T08:15:30.5+08:00"`), "counted", "id g", "2026-10-03T00:15:30.5Z"},
		{with("time", "null"), "counted", "id g", "2026-10-15T12:00:00Z"},
		{with("time", `"2026-10-15T12:10:00Z"`), "counted", "id g", "2026-10-15T12:10:00Z"},
		{with("time", `"2026-10-15T12:10:00.0001Z"`), "counted skewed", "id g", "2026-10-15T12:00:00Z"},
		{with("time", `"1999-12-31T23:59:59Z"`), "counted skewed", "id g", "2026-10-15T12:00:00Z"},
		{with("time", `"2020-01-01T00:00:00Z"`), "counted", "id g", "2020-01-01T00:00:00Z"},
		{with("time", `"2019-12-31T23:59:59Z"`), "before the books", "", ""},
		{with("time", `"2016-10-31T23:59:59Z"`), "rejected", "", ""},
		{with("time", `"2026-10-15 12:10:00Z"`), "rejected", "", ""},
		{with("time", `"2026-10-15T2:10:00Z"`), "rejected", "", ""},
		{with("time", `"2026-10-15T12:10:00,1Z"`), "rejected", "", ""},
		{with("time", "3"), "rejected", "", ""},
		{with("superapp", `""`), "rejected", "", ""},
		{with("superapp", `"`+strings.Repeat("é", 33)+`"`), "rejected", "", ""},
		{with("superapp", `"\u0085"`), "rejected", "", ""},
		{with("subject", `"`+strings.Repeat("g", 129)+`"`), "rejected", "", ""},
		{with("x", "") + " ", "counted", "id g", at},
		{with("x", "") + "1", "rejected", "", ""},
		{strings.Replace(with("", ""), "{", `{"ty\u0070e":"x",`, 1), "rejected", "", ""},
		{strings.Replace(with("", ""), "{", `{"y":1,"y":{"type":1,"type":2},`, 1), "counted", "id g", at},
		{strings.Replace(with("", ""), "{", `{"y":"\ud800",`, 1), "counted", "id g", at},
		{with("subject", `"\ud800"`), "rejected", "", ""},
		{with("superapp", "\"\xff\""), "rejected", "", ""},
		{strings.Replace(with("", ""), "{", "{\"y\":\"\xff\",", 1), "counted", "id g", at},
		{strings.Replace(with("", ""), "{", `{"y":"`+strings.Repeat("y", 300)+`",`, 1), "rejected", "", ""},
		{"[]", "rejected", "", ""},
	} {
		r := g.Read([]byte(row.value), stamp)
		got := string(r.Outcome)
		if r.Skewed {
			got += " skewed"
		}
		at := ""
		if r.Outcome == Counted {
			at = r.At.Format(time.RFC3339Nano)
		}
		if got != row.want || r.Outcome == Counted && r.Who != row.who || at != row.at {
			t.Errorf("%s: %s %q at %s, want %s %q at %s", row.value, got, r.Who, at, row.want, row.who, row.at)
		}
	}
}

func TestCloseSplitsTheMonth(t *testing.T) {
	l := New(time.UTC)
	add := func(kind, who, at string) {
		l.Add(Record{Value: []byte(`{"type":"` + kind + `","subject":"` + who + `","superapp":"a","time":"` + at + `"}`), Time: stamp})
	}
	add("miniprogram.open", "1", "2026-09-10T00:00:00Z")
	add("miniprogram.open", "1", "2026-09-10T01:00:00Z")
	add("miniprogram.open", "1", "2026-09-11T00:00:00Z")
	add("minigame.search", "2", "2026-09-11T00:00:00Z")
	add("user.login", "2", "2026-09-11T00:00:00Z")
	add("miniprogram.open", "", "2026-09-11T00:00:00Z")
	m := l.Close("2026-09")
	add("miniprogram.open", "1", "2026-09-20T00:00:00Z")
	add("miniprogram.open", "3", "2026-09-20T00:00:00Z")
	add("miniprogram.open", "3", "2026-08-31T23:59:59Z")
	a := m.Apps["a"]
	three := []string{"open", "search", "predownload"}
	got := []int{a.Events, a.Duplicates, a.Rejected, a.Unique(three), a.Unique(three, 11), a.New(11), a.Unique([]string{"login"}, 11), m.LateNew("a", three), a.PeakUsers()}
	want := []int{5, 1, 1, 2, 2, 1, 1, 1, 1}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got, want)
			break
		}
	}
	if n := l.Close("2026-10").Apps["a"].Expired; n != 1 {
		t.Errorf("%d expired, want 1", n)
	}
}

// The values are those of Apache Kafka's own test of murmur2, without the sign bit.
func TestPartition(t *testing.T) {
	for key, want := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	} {
		if got := Partition([]byte(key), 1<<31); got != int(want)&0x7fffffff {
			t.Errorf("%s: %d, want %d", key, got, int(want)&0x7fffffff)
		}
	}
}

// A quarter of the generator's odd records are meant to be dead letters, and all that it makes besides to be counted.
func TestReadsGeneratedMonth(t *testing.T) {
	c := month.Default()
	c.Events, c.Devices, c.Odd, c.Reported = 100_000, 10_000, 0.5, 0.01
	c.SealKey = reporter.Public("a seal")
	g, err := month.New(c)
	if err != nil {
		t.Fatal(err)
	}
	l := New(time.UTC)
	n := map[Outcome]int{}
	var rec month.Record
	for g.Next(&rec) {
		n[l.Add(Record{Value: rec.Value, Time: time.UnixMilli(rec.Timestamp)}).Outcome]++
	}
	if share := float64(n[Rejected]) / float64(c.Events); share < 0.115 || share > 0.13 {
		t.Errorf("%v of all records are rejected, want 0.125", share)
	}
	if n[Unknown] < 1500 || n[Control] < 700 || n[Reported] < 900 {
		t.Errorf("%v: too few", n)
	}
	for _, m := range []string{"2026-09", "2026-11"} {
		if len(l.Month(m).Apps) < c.Apps {
			t.Errorf("%s: %d apps", m, len(l.Month(m).Apps))
		}
	}
	if m := l.Month("2026-10"); len(m.Apps) != c.Apps || len(l.months) != 3 {
		t.Errorf("%d apps in the month, %d months", len(m.Apps), len(l.months))
	}
}
