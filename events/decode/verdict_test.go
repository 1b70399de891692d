package decode

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"headcount/events"
)

func event(kind, at string) string {
	s := `{"type":"` + kind + `","subject":"g","superapp":"a"`
	if at != "" {
		s += `,"time":"` + at + `"`
	}
	return s + "}"
}

func TestWhichTimeCounts(t *testing.T) {
	const noon = "2026-10-03T12:00:00Z"
	tests := []struct {
		name, time, record, want string
	}{
		{"the event's", "2026-10-01T23:59:59.999Z", noon, "counted open 2026-10-01 a"},
		{"long before the record's", "2026-03-01T00:00:00Z", noon, "counted open 2026-03-01 a"},
		{"the record's, without one", "", noon, "counted open 2026-10-03 a"},
		{"ten minutes ahead", "2026-10-03T12:10:00Z", noon, "counted open 2026-10-03 a"},
		{"ten minutes ahead, into the next month", "2026-11-01T00:09:59Z", "2026-10-31T23:59:59Z", "counted open 2026-11-01 a"},
		{"a millisecond more", "2026-11-01T00:09:59.001Z", "2026-10-31T23:59:59Z", "counted open 2026-10-31 a skewed"},
		{"a microsecond more", "2026-11-01T00:09:59.000001Z", "2026-10-31T23:59:59Z", "counted open 2026-10-31 a skewed"},
		{"years ahead", "2036-10-03T12:00:00Z", noon, "counted open 2026-10-03 a skewed"},
		{"the year 2000", "2000-01-01T00:00:00Z", noon, "counted open 2000-01-01 a"},
		{"before the year 2000", "1999-12-31T23:59:59.999Z", noon, "counted open 2026-10-03 a skewed"},
		{"a clock never set", "1970-01-01T00:00:00Z", noon, "counted open 2026-10-03 a skewed"},
		{"year 0", "0000-01-01T00:00:00Z", noon, "counted open 2026-10-03 a skewed"},
		{"year 9999", "9999-12-31T23:59:59Z", noon, "counted open 2026-10-03 a skewed"},
		{"an offset", "2026-11-01T01:00:00+02:00", noon, "counted open 2026-10-03 a skewed"},
		{"an offset, within", "2026-10-01T01:00:00+02:00", noon, "counted open 2026-09-30 a"},
		{"no record timestamp", "2026-10-01T10:00:00Z", "", "counted open 2026-10-01 a"},
		{"no record timestamp to be ahead of", "2036-10-01T10:00:00Z", "", "counted open 2036-10-01 a"},
		{"neither", "", "", "rejected [a] " + string(events.NoTime)},
		{"a clock never set and no record timestamp", "1980-01-01T00:00:00Z", "", "rejected [a] " + string(events.NoTime)},
		{"after what a month can be named", "9999-12-31T23:59:59-12:00", "", "rejected [a] " + string(events.NoTime)},
		{"a record in seconds, not milliseconds", "2026-10-01T10:00:00Z", "1970-01-21T17:44:10Z", "counted open 2026-10-01 a"},
		{"a record's clock never set", "2026-10-01T10:00:00Z", "1999-12-31T23:59:59.999Z", "counted open 2026-10-01 a"},
		{"a record of the year 2000", "2026-10-01T10:00:00Z", "2000-01-01T00:00:00Z", "counted open 2000-01-01 a skewed"},
		{"a record in seconds, and no time", "", "1970-01-21T17:44:10Z", "rejected [a] " + string(events.NoTime)},
		{"neither clock was ever set", "1980-01-01T00:00:00Z", "1970-01-21T17:44:10Z", "rejected [a] " + string(events.NoTime)},
		{"leap second, of the month it ends", "2026-09-30T23:59:60Z", noon, "counted open 2026-09-30 a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, _ := newTestDecoder(t, nil)
			r := record(t, event("miniprogram.open", tt.time))
			r.Timestamp = 0
			if tt.record != "" {
				r.Timestamp = millis(t, tt.record)
			}
			if got := verdict(decode(t, d, r)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRecordTimestampBounds(t *testing.T) {
	for ts, want := range map[int64]string{
		-1: "rejected [a] " + string(events.NoTime), 0: "rejected [a] " + string(events.NoTime), 1: "rejected [a] " + string(events.NoTime),
		946684799_999: "rejected [a] " + string(events.NoTime), 946684800_000: "counted open 2000-01-01 a",
		-1 << 63: "rejected [a] " + string(events.NoTime), 1<<63 - 1: "rejected [a] " + string(events.NoTime),
	} {
		d, _ := newTestDecoder(t, nil)
		r := record(t, event("miniprogram.open", ""))
		r.Timestamp = ts
		if got := verdict(decode(t, d, r)); got != want {
			t.Errorf("timestamp %d: got %s, want %s", ts, got, want)
		}
	}
	d, _ := newTestDecoder(t, nil)
	r := record(t, event("miniprogram.open", "2026-10-03T08:00:00Z"))
	r.Timestamp = 1<<63 - 1
	if got, want := verdict(decode(t, d, r)), "counted open 2026-10-03 a"; got != want {
		t.Errorf("event with its own time and a record far ahead: got %s, want %s", got, want)
	}
}

func TestMonthsOfAZone(t *testing.T) {
	d, _ := newTestDecoder(t, func(t *events.Template) { t.TimeZone = "Asia/Shanghai" })
	for at, want := range map[string]string{
		"2026-09-30T15:59:59.999Z": "counted open 2026-09-30 a", "2026-09-30T16:00:00Z": "counted open 2026-10-01 a",
		"2026-10-03T08:00:00+08:00": "counted open 2026-10-03 a", "2026-10-02T16:00:00Z": "counted open 2026-10-03 a",
	} {
		if got := verdict(decode(t, d, record(t, event("miniprogram.open", at)))); got != want {
			t.Errorf("%s: got %s, want %s", at, got, want)
		}
	}
}

func TestEveryBuiltinType(t *testing.T) {
	want := map[string]string{
		"miniprogram.open": "open", "minigame.open": "open", "miniprogram.search": "search", "minigame.search": "search",
		"miniprogram.predownload": "predownload", "minigame.predownload": "predownload", "user.login": "login",
		"component.release": "release", "component.h5": "h5", "component.basic-analysis": "basic-analysis",
		"component.custom-analysis": "custom-analysis", "component.performance": "performance", "component.push": "push", "component.sync": "sync",
	}
	rules, err := testTemplate().Month(events.MonthOf(2026, 10))
	if err != nil {
		t.Fatal(err)
	}
	if len(want) != len(rules.Types) {
		t.Errorf("%d built-in types, want %d", len(rules.Types), len(want))
	}
	d, _ := newTestDecoder(t, nil)
	for kind, name := range want {
		if got := verdict(decode(t, d, record(t, event(kind, "")))); got != "counted "+name+" 2026-10-03 a" {
			t.Errorf("%s: got %s", kind, got)
		}
	}
}

func TestConfiguredTypes(t *testing.T) {
	d, b := newTestDecoder(t, func(t *events.Template) {
		t.Types = map[string]string{"component.scan": "scan", "app.pay": "pay", "miniprogram.search": "open", "component.scan2": "scan"}
	})
	kinds := b.months
	of := func(kind string) events.Event { return decode(t, d, record(t, event(kind, ""))) }
	e := of("component.scan")
	r := kinds[e.Month]
	if got := strings.Join(r.Kinds[len(events.KindNames):], " "); got != "pay scan" {
		t.Fatalf("added kinds %q, want them sorted: pay scan", got)
	}
	for kind, want := range map[string]string{"component.scan": "scan", "component.scan2": "scan", "app.pay": "pay", "miniprogram.search": "open", "component.push": "push"} {
		if e := of(kind); e.Outcome != events.Counted || r.Kinds[e.Kind] != want {
			t.Errorf("%s: %d of kind %s, want %s", kind, e.Outcome, r.Kinds[e.Kind], want)
		}
	}
}

func TestFinishedMonths(t *testing.T) {
	d, b := newTestDecoder(t, nil)
	const sep, aug, oct = "2026-09-30T23:59:59.999Z", "2026-08-01T00:00:00Z", "2026-10-01T00:00:00Z"
	if got := verdict(decode(t, d, record(t, event("miniprogram.open", aug)))); got != "counted open 2026-08-01 a" {
		t.Fatalf("before the first seal no month is finished: %s", got)
	}
	b.asked, b.months = nil, map[events.Month]*events.MonthRules{}
	d.SetFloor(events.MonthOf(2026, 9))
	for _, tt := range []struct{ value, want string }{
		{event("miniprogram.open", oct), "counted open 2026-10-01 a"},
		{event("miniprogram.open", sep), "counted open 2026-09-30 a"},
		{event("miniprogram.open", "2026-09-01T00:00:00Z"), "counted open 2026-09-01 a"},
		{event("miniprogram.open", "2026-08-31T23:59:59.999Z"), "expired 2026-08 a"},
		{event("miniprogram.open", aug), "expired 2026-08 a"},
		{event("no.such", aug), "unknown no.such"},
		{`{"type":"miniprogram.open","time":"` + aug + `","superapp":"a"}`, "rejected [a] " + string(events.NoGUID)},
		{event("headcount.seal", aug), "control headcount.seal"},
		{event("miniprogram.open", oct), "counted open 2026-10-01 a"},
	} {
		if got := verdict(decode(t, d, record(t, tt.value))); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.value, got, tt.want)
		}
	}
	d.SetFloor(events.MonthOf(2026, 10))
	if got := verdict(decode(t, d, record(t, event("miniprogram.open", sep)))); got != "expired 2026-09 a" {
		t.Errorf("after the next seal: %s", got)
	}
	for _, m := range b.asked {
		if m < events.MonthOf(2026, 9) {
			t.Errorf("rules of finished month %s were asked for", m)
		}
	}
}

// TestBoundariesAreThoseOfTheRules: a month that has begun keeps its boundaries, whatever the tz database says today.
func TestBoundariesAreThoseOfTheRules(t *testing.T) {
	d, b := newTestDecoder(t, nil)
	oct, nov := events.MonthOf(2026, 10), events.MonthOf(2026, 11)
	r, _ := b.MonthRules(oct)
	moved := *r
	moved.DayStarts = append([]int64(nil), r.DayStarts...)
	const hour = 3600_000
	moved.DayStarts[0] -= hour  // October began an hour early
	moved.DayStarts[31] += hour // and ends an hour late
	b.months[oct] = &moved
	n, _ := b.MonthRules(nov)
	late := *n
	late.DayStarts = append([]int64(nil), n.DayStarts...)
	late.DayStarts[0] += hour
	b.months[nov] = &late
	s, _ := b.MonthRules(oct - 1)
	early := *s
	early.DayStarts = append([]int64(nil), s.DayStarts...)
	early.DayStarts[30] -= hour
	b.months[oct-1] = &early
	for _, order := range [][]string{
		{"2026-09-30T22:59:59Z", "2026-09-30T23:00:00Z", "2026-10-01T12:00:00Z", "2026-11-01T00:59:59Z", "2026-11-01T01:00:00Z"},
		{"2026-11-01T01:00:00Z", "2026-11-01T00:59:59Z", "2026-09-30T23:00:00Z", "2026-09-30T22:59:59Z", "2026-10-01T12:00:00Z"},
	} {
		for _, at := range order {
			want := map[string]string{
				"2026-09-30T22:59:59Z": "counted open 2026-09-30 a", "2026-09-30T23:00:00Z": "counted open 2026-10-01 a",
				"2026-10-01T12:00:00Z": "counted open 2026-10-01 a", "2026-11-01T00:59:59Z": "counted open 2026-10-31 a", "2026-11-01T01:00:00Z": "counted open 2026-11-01 a",
			}[at]
			rec := record(t, event("miniprogram.open", at))
			rec.Timestamp = millis(t, "2026-12-01T00:00:00Z")
			if got := verdict(decode(t, d, rec)); got != want {
				t.Errorf("%s: got %s, want %s", at, got, want)
			}
		}
	}
}

func TestQuantities(t *testing.T) {
	report := func(members string) string {
		return `{"specversion":"1.0","type":"usage.reported","superapp":"a","meter":"gateway_calls","month":"2026-10","source":"gw-1","value":"12"` + members + `}`
	}
	with := func(name, value string) string {
		return strings.Replace(report(""), `"`+name+`":"`+map[string]string{"meter": "gateway_calls", "month": "2026-10", "source": "gw-1", "value": "12", "superapp": "a"}[name]+`"`, `"`+name+`":`+value, 1)
	}
	tests := []struct{ name, value, want string }{
		{"of the month", report(""), "reported 2026-10 day 0 a gateway_calls gw-1 0/12"},
		{"of a day", report(`,"day":"2026-10-31"`), "reported 2026-10 day 31 a gateway_calls gw-1 0/12"},
		{"of a day by number", report(`,"day":"3"`), "reported 2026-10 day 3 a gateway_calls gw-1 0/12"},
		{"of a day by two digits", report(`,"day":"03"`), "reported 2026-10 day 3 a gateway_calls gw-1 0/12"},
		{"empty day", report(`,"day":""`), "reported 2026-10 day 0 a gateway_calls gw-1 0/12"},
		{"revision", report(`,"revision":7`), "reported 2026-10 day 0 a gateway_calls gw-1 7/12"},
		{"revision in a string", report(`,"revision":"7"`), "reported 2026-10 day 0 a gateway_calls gw-1 7/12"},
		{"null revision", report(`,"revision":null`), "reported 2026-10 day 0 a gateway_calls gw-1 0/12"},
		{"negative revision", report(`,"revision":-7`), "reported 2026-10 day 0 a gateway_calls gw-1 -7/12"},
		{"an earlier month", with("month", `"2026-02"`), "reported 2026-02 day 0 a gateway_calls gw-1 0/12"},
		{"largest value", with("value", `"9223372036854775807"`), "reported 2026-10 day 0 a gateway_calls gw-1 0/9223372036854775807"},
		{"zero", with("value", `"0"`), "reported 2026-10 day 0 a gateway_calls gw-1 0/0"},
		{"escapes", with("source", `"\u0067w-1"`), "reported 2026-10 day 0 a gateway_calls gw-1 0/12"},
		{"a subject is no matter", report(`,"subject":"x"`), "reported 2026-10 day 0 a gateway_calls gw-1 0/12"},
		{"skewed", report(`,"time":"2036-01-01T00:00:00Z"`), "reported 2026-10 day 0 a gateway_calls gw-1 0/12 skewed"},

		{"a later month", with("month", `"2026-11"`), "rejected [a] " + string(events.FutureMonth)},
		{"later than that of its time", report(`,"time":"2026-09-30T00:00:00Z"`), "rejected [a] " + string(events.FutureMonth)},
		{"before the year 2000", with("month", `"1999-12"`), "rejected [a] " + string(events.BadMonth)},
		{"no month", with("month", `null`), "rejected [a] " + string(events.BadMonth)},
		{"month of another form", with("month", `"2026-1"`), "rejected [a] " + string(events.BadMonth)},
		{"month is a number", with("month", `202610`), "rejected [a] " + string(events.NotString)},
		{"day of another month", report(`,"day":"2026-09-30"`), "rejected [a] " + string(events.BadDay)},
		{"day 32", report(`,"day":"32"`), "rejected [a] " + string(events.BadDay)},
		{"day 0", report(`,"day":"0"`), "rejected [a] " + string(events.BadDay)},
		{"day -1", report(`,"day":"-1"`), "rejected [a] " + string(events.BadDay)},
		{"day +1", report(`,"day":"+1"`), "rejected [a] " + string(events.BadDay)},
		{"day not of the calendar", strings.Replace(report(`,"day":"2026-02-29"`), "2026-10", "2026-02", 1), "rejected [a] " + string(events.BadDay)},
		{"day without zero", report(`,"day":"2026-10-3"`), "rejected [a] " + string(events.BadDay)},
		{"day is a number", report(`,"day":3`), "rejected [a] " + string(events.NotString)},
		{"2^63", with("value", `"9223372036854775808"`), "rejected [a] " + string(events.BadValue)},
		{"negative", with("value", `"-1"`), "rejected [a] " + string(events.BadValue)},
		{"plus", with("value", `"+1"`), "rejected [a] " + string(events.BadValue)},
		{"fraction", with("value", `"1.0"`), "rejected [a] " + string(events.BadValue)},
		{"underscore", with("value", `"1_000"`), "rejected [a] " + string(events.BadValue)},
		{"space", with("value", `" 1"`), "rejected [a] " + string(events.BadValue)},
		{"empty value", with("value", `""`), "rejected [a] " + string(events.BadValue)},
		{"value is a number", with("value", `12`), "rejected [a] " + string(events.NotString)},
		{"duplicate value", report(`,"value":"12"`), "rejected [a] " + string(events.DuplicateName)},
		{"duplicate source", report(`,"source":"12"`), "rejected [a] " + string(events.DuplicateName)},
		{"revision of no integer", report(`,"revision":1.5`), "rejected [a] " + string(events.BadRevision)},
		{"revision with exponent", report(`,"revision":1e2`), "rejected [a] " + string(events.BadRevision)},
		{"revision too large", report(`,"revision":9223372036854775808`), "rejected [a] " + string(events.BadRevision)},
		{"revision is true", report(`,"revision":true`), "rejected [a] " + string(events.NotString)},
		{"no meter", with("meter", `null`), "rejected [a] " + string(events.BadMeter)},
		{"long meter", with("meter", `"`+strings.Repeat("m", 65)+`"`), "rejected [a] " + string(events.BadMeter)},
		{"no source", with("source", `""`), "rejected [a] " + string(events.BadSource)},
		{"control character in the source", with("source", `"a\n"`), "rejected [a] " + string(events.BadSource)},
		{"no app", with("superapp", `null`), "rejected [] " + string(events.NoApp)},
		{"bad app", with("superapp", `"\u0000"`), "rejected [] " + string(events.BadApp)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, _ := newTestDecoder(t, nil)
			if got := verdict(decode(t, d, record(t, tt.value))); got != tt.want {
				t.Errorf("%s\n got %s\nwant %s", tt.value, got, tt.want)
			}
		})
	}

	d, _ := newTestDecoder(t, nil)
	d.SetFloor(events.MonthOf(2026, 10))
	if got, want := verdict(decode(t, d, record(t, with("month", `"2026-09"`)))), "expired 2026-09 a"; got != want {
		t.Errorf("of a finished month: got %s, want %s", got, want)
	}
	if got, want := verdict(decode(t, d, record(t, report(`,"time":"2026-09-02T00:00:00Z"`)))), "rejected [a] "+string(events.FutureMonth); got != want {
		t.Errorf("reported in a finished month for a later one: got %s, want %s", got, want)
	}
	if got, want := verdict(decode(t, d, record(t, report("")))), "reported 2026-10 day 0 a gateway_calls gw-1 0/12"; got != want {
		t.Errorf("of the floor: got %s, want %s", got, want)
	}
}

func TestRecordSizeLimit(t *testing.T) {
	d, _ := newTestDecoder(t, func(t *events.Template) { t.Limits.RecordBytes = 100 })
	fit := func(s string, n int) string { return s[:len(s)-1] + strings.Repeat(" ", n-len(s)) + "}" }
	for _, tt := range []struct{ value, want string }{
		{fit(event("miniprogram.open", ""), 100), "counted open 2026-10-03 a"},
		{fit(event("miniprogram.open", ""), 101), "rejected [a] over limit"},
		{fit(event("no.such", ""), 101), "unknown no.such"},
		{fit(event("headcount.seal", ""), 101), "control headcount.seal"},
		{`{"type":"usage.reported","superapp":"a","meter":"m","month":"2026-10","source":"s","value":"1","x":"long enough"}`, "rejected [a] over limit"},
		{`{"type":"usage.reported","superapp":"a","meter":"m","month":"2026-10","source":"s","value":"1"}`, "reported 2026-10 day 0 a m s 0/1"},
	} {
		if got := verdict(decode(t, d, record(t, tt.value))); got != tt.want {
			t.Errorf("%d bytes: got %s, want %s", len(tt.value), got, tt.want)
		}
	}
}

func TestFields(t *testing.T) {
	odd := events.Fields{Type: "event.kind", GUID: "data.device.guid", App: "data.app", Time: "ts"}
	tests := []struct {
		name        string
		fields      events.Fields
		value, want string
	}{
		{"paths", odd, `{"event":{"kind":"miniprogram.open"},"data":{"app":"a","device":{"guid":"g"}},"ts":"2026-10-01T00:00:00Z"}`, "counted open 2026-10-01 a"},
		{"names of CloudEvents are not read then", odd, `{"type":"user.login","subject":1,"event":{"kind":"miniprogram.open"},"data":{"app":"a","device":{"guid":"g"}}}`, "counted open 2026-10-03 a"},
		{"an app for all", events.Fields{GUID: "uid", AppConst: "ours"}, `{"type":"miniprogram.open","superapp":5,"uid":"g"}`, "counted open 2026-10-03 ours"},
		{"some only", events.Fields{GUID: "data.guid"}, `{"type":"miniprogram.open","superapp":"a","subject":5,"data":{"guid":"g"}}`, "counted open 2026-10-03 a"},
		{"a top-level name", events.Fields{GUID: "guid"}, `{"type":"miniprogram.open","superapp":"a","guid":"g"}`, "counted open 2026-10-03 a"},
		{"escaped names on the path", events.Fields{GUID: "data.guid"}, `{"type":"miniprogram.open","superapp":"a","d\u0061ta":{"gui\u0064":"g"}}`, "counted open 2026-10-03 a"},
		{"same name elsewhere", events.Fields{GUID: "data.guid"}, `{"type":"miniprogram.open","superapp":"a","guid":"x","x":{"data":{"guid":"y"}},"data":{"data":{"guid":"z"},"guid":"g"}}`, "counted open 2026-10-03 a"},
		{"a name twice on the path", events.Fields{GUID: "data.guid"}, `{"type":"miniprogram.open","superapp":"a","data":{"guid":"g"},"data":{}}`, "rejected [a] " + string(events.DuplicateName)},
		{"a name twice at its end", events.Fields{GUID: "data.guid"}, `{"type":"miniprogram.open","superapp":"a","data":{"guid":"g","guid":"g"}}`, "rejected [a] " + string(events.DuplicateName)},
		{"a number at its end", events.Fields{GUID: "data.guid"}, `{"type":"miniprogram.open","superapp":"a","data":{"guid":1}}`, "rejected [a] " + string(events.NotString)},
		{"no object on the way", events.Fields{GUID: "data.guid"}, `{"type":"miniprogram.open","superapp":"a","data":"guid"}`, "rejected [a] " + string(events.NoGUID)},
		{"an array on the way", events.Fields{GUID: "data.guid"}, `{"type":"miniprogram.open","superapp":"a","data":[{"guid":"g"}]}`, "rejected [a] " + string(events.NoGUID)},
		{"no path", events.Fields{GUID: "data.guid"}, `{"type":"miniprogram.open","superapp":"a"}`, "rejected [a] " + string(events.NoGUID)},
		{"unknown type without the path", events.Fields{GUID: "data.guid"}, `{"type":"x","superapp":"a","data":5}`, "unknown x"},
		{"seals are CloudEvents always", odd, `{"type":"headcount.seal","data":{"app":7}}`, "control headcount.seal"},
		{"only seals are", odd, `{"type":"usage.reported","data":{"app":"a"}}`, "rejected [a] " + string(events.NoType)},
		{"our types by the path too", odd, `{"event":{"kind":"headcount.x"}}`, "control headcount.x"},
		{"quantities", odd, `{"event":{"kind":"usage.reported"},"data":{"app":"a"},"meter":"m","month":"2026-10","source":"s","value":"1"}`, "reported 2026-10 day 0 a m s 0/1"},
		{"a field that quantities read too", events.Fields{App: "source"}, `{"type":"usage.reported","meter":"m","month":"2026-10","source":"s","value":"1"}`, "reported 2026-10 day 0 s m s 0/1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, _ := newTestDecoder(t, func(t *events.Template) { t.Fields = tt.fields })
			if got := verdict(decode(t, d, record(t, tt.value))); got != tt.want {
				t.Errorf("%s\n got %s\nwant %s", tt.value, got, tt.want)
			}
		})
	}
}

