package recount

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	benchmonth "headcount/endtoend/month"
	signers "headcount/endtoend/reporter"
	"headcount/events"
	"headcount/events/decode"
	"headcount/events/identity"
	"headcount/verify/report"
)

// memory is a state store.
type memory map[string][]byte

func (m memory) Open(_ context.Context, name string) (io.ReadCloser, error) {
	b, ok := m[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

func (m memory) List(_ context.Context, prefix string) (names []string, _ error) {
	for name := range m {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// rulebook holds the same rules for the other implementation.
type rulebook struct {
	topic  *events.TopicRules
	months map[events.Month]*events.MonthRules
}

func (r *rulebook) TopicRules() *events.TopicRules { return r.topic }
func (r *rulebook) MonthRules(m events.Month) (*events.MonthRules, error) {
	if x := r.months[m]; x != nil {
		return x, nil
	}
	return nil, fmt.Errorf("no rules of %s", m)
}

func (r *rulebook) Foreseen(m events.Month) (*events.MonthRules, error) { return r.months[m], nil }

// reporters are those of the months that are made up; one of them is bounded.
func reporters() []events.Reporter {
	all := signers.All(benchmonth.Reporters...)
	all[1].Meters, all[1].Apps = []string{"gateway*"}, []string{"app-*1", "app-002"}
	return all
}

// theirDecoder is the other implementation's, with the key that its fingerprints are made by.
type theirDecoder struct {
	*decode.Decoder
	key *identity.GUIDKey
}

// bothDecoders returns the two decoders under the same rules, of all months from 1999-11 to 2032.
func bothDecoders(t *testing.T, zone string, fields events.Fields, from events.Month, monthsBack int) (*decoder, *theirDecoder) {
	t.Helper()
	line := identity.GenerateGUIDKey()
	ring, err := identity.ParseKeyring([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := readKeys([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	public, _, _ := ed25519.GenerateKey(nil)
	limits := events.DefaultLimits
	limits.RecordBytes = 600
	template := &events.Template{
		TimeZone: zone, Fields: fields, Types: map[string]string{"session.start": "login", "scan": "scan"}, Precision: 14, Limits: limits, Placeholders: []string{"ünset", "deadbeef-0000-0000-0000-000000000001"},
		KeyID: ring.Newest().ID(), SealKey: public, Reporters: reporters(), From: from, MonthsBack: monthsBack,
	}
	topic := template.Topic()
	files := memory{"t/rules/topic.json": topic.Canonical()}
	other := &rulebook{topic, map[events.Month]*events.MonthRules{}}
	for m := events.MonthOf(1999, 11); m < events.MonthOf(2032, 1); m++ {
		r, err := template.Month(m)
		if err != nil {
			t.Fatal(err)
		}
		other.months[m] = r
		files["t/rules/"+m.String()+".json"] = r.Canonical()
	}
	r := report.New("")
	book, err := readRules(t.Context(), files, nil, "t", nil, keys, r)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Differences {
		t.Error(d)
	}
	return newDecoder(book), &theirDecoder{decode.NewDecoder(other), ring.Newest()}
}

// agree decodes a record both ways.
func agree(t *testing.T, mine *decoder, theirs *theirDecoder, rec *kgo.Record, floor events.Month) {
	t.Helper()
	r := events.Record{Timestamp: rec.Timestamp.UnixMilli(), Key: rec.Key, Value: rec.Value, HeaderCount: len(rec.Headers)}
	for _, h := range rec.Headers {
		r.Headers = events.EncodeHeader(r.Headers, h.Key, h.Value)
	}
	var e events.Event
	theirs.Reset()
	if err := theirs.Decode(&r, &e); err != nil {
		return // a month without rules
	}
	got, err := mine.decode(rec, Month(floor))
	text := fmt.Sprint(got.outcome, err)
	want := map[events.Outcome]outcome{events.Tombstone: tombstone, events.Counted: counted, events.Reported: reported, events.Unknown: unknown, events.Control: control, events.Expired: expired, events.BeforeBooks: beforeBooks, events.Rejected: rejected}[e.Outcome]
	if e.Reason == events.OverLimit && !e.FarOff {
		want = overLimit
	}
	there := fmt.Sprint(want, nil)
	switch want {
	case counted:
		text += fmt.Sprintln(got.app, got.month, got.day, got.kind, got.skewed, fmt.Sprintf("%x", got.who[:]))
		app := theirs.key.App(string(e.App))
		there += fmt.Sprintln(string(e.App), e.Month, e.Day, e.Kind, e.Skewed, app.Fingerprint(&e.ID))
	case reported:
		text += fmt.Sprintln(got.app, got.month, got.meter, got.source, got.day, got.revision, got.value)
		there += fmt.Sprintln(string(e.App), e.Month, e.Quantity.Meter, e.Quantity.Source, e.Quantity.Day, e.Quantity.Revision, e.Quantity.Value)
	case rejected, overLimit, expired, beforeBooks:
		text, there = text+got.app, there+string(e.App)
	}
	text, there = strings.ReplaceAll(text, "<nil>", ""), strings.ReplaceAll(there, "<nil>", "")
	if text != there {
		t.Errorf("floor %s, stamp %d, headers %q\n%q\nverify: %s\nevents: %s (%s)", floor, r.Timestamp, rec.Headers, rec.Value, text, there, e.Reason)
	}
}

// TestDecodersAgree decodes odd records, whole and spoilt, by both implementations.
func TestDecodersAgree(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	records := 5_000
	if testing.Short() {
		records = 1_000
	}
	for i, zone := range []string{"UTC", "Asia/Shanghai", "America/New_York"} {
		from, monthsBack := []events.Month{0, events.MonthOf(2026, 9), events.MonthOf(2026, 10)}[i], []int{0, 119, 1}[i]
		for _, fields := range []events.Fields{{}, {Type: "data.kind", GUID: "data.device.guid", App: "app", Time: "data.at"}, {TimeUnit: "s", AppConst: "our app"}, {TimeUnit: "ms"}, {TimeUnit: "us"}, {TimeUnit: "ns"}} {
			mine, theirs := bothDecoders(t, zone, fields, from, monthsBack)
			g, err := benchmonth.New(benchmonth.Config{Month: "2026-10", Events: records, Devices: 2000, Apps: 5, Seed: seed, Logins: 0.1, Components: 0.1, Reported: 0.15, SealKey: mine.book.sorted[0].public, Odd: 0.4, Binary: 0.2})
			if err != nil {
				t.Fatal(err)
			}
			floor := events.MonthOf(2026, 10)
			theirs.SetFloor(floor)
			var rec benchmonth.Record
			for n := 0; g.Next(&rec) && !t.Failed(); n++ {
				r := &kgo.Record{Value: bytes.Clone(rec.Value), Timestamp: time.UnixMilli(rec.Timestamp)}
				for _, h := range rec.Headers {
					r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Name, Value: bytes.Clone(h.Value)})
				}
				if fields.App != "" {
					r.Value = respell(r.Value)
				}
				agree(t, mine, theirs, r, floor)
				for range 3 {
					spoil(rnd, r)
					agree(t, mine, theirs, r, floor)
				}
			}
		}
	}
}

// respell moves members to where other fields lie.
func respell(b []byte) []byte {
	return []byte(strings.NewReplacer(`"superapp"`, `"app"`, `"type":`, `"data":{"kind":`, `"subject"`, `"device":{"guid"`).Replace(string(b)) + "}}")
}

// spoil changes a record in some way.
func spoil(rnd *rand.Rand, r *kgo.Record) {
	pieces := []string{`"time":"2026-10-31T23:59:60Z"`, `"time":"2016-10-31T23:59:59Z"`, `"time":"2036-10-01T00:00:00Z"`, `"time":"2026-08-31T16:00:00Z"`, `"time":"2000-01-01T00:00:00Z"`, `"time":"2026-10-03T08:15:30.1234567890123+14:00"`, `"type":"usage.reported"`, `"type":"headcount.seal"`, `"type":"scan"`,
		`"month":"2026-09"`, `"month":"2026-11"`, `"month":"2000-01"`, `"day":"2026-10-03"`, `"day":"31"`, `"day":"0"`, `"revision":-5`, `"revision":"07"`, `"revision":1.0`, `"value":"9223372036854775807"`, `"value":"9223372036854775808"`,
		`"subject":null`, `"subject":""`, `"superapp":"a\u0085"`, `"source":"\ud800"`, `"x":{"subject":1,"subject":2}`, `"data":{"device":{"guid":"g"},"kind":"user.login","at":"2026-10-01T00:00:00-05:00"}`, `"app":"z"`, `"sub\u006aect":"q"`,
		`"x":"half \ud83d"`, "\"x\":\"\xff\"", "\"x\xff\":1", `"subject":"\udc00"`, "\"time\":\"\xff\"", `"time":"2026-10-03T08:15Z"`, `"time":"2026-10-03T08:15:30.5+0530"`, `"time":"2026-10-03T08:15-0000"`,
		`"time":1790985600`, `"time":1790985600.0004`, `"time":"1790985600123"`, `"time":1790985600123.5`, `"time":1790985600123456`, `"time":1790985600123456789`, `"time":-1`, `"time":9223372036854775807`, `"time":9223372036854775808`, `"time":1e9`,
		`"time":"17909856001."`, `"time":0`, `"time":true`,
		`"subject":" 6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a\n"`, `"subject":"URN:Uuid:6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a"`, `"subject":"Undefined"`, `"subject":"00000000000000000000000000000000"`, `"subject":"{FFFFFFFF-ffff-ffff-ffff-ffffffffffff}"`,
		`"subject":"\u000b"`, `"superapp":" a\t"`, `"subject":"ÜNSET"`, `"subject":"0123"`, `"subject":"DEADBEEF-0000-0000-0000-000000000001"`}
	if len(r.Headers) > 0 && rnd.IntN(3) == 0 {
		h := &r.Headers[rnd.IntN(len(r.Headers))]
		switch rnd.IntN(7) {
		case 6:
			h.Key = "headcount-door"
			h.Value = []byte([]string{"other-app:app-9", "reserved-type:", "other-app", "other:app-9", "other-app:a\x00", "reserved-type:a:b", "from:app-8", "from:"}[rnd.IntN(8)])
		case 5:
			h.Value = slices.Concat([]byte(`"`), h.Value, []byte(`"`))
		case 0:
			h.Value = nil
		case 1:
			h.Value = []byte{}
		case 2:
			h.Value = []byte{0xff}
		case 3:
			r.Headers = append(r.Headers, *h)
		case 4:
			h.Key = []string{"content-type", "ce_type", "ce_time", "ce_control", "ce_superapp", "CE_subject"}[rnd.IntN(6)]
		}
		return
	}
	if rnd.IntN(6) == 0 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: "headcount-door", Value: []byte([]string{"from:app-8", "from:app-7", "other-app:app-9", "from:"}[rnd.IntN(4)])})
	}
	b := r.Value
	switch rnd.IntN(8) {
	case 0:
		r.Timestamp = time.UnixMilli([]int64{0, -1, 946684799999, 946684800000, 1790812800000, 1790812799999, 1793491200000, 1793404799999, 1796083200000,
			2106000000000, 2106432000000, 1476000000000, 9000000000000, 32503680000000, 1<<63 - 1, -1 << 63, r.Timestamp.UnixMilli() / 1000, r.Timestamp.UnixMilli() + 1}[rnd.IntN(18)])
	case 1:
		if rnd.IntN(10) == 0 {
			r.Value = nil
		}
	case 2, 3, 4:
		if i := bytes.IndexByte(b, '{'); i >= 0 {
			r.Value = slices.Concat(b[:i+1], []byte(pieces[rnd.IntN(len(pieces))]+","), b[i+1:])
		}
	case 5:
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: "content-type", Value: []byte([]string{"application/json", "application/cloudevents+json; charset=utf-8", "application/cloudevents+avro", "text/x+JSON", "", " Application/CloudEvents+JSON\t"}[rnd.IntN(6)])})
	default:
		if len(b) > 0 {
			i := rnd.IntN(len(b))
			b[i] = []byte("\"{}[],:\\ux0 9Zz-+.\x00\xff\x80eE")[rnd.IntN(23)]
		}
	}
}

// TestReportsAgree decodes quantities whose members are near the edges, signed, not signed, and changed after it, by both
// implementations.
func TestReportsAgree(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	one := func(of ...string) string { return of[rnd.IntN(len(of))] }
	taken := 0
	mine, theirs := bothDecoders(t, "Asia/Shanghai", events.Fields{}, events.MonthOf(2026, 9), 119)
	floor := events.MonthOf(2026, 9)
	theirs.SetFloor(floor)
	for range 4000 {
		text := `{"type":"usage.reported","superapp":"` + one("app-001", "app-001", "app-002", "app-002", "app-011", "app", "a\\u002d", "", " app-001", "app-002\\n\\t") + `","meter":"` + one("gateway_calls", "gateway_calls", "gateway", "push", "m\\u0000") +
			`","month":"` + one("2026-10", "2026-10", "2026-10", "2026-10", "2026-09", "2026-08", "2026-11", "2040-01", "1999-12") + `","source":"` + one("gateway-0", "gateway-1", "gateway-1", "gateway-3") +
			`","value":` + one(`"12"`, `"12"`, `"12"`, `"0012"`, `"9223372036854775807"`, `"9223372036854775808"`, `12`, `""`) +
			one(``, ``, `,"day":"2026-10-03"`, `,"day":"3"`, `,"day":"03"`, `,"day":"31"`, `,"day":null`, `,"day":""`) +
			one(``, ``, `,"revision":7`, `,"revision":"07"`, `,"revision":0`, `,"revision":-0`, `,"revision":-3`, `,"revision":2147483647`, `,"revision":2147483648`, `,"revision":9223372036854775807`, `,"revision":1.0`) +
			one(``, ``, `,"time":"2026-09-30T00:00:00Z"`, `,"time":"2031-01-01T00:00:00Z"`, `,"time":"x"`) + `}`
		b := []byte(text)
		if rnd.IntN(8) > 0 {
			b = signers.Sign(b, mine.book.sorted[0].public)
		}
		if at := bytes.Index(b, []byte(`"signature":"`)); at > 0 && rnd.IntN(4) == 0 {
			b[at+13+rnd.IntN(88)] = one("A", "B", "=", "-", "\\", " ")[0]
		}
		stamp := []int64{0, 1790812800000 - 8*3600_000 - 1, 1790812800000 - 8*3600_000, 1791000000000, 1791000000000, 1791000000000, 1791000000000, 253402300800_000}[rnd.IntN(8)]
		rec := &kgo.Record{Value: b, Timestamp: time.UnixMilli(stamp)}
		agree(t, mine, theirs, rec, floor)
		if r, err := mine.decode(rec, Month(floor)); err == nil && r.outcome == reported {
			taken++
		}
	}
	if taken < 40 || taken > 3000 {
		t.Errorf("%d of 4000 are taken", taken)
	}
}
