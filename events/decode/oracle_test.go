package decode

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"headcount/events"

	"github.com/go-json-experiment/json/jsontext"
)

// oracle reads members the plain way, with a JSON package of others: by full paths, in a map.
func oracle(b []byte, f events.Fields) (map[string]member, bool) {
	f = f.Resolved()
	read := map[string]bool{"meter": true, "month": true, "day": true, "source": true, "value": true, "revision": true, "type": true}
	way := map[string]bool{"": true}
	for _, p := range []string{f.Type, f.GUID, f.App, f.Time} {
		read[p] = true
		names := strings.Split(p, ".")
		for i := range names {
			way[strings.Join(names[:i], ".")] = true
		}
	}
	got := map[string]member{}
	d := jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != '{' {
		return nil, false
	}
	// twice names the paths whose whole content does not count, because a name on the way stands there twice.
	twice := map[string]bool{}
	var object func(path string) bool
	object = func(path string) bool {
		if _, err := d.ReadToken(); err != nil {
			return false
		}
		seen := map[string]bool{}
		for d.PeekKind() != '}' {
			raw, err := d.ReadValue()
			if err != nil {
				return false
			}
			name, err := jsontext.AppendUnquote(nil, raw)
			whole := err == nil && utf8.Valid(raw)
			below := string(name)
			onPath := whole && below != "" && !strings.Contains(below, ".")
			if path != "" {
				below = path + "." + below
			}
			interesting := onPath && (read[below] || way[below])
			if interesting && seen[below] {
				twice[below] = true
			}
			seen[below] = true
			if interesting && way[below] && d.PeekKind() == '{' {
				if read[below] {
					got[below] = member{shape: other}
				}
				if !object(below) {
					return false
				}
				continue
			}
			v, err := d.ReadValue()
			if err != nil {
				return false
			}
			if !interesting || !read[below] {
				continue
			}
			switch v.Kind() {
			case '"':
				s, err := jsontext.AppendUnquote(nil, v)
				switch {
				case !utf8.Valid(v):
					got[below] = member{shape: notUTF8}
				case err != nil:
					got[below] = member{shape: loneSurrogate}
				default:
					got[below] = member{s, text}
				}
			case 'n':
				got[below] = member{shape: null}
			case '0':
				got[below] = member{bytes.Clone(v), number}
			default:
				got[below] = member{shape: other}
			}
		}
		_, err := d.ReadToken()
		return err == nil
	}
	if !object("") {
		return nil, false
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, false
	}
	for p := range read {
		for t := range twice {
			if p == t || strings.HasPrefix(p, t+".") {
				got[p] = member{shape: repeated}
			}
		}
	}
	return got, true
}

var readPaths = map[slot]func(events.Fields) string{
	slotType: func(f events.Fields) string { return f.Type }, slotGUID: func(f events.Fields) string { return f.GUID },
	slotApp: func(f events.Fields) string { return f.App }, slotTime: func(f events.Fields) string { return f.Time },
	slotMeter:  func(events.Fields) string { return "meter" },
	slotMonth:  func(events.Fields) string { return "month" },
	slotDay:    func(events.Fields) string { return "day" },
	slotSource: func(events.Fields) string { return "source" },
	slotValue:  func(events.Fields) string { return "value" }, slotRevision: func(events.Fields) string { return "revision" },
}