func TestErrorsAreNotVerdicts(t *testing.T) {
	d, b := newTestDecoder(t, nil)
	var e events.Event
	b.err = errStore
	if err := d.Decode(record(t, testEvent), &e); !errors.Is(err, errStore) {
		t.Errorf("with the store away: %v", err)
	}
	b.err = nil
	if got := verdict(decode(t, d, record(t, testEvent))); got != "counted open 2026-10-03 app-001" {
		t.Errorf("with the store back: %s", got)
	}
	// Records that need no rules are read all the same.
	b.err = errStore
	d = NewDecoder(b)
	for value, want := range map[string]string{`{"type":"headcount.seal"}`: "control headcount.seal", `x`: "rejected [] " + string(events.BadJSON)} {
		if got := verdict(decode(t, d, record(t, value))); got != want {
			t.Errorf("%s: got %s, want %s", value, got, want)
		}
	}
}

// TestBatch: the events of a batch stay as they are until the reset, and a reset makes room again.
func TestBatch(t *testing.T) {
	d, _ := newTestDecoder(t, nil)
	for round := range 3 {
		d.Reset()
		var got []events.Event
		for i := range 500 {
			value := fmt.Sprintf(`{"type":"miniprogram.open","subject":"\u0067-%d-%d","superapp":"\u0061pp-%d-%d","note":"%s\n"}`, round, i, round, i, strings.Repeat("x", i))
			if i%3 == 0 {
				value = strings.ReplaceAll(value, `\u0061`, "a")
			}
			got = append(got, decode(t, d, record(t, value)))
		}
		for i, e := range got {
			want := fmt.Sprintf("app-%d-%d", round, i)
			guid := fmt.Sprintf("g-%d-%d", round, i)
			if string(e.App) != want || string(e.GUID) != guid || e.ID != deviceOf(guid) {
				t.Fatalf("event %d of round %d has become app %s of %s", i, round, e.App, e.GUID)
			}
		}
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	d, _ := newTestDecoder(t, nil)
	records := []*events.Record{
		record(t, testEvent),
		with(record(t, testEvent), "content-type", "application/cloudevents+json; charset=utf-8"),
		record(t, `{"type":"user.login","subject":"user-1","superapp":"a"}`),
		record(t, `{"type":"component.push","sub\u006aect":"device 1","superapp":"\u0061"}`),
		with(record(t, "x"), "ce_type", "miniprogram.open", "ce_subject", "g", "ce_superapp", "a", "content-type", "text/plain"),
		record(t, `{"type":"no.such"}`),
		record(t, `{"type":`),
	}
	var e events.Event
	if n := testing.AllocsPerRun(100, func() {
		d.Reset()
		for _, r := range records {
			if err := d.Decode(r, &e); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d records, want none", n, len(records))
	}
}
