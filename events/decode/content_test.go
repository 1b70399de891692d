package decode

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"headcount/endtoend/reporter"
	"headcount/events"
	"headcount/events/signed"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
)

func TestContentModes(t *testing.T) {
	const counted = "counted open 2026-10-03 app-001"
	attrs := []string{"ce_specversion", "1.0", "ce_id", "1", "ce_source", "sdk/ios", "ce_type", "miniprogram.open", "ce_subject", testGUID, "ce_superapp", "app-001", "ce_time", "2026-10-03T08:00:00Z"}
	login := strings.Replace(testEvent, "miniprogram.open", "user.login", 1)
	quantity := reporter.Signature(signed.Report{App: "a", Meter: "m", Month: "2026-10", Day: "2026-10-03", Source: "s", Value: "12", Revision: "3"}, testTemplate().SealKey)
	and := func(a []string, more ...string) []string { return append(append([]string(nil), a...), more...) }
	tests := []struct {
		name    string
		value   string
		headers []string
		want    string
	}{
		{"structured", testEvent, []string{"content-type", "application/cloudevents+json"}, counted},
		{"structured with parameters", testEvent, []string{"content-type", "application/cloudevents+json; charset=UTF-8"}, counted},
		{"structured with parameters, no space", testEvent, []string{"content-type", "application/cloudevents+json;charset=utf-8"}, counted},
		{"media types have no case", testEvent, []string{"content-type", "Application/CloudEvents+JSON"}, counted},
		{"structured with other headers", testEvent, []string{"traceparent", "\xff\x00", "content-type", "application/cloudevents+json"}, counted},
		{"structured may have the headers of binary mode", testEvent, and(attrs, "ce_type2", "x", "content-type", "application/cloudevents+json", "ce_type", "user.login"), counted},
		{"no content type", testEvent, []string{"traceparent", "x"}, counted},
		{"empty content type", testEvent, []string{"content-type", ""}, counted},
		{"names of headers are exact", testEvent, []string{"Content-Type", "text/plain", "CE_TYPE", "x", "ce-type", "x"}, counted},
		{"json without attributes", testEvent, []string{"content-type", "application/json"}, "rejected [] " + string(events.BadContentType)},
		{"text without attributes", testEvent, []string{"content-type", "text/plain"}, "rejected [] " + string(events.BadContentType)},
		{"avro", testEvent, and(attrs, "content-type", "application/cloudevents+avro"), "rejected [] " + string(events.BadContentType)},
		{"batch", "[" + testEvent + "]", []string{"content-type", "application/cloudevents-batch+json"}, "rejected [] " + string(events.BadContentType)},
		{"two content types", testEvent, []string{"content-type", "application/cloudevents+json", "content-type", "application/cloudevents+json"}, "rejected [] " + string(events.DuplicateName)},

		{"binary", `{"n":1}`, and(attrs, "content-type", "application/json"), counted},
		{"binary, no content type", login, attrs, counted},
		{"binary, the payload is not looked at", "\xff\x00{", and(attrs, "content-type", "application/octet-stream"), counted},
		{"binary, empty payload", "", attrs, counted},
		{"binary, other headers are not looked at", "", and(attrs, "ce_miniprogram", "\xff", "x", "\xff", "ce_id", "2"), counted},
		{"binary, no time", "", []string{"ce_type", "miniprogram.open", "ce_subject", "g", "ce_superapp", "app-001"}, counted},
		{"binary, empty time", "", []string{"ce_type", "miniprogram.open", "ce_subject", "g", "ce_superapp", "app-001", "ce_time", ""}, counted},
		{"binary, bad time", "", []string{"ce_type", "miniprogram.open", "ce_subject", "g", "ce_superapp", "a", "ce_time", "now"}, "rejected [a] " + string(events.BadTime)},
		{"binary, no type", testEvent, []string{"ce_subject", "g", "ce_superapp", "a"}, "rejected [a] " + string(events.NoType)},
		{"binary, a name twice", "", and(attrs, "ce_subject", testGUID), "rejected [app-001] " + string(events.DuplicateName)},
		{"binary, app twice", "", and(attrs, "ce_superapp", "b"), "rejected [] " + string(events.DuplicateName)},
		{"binary, invalid UTF-8", "", []string{"ce_type", "miniprogram.open", "ce_subject", "g\xff", "ce_superapp", "a"}, "rejected [a] " + string(events.BadUTF8)},
		{"binary, invalid UTF-8 in the app", "", []string{"ce_type", "miniprogram.open", "ce_subject", "g", "ce_superapp", "a\xff"}, "rejected [] " + string(events.BadUTF8)},
		{"binary, values are not JSON", "", []string{"ce_type", "miniprogram.open", "ce_subject", `\u0067`, "ce_superapp", `a"`}, `counted open 2026-10-03 a"`},
		{"binary, quoted", "", []string{"ce_type", `"miniprogram.open"`, "ce_subject", "g", "ce_superapp", "a"}, "rejected [] " + string(events.QuotedHeader)},
		{"binary, quoted where nobody reads", "", and(attrs, "ce_miniprogram", `"mp"`), counted},
		{"binary quantity", "", []string{"ce_type", "usage.reported", "ce_superapp", "a", "ce_meter", "m", "ce_month", "2026-10", "ce_day", "2026-10-03", "ce_source", "s", "ce_value", "12", "ce_revision", "3",
			"ce_signature", quantity}, "reported 2026-10 day 3 a m s 3/12"},
		{"binary quantity, bad", "", []string{"ce_type", "usage.reported", "ce_superapp", "a", "ce_meter", "m", "ce_month", "2026-10", "ce_source", "s\xff", "ce_value", "12"}, "rejected [a] " + string(events.BadUTF8)},
		{"a door's verdict", testEvent, []string{"headcount-door", "other-app:app-9"}, "rejected [app-9] " + string(events.OtherApp)},
		{"a door's verdict over a seal", "", []string{"headcount-door", "reserved-type:app-9", "ce_type", "headcount.seal"}, "rejected [app-9] " + string(events.ReservedType)},
		{"a door's verdict, no app", testEvent, []string{"headcount-door", "other-app:"}, "rejected [] " + string(events.OtherApp)},
		{"a door's verdict, no such app", testEvent, []string{"headcount-door", "other-app:a\x00"}, "rejected [] " + string(events.OtherApp)},
		{"a door's verdict behind two content types", testEvent, []string{"content-type", "x", "content-type", "x", "headcount-door", "other-app:app-9"}, "rejected [app-9] " + string(events.OtherApp)},
		{"who sent it is no verdict", testEvent, []string{"headcount-door", "from:app-9"}, counted},
		{"who sent it answers where no app can be read", "{", []string{"headcount-door", "from:app-9"}, "rejected [app-9] " + string(events.BadJSON)},
		{"who sent it answers for a content type", testEvent, []string{"headcount-door", "from:app-9", "content-type", "x"}, "rejected [app-9] " + string(events.BadContentType)},
		{"who sent it answers for no app's", `{"type":"miniprogram.open","subject":"g"}`, []string{"headcount-door", "from:app-9"}, "rejected [app-9] " + string(events.NoApp)},
		{"who sent it does not answer for another's", `{"type":"miniprogram.open","subject":"null","superapp":"a"}`, []string{"headcount-door", "from:app-9"}, "rejected [a] " + string(events.Placeholder)},
		{"who sent it, and then a verdict", testEvent, []string{"headcount-door", "from:a", "headcount-door", "other-app:app-9", "headcount-door", "from:b"}, "rejected [app-9] " + string(events.OtherApp)},
		{"who sent it is no app", "{", []string{"headcount-door", "from:"}, "rejected [] " + string(events.BadJSON)},
		{"no door's verdict", testEvent, []string{"headcount-door", "why not:app-9"}, counted},
		{"binary control", "", []string{"ce_type", "headcount.seal"}, "control headcount.seal"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, _ := newTestDecoder(t, nil)
			if got := verdict(decode(t, d, with(record(t, tt.value), tt.headers...))); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestNullValue: a tombstone is no event. In binary mode a null value is an event without data (CloudEvents Kafka binding 3.2.2).
func TestNullValue(t *testing.T) {
	for _, tt := range []struct {
		headers []string
		want    string
	}{
		{nil, "tombstone"},
		{[]string{"traceparent", "x"}, "tombstone"},
		{[]string{"content-type", "application/json"}, "tombstone"},
		{[]string{"content-type", "application/cloudevents+json", "ce_type", "miniprogram.open"}, "tombstone"},
		{[]string{"ce_type", "miniprogram.open", "ce_subject", "g", "ce_superapp", "a"}, "counted open 2026-10-03 a"},
		{[]string{"ce_type", "user.deleted", "ce_subject", "g"}, "unknown user.deleted"},
	} {
		d, _ := newTestDecoder(t, nil)
		r := with(record(t, ""), tt.headers...)
		r.Value = nil
		if got := verdict(decode(t, d, r)); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.headers, got, tt.want)
		}
	}
}

func TestConfiguredFieldsTakeAnyJSON(t *testing.T) {
	d, _ := newTestDecoder(t, func(t *events.Template) { t.Fields.GUID = "data.guid" })
	const value = `{"type":"miniprogram.open","superapp":"a","data":{"guid":"g"}}`
	for contentType, want := range map[string]string{
		"application/json": "counted open 2026-10-03 a", "application/json; charset=utf-8": "counted open 2026-10-03 a",
		"application/vnd.acme.v1+json": "counted open 2026-10-03 a", "application/cloudevents+json": "counted open 2026-10-03 a",
		"application/cloudevents+avro": "rejected [] " + string(events.BadContentType), "text/plain": "rejected [] " + string(events.BadContentType),
	} {
		if got := verdict(decode(t, d, with(record(t, value), "content-type", contentType))); got != want {
			t.Errorf("%s: got %s, want %s", contentType, got, want)
		}
	}
}

var errHeaders = errors.New("malformed record headers")

// eachHeader calls f with every header of a record in order, until f returns false. errHeaders: they are not what the wire format
// allows.
func eachHeader(r *events.Record, f func(key, value []byte) bool) error {
	it := r.EncodedHeaders()
	for range r.HeaderCount {
		key, value, ok := it.Next()
		if !ok {
			return errHeaders
		}
		if !f(key, value) {
			return nil
		}
	}
	if len(it.Rest()) > 0 {
		return errHeaders
	}
	return nil
}

func TestHeaders(t *testing.T) {
	r := with((&events.Record{}), "a", "1", "b", "", "", "x")
	r.Headers = events.EncodeHeader(r.Headers, "null", nil)
	r.HeaderCount++
	var got []string
	err := eachHeader(r, func(key, value []byte) bool {
		s := string(key) + "=" + string(value)
		if value == nil {
			s += "null"
		}
		got = append(got, s)
		return true
	})
	if want := "a=1 b= =x null=null"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("got %v, %v; want %s", got, err, want)
	}
	n := 0
	if err := eachHeader(r, func(_, _ []byte) bool { n++; return false }); err != nil || n != 1 {
		t.Errorf("stopped after %d, %v", n, err)
	}

	for _, bad := range []*events.Record{
		{Headers: r.Headers[:len(r.Headers)-1], HeaderCount: 4},
		{Headers: r.Headers, HeaderCount: 3},
		{Headers: r.Headers, HeaderCount: 5},
		{HeaderCount: 1},
		{Headers: []byte{1, 0}, HeaderCount: 1},      // a key of length −1
		{Headers: []byte{2, 'a', 3}, HeaderCount: 1}, // a value of length −2
		{Headers: []byte{2, 'a', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, HeaderCount: 1},
		{Headers: []byte{0xfe, 0xff, 0xff, 0xff, 0x0f, 'a'}, HeaderCount: 1},
	} {
		if err := eachHeader(bad, func(_, _ []byte) bool { return true }); !errors.Is(err, errHeaders) {
			t.Errorf("%x × %d: %v, want errHeaders", bad.Headers, bad.HeaderCount, err)
		}
		d, _ := newTestDecoder(t, nil)
		bad.Value, bad.Timestamp = []byte(testEvent), 1
		if got := verdict(decode(t, d, bad)); got != "rejected [] "+string(events.BadHeaders) {
			t.Errorf("%x × %d: %s", bad.Headers, bad.HeaderCount, got)
		}
	}
}

// FuzzHeaders: no headers make the decoder panic, and those that read well read the same twice.
func FuzzHeaders(f *testing.F) {
	f.Add(with((&events.Record{}), "ce_type", "miniprogram.open", "content-type", "x").Headers, 2)
	f.Fuzz(func(t *testing.T, headers []byte, n int) {
		r := &events.Record{Headers: headers, HeaderCount: n & 0xff, Timestamp: 1, Value: []byte("{}")}
		var again []byte
		err := eachHeader(r, func(key, value []byte) bool { again = events.EncodeHeader(again, string(key), value); return true })
		d, _ := newTestDecoder(t, nil)
		var e events.Event
		if derr := d.Decode(r, &e); derr != nil {
			t.Fatal(derr)
		}
		if (e.Reason == events.BadHeaders) != (err != nil) && e.Reason != events.DuplicateName {
			t.Errorf("eachHeader says %v, the decoder %q", err, e.Reason)
		}
		if err == nil {
			var got, want []string
			collect := func(to *[]string) func(k, v []byte) bool {
				return func(k, v []byte) bool { *to = append(*to, string(k)+"="+string(v)); return true }
			}
			eachHeader(r, collect(&want))
			eachHeader(&events.Record{Headers: again, HeaderCount: r.HeaderCount}, collect(&got))
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("written again: %q, was %q", got, want)
			}
		}
	})
}

// TestEventsOfTheSDK: what the CloudEvents SDK writes is read.
func TestEventsOfTheSDK(t *testing.T) {
	e := cloudevents.New()
	e.SetID("0198f7d2")
	e.SetSource("sdk/go")
	e.SetType("miniprogram.search")
	e.SetSubject(testGUID)
	e.SetTime(time.Date(2026, 10, 2, 23, 59, 59, 123456789, time.FixedZone("", -5*3600)))
	e.SetExtension("superapp", "app-001")
	e.SetExtension("attempt", 3)
	e.SetExtension("beta", true)
	if err := e.SetData("application/json", map[string]any{"type": "user.login", "subject": []int{1}, "text": "a\"b\u2028"}); err != nil {
		t.Fatal(err)
	}
	value, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	d, _ := newTestDecoder(t, nil)
	if got, want := verdict(decode(t, d, record(t, string(value)))), "counted search 2026-10-03 app-001"; got != want {
		t.Errorf("%s\n got %s\nwant %s", value, got, want)
	}
}