// agree holds the strict reader against the oracle, and the scanner against the strict reader.
func agree(tb testing.TB, b []byte, f events.Fields) {
	tb.Helper()
	var members [slots]member
	s := newStrict(f, &members, &arena{})
	why := s.read(b)
	want, ok := oracle(b, f)
	if ok != (why == "") {
		tb.Fatalf("%q\nstrict reader says %q, oracle says well-formed: %v", b, why, ok)
	}
	if ok {
		for at, path := range readPaths {
			w, g := want[path(f.Resolved())], members[at]
			if g.shape != w.shape || (g.shape == text || g.shape == number) && !bytes.Equal(g.val, w.val) {
				tb.Fatalf("%q\n%s: strict reader has %s, oracle %s", b, path(f.Resolved()), show(g), show(w))
			}
		}
	}
	if f != (events.Fields{}) {
		return
	}
	var h head
	if !scan(b, &h) {
		return
	}
	if why != "" {
		tb.Fatalf("%q\nscanner takes it, strict reader says %q", b, why)
	}
	for at, got := range map[slot][]byte{slotType: h.kind, slotGUID: h.guid, slotApp: h.app, slotTime: h.time} {
		m := members[at]
		if m.shape != text && m.shape != absent || (m.shape == absent) != (got == nil) || !bytes.Equal(m.val, got) {
			tb.Fatalf("%q\nslot %d: scanner has %q, strict reader %s", b, at, got, show(m))
		}
	}
}

func show(m member) string { return fmt.Sprintf("%q (shape %d)", m.val, m.shape) }

var oddFields = events.Fields{Type: "event.kind", GUID: "data.device.guid", App: "data.app", Time: "source"}

// FuzzReaders compares scanner, strict reader and oracle on any bytes.
func FuzzReaders(f *testing.F) {
	for _, s := range append(structuredSeeds(), testEvent) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		agree(t, b, events.Fields{})
		agree(t, b, oddFields)
	})
}

// structuredSeeds are texts near the edges of the grammar.
func structuredSeeds() []string {
	return []string{
		`{}`, ` { } `, `{"a":{}}`, `{"a":[]}`, `{"type":"a","type":"b"}`, `{"sub\u006aect":"g"}`, `{"typ\u0065":"x","type":"y"}`,
		`{"a":"\ud83d\ude00"}`, `{"a":"\ud83d"}`, `{"a":"\ud83d\u0041"}`, `{"a":"\ude00"}`, "{\"\u00e9\":\"\u00e9\"}", "{\"a\":\"\xff\"}",
		`{"type":null,"time":1e5,"subject":[{"a":"]"}],"superapp":{"b":"}"}}`, `{"superapp\u0000":1}`, `{"superappx":1,"superap":2}`,
		`{"value":-0.1E+10,"revision":0,"day":true,"month":false}`, `{"a":[[[[{"b":[1,2,{"c":null}]}]]]]}`,
		`{"event":{"kind":"x"},"data":{"device":{"guid":"g"},"app":"a"},"source":"t"}`,
		`{"event":{"kind":"x"},"event":{}}`, `{"data":{"device":5,"device":{"guid":"g"}}}`, `{"data":[{"app":"a"}]}`, `{"data.app":"a"}`,
		`{"data":{"device":{"guid":"g"},"app":"a","app":1},"event":"x"}`, "\ufeff{}", `{"a":1}x`, `{"a":1} `, `{"a" : "b"	,
"c":[ 1 , 2 ]}`, `{"":""}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":"	"}`,
	}
}

// TestReadersAgree compares them on random texts that are nearly right: well-formed ones, and the same with a few bytes changed.
func TestReadersAgree(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	n := 20_000
	if testing.Short() {
		n = 5_000
	}
	for range n {
		b := []byte(randomObject(r, 0))
		agree(t, b, events.Fields{})
		agree(t, b, oddFields)
		for range r.IntN(4) {
			switch i := r.IntN(len(b)); r.IntN(4) {
			case 0:
				b[i] = byte(r.IntN(256))
			case 1:
				b = append(b[:i], b[i+1:]...)
			case 2:
				b = append(b[:i], append([]byte{`"\{}[],:0e-. u`[r.IntN(14)]}, b[i:]...)...)
			case 3:
				b = b[:i]
			}
			if len(b) == 0 {
				break
			}
		}
		agree(t, b, events.Fields{})
		agree(t, b, oddFields)
	}
}

func randomObject(r *rand.Rand, depth int) string {
	names := []string{"type", "time", "subject", "superapp", "superappx", "supera", "typ", "data", "event", "device", "guid", "app", "kind",
		"source", "value", "revision", "meter", "id", "specversion", "é", ""}
	var s strings.Builder
	s.WriteString("{")
	for i := range r.IntN(9) {
		if i > 0 {
			s.WriteString(",")
		}
		s.WriteString(randomSpace(r))
		s.WriteString(randomString(r, names[r.IntN(len(names))]))
		s.WriteString(randomSpace(r) + ":" + randomSpace(r))
		s.WriteString(randomValue(r, depth+1))
		s.WriteString(randomSpace(r))
	}
	return s.String() + "}"
}

func randomValue(r *rand.Rand, depth int) string {
	switch k := r.IntN(10); {
	case k < 5 || depth > 4:
		texts := []string{"x", "miniprogram.open", testGUID, "2026-10-03T08:15:30Z", "é😀", "a\"b\\c/", "\u0001", "\x7f", "", "sdk/android/2.4.1"}
		return randomString(r, texts[r.IntN(len(texts))])
	case k == 5:
		return []string{"0", "-0", "12.5e-3", "1E5", "9223372036854775808", "3"}[r.IntN(6)]
	case k == 6:
		return []string{"true", "false", "null"}[r.IntN(3)]
	case k < 9:
		return randomObject(r, depth)
	}
	items := make([]string, r.IntN(4))
	for i := range items {
		items[i] = randomSpace(r) + randomValue(r, depth+1) + randomSpace(r)
	}
	return "[" + strings.Join(items, ",") + "]"
}

func randomSpace(r *rand.Rand) string {
	if r.IntN(4) > 0 {
		return ""
	}
	return []string{" ", "\n", "\t", "\r\n", "  "}[r.IntN(5)]
}

// randomString writes s as a JSON string, now and then with more escapes than it needs.
func randomString(r *rand.Rand, s string) string {
	out := `"`
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			out += `\` + string(c)
		case c < 0x20 || r.IntN(40) == 0:
			if c > 0xffff {
				c -= 0x10000
				out += fmt.Sprintf(`\u%04x\u%04X`, 0xd800+c>>10, 0xdc00+c&0x3ff)
			} else {
				out += fmt.Sprintf(`\u%04x`, c)
			}
		default:
			out += string(c)
		}
	}
	return out + `"`
}

// sameVerdict decodes with a decoder that scans and one that does not. Both have read other records before.
func sameVerdict(tb testing.TB, scanning, strict *Decoder, value []byte, timestamp int64) {
	tb.Helper()
	scanning.Reset()
	strict.Reset()
	r := &events.Record{Timestamp: timestamp, Value: value}
	a, b := decode(tb, scanning, r), decode(tb, strict, r)
	if verdict(a) != verdict(b) || a.ID != b.ID || !bytes.Equal(a.GUID, b.GUID) || a.Skewed != b.Skewed {
		tb.Fatalf("%q at %d\nscanning: %s %v %q\n  strict: %s %v %q", value, timestamp, verdict(a), a.ID, a.GUID, verdict(b), b.ID, b.GUID)
	}
}

func twoDecoders(tb testing.TB) (scanning, strict *Decoder) {
	scanning, _ = newTestDecoder(tb, nil)
	strict, _ = newTestDecoder(tb, nil)
	strict.plain = false
	return scanning, strict
}

// FuzzDecode compares verdicts with and without the scanner.
func FuzzDecode(f *testing.F) {
	for _, s := range append(structuredSeeds(), testEvent, event("usage.reported", ""), event("user.login", "2016-12-31T23:59:60Z")) {
		f.Add([]byte(s), int64(1790985600000))
	}
	scanning, strict := twoDecoders(f)
	f.Fuzz(func(t *testing.T, value []byte, timestamp int64) { sameVerdict(t, scanning, strict, value, timestamp) })
}

func TestVerdictsAgree(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	scanning, strict := twoDecoders(t)
	for range 20_000 {
		b := []byte(strings.Replace(randomObject(r, 3), "{", `{"type":"miniprogram.open",`, 1))
		if r.IntN(3) > 0 {
			b = []byte(testEvent)
			b[r.IntN(len(b))] = byte(r.IntN(256))
		}
		sameVerdict(t, scanning, strict, b, 1790985600000)
	}
}
