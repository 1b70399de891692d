package collect

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"headcount/events"
	"headcount/events/decode"
	"headcount/events/identity"
	"headcount/events/stream"
	"headcount/ingest/collect/keyring"
)

var noon = time.Date(2026, 10, 3, 12, 0, 0, 0, time.UTC)

// logged is a log that keeps what it is sent, or fails.
type logged struct {
	mu       sync.Mutex
	messages []stream.Message
	err      error
	stall    bool // until the context ends
}

func (l *logged) Produce(ctx context.Context, ms []stream.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stall {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	if l.err == nil {
		l.messages = append(l.messages, ms...)
	}
	return l.err
}

// texts are the values that were sent, with their keys and door's verdicts.
func (l *logged) texts() (texts []string) {
	for _, m := range l.messages {
		text := string(m.Key) + " " + string(m.Value)
		for _, h := range m.Headers {
			text += " " + h.Key + "=" + string(h.Value)
		}
		texts = append(texts, text)
	}
	return texts
}

func template() *events.Template {
	seal := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	return &events.Template{TimeZone: "UTC", Precision: 14, Limits: events.DefaultLimits, KeyID: identity.NewGUIDKey([16]byte{1}).ID(), SealKey: seal.Public().(ed25519.PublicKey)}
}

// door makes one that is open, with changes.
func door(to Sender, change ...func(*Config)) *Door {
	c := Config{
		Send: to, Decoder: func() *decode.Decoder { return decode.NewDecoder(template().Rulebook()) },
		Keys: func(time.Time) *keyring.Keys { return &keyring.Keys{} }, Open: true, FillApp: true, Now: func() time.Time { return noon },
	}
	for _, f := range change {
		f(&c)
	}
	return New(c)
}

func post(d http.Handler, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/v1/events", strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

const (
	one    = `{"type":"miniprogram.open","subject":"g1","superapp":"app-001","time":"2026-10-03T08:00:00Z"}`
	two    = `{"type":"miniprogram.open","subject":"{6F1C2F0E7E5C4B7E9B1F1F0E2D3C4B5A}","superapp":"app-001","data":{"a":["]",{"b":"\\\"}"}]}}`
	noApp  = `{"type":"miniprogram.open","subject":"g3"}`
	badOne = `{"type":"miniprogram.open","subject":"g4","superapp":"app-001","time":"yesterday"}`
	mark   = "application/cloudevents-batch+json"
	single = "application/cloudevents+json"
)

func TestModes(t *testing.T) {
	wantOne, wantTwo := "g1 "+one, "6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a "+two
	for _, tt := range []struct {
		name, body string
		headers    []string
		answer     string
		sent       []string
	}{
		{"structured", one, []string{"Content-Type", single + "; charset=utf-8"}, `{"accepted":1,"dead":[]}`, []string{wantOne}},
		{"batch", "[" + one + " ,\n" + two + "]", []string{"Content-Type", mark}, `{"accepted":2,"dead":[]}`, []string{wantOne, wantTwo}},
		{"empty batch", " [ ]\n", []string{"Content-Type", mark}, `{"accepted":0,"dead":[]}`, nil},
		{"an array as plain JSON", "[" + one + "]", []string{"Content-Type", "application/json"}, `{"accepted":1,"dead":[]}`, []string{wantOne}},
		{"a beacon", one, []string{"Content-Type", "text/plain;charset=UTF-8"}, `{"accepted":1,"dead":[]}`, []string{wantOne}},
		{"lines", one + "\r\n\n" + two + "\n", []string{"Content-Type", "application/x-ndjson"}, `{"accepted":2,"dead":[]}`, []string{wantOne, wantTwo}},
		{"binary", "data", []string{"Ce-Specversion", "1.0", "Ce-Type", "miniprogram.open", "Ce-Subject", "g%20%C3%BC", "Ce-Superapp", "app-001", "User-Agent", "x", "Content-Type", "text/x"},
			`{"accepted":1,"dead":[]}`, []string{"g ü data ce_specversion=1.0 ce_subject=g ü ce_superapp=app-001 ce_type=miniprogram.open content-type=text/x"}},
		{"dead ones by index", "[" + badOne + "," + one + `,7,{"type":"miniprogram.open","subject":"null","superapp":"app-001"}]`, []string{"Content-Type", mark},
			`{"accepted":1,"dead":[{"index":0,"reason":"time is not RFC 3339"},{"index":2,"reason":"not a well-formed JSON object"},{"index":3,"reason":"placeholder id"}]}`,
			[]string{"g4 " + badOne, wantOne, " 7", `null {"type":"miniprogram.open","subject":"null","superapp":"app-001"}`}},
		{"dead, structured", "{", []string{"Content-Type", single}, `{"accepted":0,"dead":[{"index":0,"reason":"not a well-formed JSON object"}]}`, []string{" {"}},
		{"a type that nobody counts is no dead letter", `{"type":"x","subject":"g"}`, []string{"Content-Type", single}, `{"accepted":1,"dead":[]}`, []string{`g {"type":"x","subject":"g"}`}},
		{"ours are reserved", `{"type":"headcount.seal"}`, []string{"Content-Type", single}, `{"accepted":0,"dead":[{"index":0,"reason":"type is one of ours, which nobody may send"}]}`,
			[]string{` {"type":"headcount.seal"} headcount-door=reserved-type:`}},
	} {
		var to logged
		w := post(door(&to), tt.body, tt.headers...)
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusAccepted || got != tt.answer {
			t.Errorf("%s: %d %s\nwant %s", tt.name, w.Code, got, tt.answer)
		}
		if got := to.texts(); !slices.Equal(got, tt.sent) {
			t.Errorf("%s: sent %q\nwant %q", tt.name, got, tt.sent)
		}
	}
}

// What is no request as a whole is refused, and nothing of it is sent.
func TestRefusals(t *testing.T) {
	small := func(c *Config) { c.MaxBody, c.MaxEvent, c.MaxEvents = 1000, 500, 3 }
	bomb := gzipped(strings.Repeat(" ", 1001))
	for _, tt := range []struct {
		name, body string
		headers    []string
		code       int
		says       string
	}{
		{"a batch that is none", one, []string{"Content-Type", mark}, 400, "does not begin with ["},
		{"a batch without an end", "[" + one, []string{"Content-Type", mark}, 400, "does not end"},
		{"a string without an end", `["`, []string{"Content-Type", mark}, 400, "does not end"},
		{"brackets that do not match", `[}`, []string{"Content-Type", mark}, 400, "does not end"},
		{"a comma too many", "[1,]", []string{"Content-Type", mark}, 400, "missing"},
		{"a comma at the start", "[,1]", []string{"Content-Type", mark}, 400, "missing"},
		{"more behind a batch", "[] []", []string{"Content-Type", mark}, 400, "follows"},
		{"another format", "x", []string{"Content-Type", "application/cloudevents+avro"}, 415, "avro"},
		{"another format with headers", "x", []string{"Content-Type", "application/cloudevents+avro", "Ce-Type", "x"}, 415, "avro"},
		{"another encoding", "x", []string{"Content-Type", single, "Content-Encoding", "br"}, 415, "br"},
		{"no gzip", "x", []string{"Content-Type", single, "Content-Encoding", "gzip"}, 400, "cannot be read"},
		{"gzip cut off", string(gzipped(one)[:40]), []string{"Content-Type", single, "Content-Encoding", "gzip"}, 400, "cannot be read"},
		{"zstd cut off", string(zstandard(one)[:20]), []string{"Content-Type", single, "Content-Encoding", "zstd"}, 400, "cannot be read"},
		{"too large", strings.Repeat("x", 1001), []string{"Content-Type", single}, 413, "1000 bytes"},
		{"too large once unpacked", string(bomb), []string{"Content-Type", single, "Content-Encoding", "gzip"}, 413, "1000 bytes"},
		{"an event too large", strings.Repeat("x", 501), []string{"Content-Type", single}, 413, "event 0"},
		{"too many", "[1,2,3,4]", []string{"Content-Type", mark}, 413, "more than 3 events"},
		{"too many, and no end is looked for", "[1,2,3,4,", []string{"Content-Type", mark}, 413, "more than 3 events"},
		{"too many lines", "1\n2\n\n3\n4", []string{"Content-Type", "application/x-ndjson"}, 413, "more than 3 events"},
	} {
		var to logged
		w := post(door(&to, small), tt.body, tt.headers...)
		var problem struct {
			Status int
			Detail string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != tt.code || problem.Status != tt.code || !strings.Contains(problem.Detail, tt.says) {
			t.Errorf("%s: %d %s, want %d %q", tt.name, w.Code, w.Body, tt.code, tt.says)
		}
		if w.Header().Get("Content-Type") != "application/problem+json" || len(to.messages) > 0 {
			t.Errorf("%s: %v, %d sent", tt.name, w.Header(), len(to.messages))
		}
	}
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.Bytes()
}

func zstandard(text string) []byte {
	z, _ := zstd.NewWriter(nil)
	return z.EncodeAll([]byte(text), nil)
}

func TestPacked(t *testing.T) {
	for encoding, body := range map[string][]byte{"gzip": gzipped(one), "zstd": zstandard(one), "identity": []byte(one)} {
		var to logged
		d := door(&to)
		if w := post(d, string(body), "Content-Type", single, "Content-Encoding", encoding); w.Code != 202 || string(to.messages[0].Value) != one {
			t.Errorf("%s: %d %s", encoding, w.Code, w.Body)
		}
		if d.memory.left != d.cfg.Buffer {
			t.Errorf("%s: %d bytes are held for ever", encoding, d.cfg.Buffer-d.memory.left)
		}
	}
}

// What the log does not take is not acknowledged, whatever the reason.
func TestNoAckWithoutTheLog(t *testing.T) {
	for name, to := range map[string]*logged{"it fails": {err: errors.New("no leader")}, "it does not answer": {stall: true}} {
		d := door(to, func(c *Config) { c.Patience = 20 * time.Millisecond })
		w := post(d, one, "Content-Type", single)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "no leader") {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
		if !d.Troubled() {
			t.Errorf("%s: the door is said to be well", name)
		}
		d.cfg.Now = func() time.Time { return noon.Add(troubles) }
		if d.Troubled() {
			t.Errorf("%s: where nobody comes the door is never well again", name)
		}
	}
}

// An event that the topic is too small for is its sender's trouble.
func TestTooLargeForTheLog(t *testing.T) {
	d := door(&logged{err: &stream.BrokerError{Code: 10}})
	if w := post(d, one, "Content-Type", single); w.Code != http.StatusRequestEntityTooLarge || d.Troubled() {
		t.Errorf("%d %s, troubled %t", w.Code, w.Body, d.Troubled())
	}
}

// Memory for bodies has a bound, and what is full is said so, before a body is read that has no room.
func TestFull(t *testing.T) {
	var to logged
	d := door(&to, func(c *Config) { c.Buffer = 100 })
	if w := post(d, one, "Content-Type", single); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if d.memory.left != 100 {
		t.Errorf("%d bytes are left", d.memory.left)
	}
}

// slow is a body that comes to a halt behind its first bytes, until it is let go.
type slow struct {
	begin       io.Reader
	halted, let chan struct{}
}

func (s *slow) Read(b []byte) (int, error) {
	if n, err := s.begin.Read(b); err == nil {
		return n, nil
	}
	close(s.halted)
	<-s.let
	return 0, io.ErrUnexpectedEOF
}

// One key's bodies leave room for others'.
func TestOneKeyDoesNotFillTheDoor(t *testing.T) {
	d := door(&logged{}, func(c *Config) { c.Buffer = 1000 })
	a, b := holding{of: &d.memory, key: "a"}, holding{of: &d.memory, key: "b"}
	if !a.grow(400) || a.grow(101) || !a.grow(100) || !b.grow(500) || b.grow(1) {
		t.Errorf("a holds %d, b %d", a.n, b.n)
	}
	a.release()
	b.release()
	if d.memory.left != 1000 || len(d.memory.by) != 0 {
		t.Errorf("%d bytes are left, keys hold %v", d.memory.left, d.memory.by)
	}
}

// A packed body that comes slowly holds what has come of it, and not what unpacking it will take.
func TestSlowSendersHoldLittle(t *testing.T) {
	var to logged
	d := door(&to)
	for encoding, body := range map[string][]byte{"gzip": gzipped(one), "zstd": zstandard(one)} {
		s := &slow{bytes.NewReader(body[:20]), make(chan struct{}), make(chan struct{})}
		r := httptest.NewRequest("POST", "/v1/events", s)
		r.Header.Set("Content-Encoding", encoding)
		done := make(chan struct{})
		go func() { d.ServeHTTP(httptest.NewRecorder(), r); close(done) }()
		<-s.halted
		d.memory.mu.Lock()
		held := d.cfg.Buffer - d.memory.left
		d.memory.mu.Unlock()
		if held > firstRead {
			t.Errorf("%s: %d bytes are held for %d", encoding, held, 20)
		}
		close(s.let)
		<-done
		if d.memory.left != d.cfg.Buffer {
			t.Errorf("%s: %d bytes are held for ever", encoding, d.cfg.Buffer-d.memory.left)
		}
	}
}

func TestKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	text, err := keyring.Create(path, keyring.Key{Name: "a", App: "app-001", Rate: 1}, noon)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	var to logged
	now := noon
	d := door(&to, func(c *Config) {
		c.Keys = func(time.Time) *keyring.Keys { return keys }
		c.Now = func() time.Time { return now }
	})
	bearer := []string{"Content-Type", mark, "Authorization", "Bearer " + text}

	for name, headers := range map[string][]string{"none": {}, "another": {"Authorization", "Bearer hck_x"}, "another scheme": {"Authorization", "Basic " + text}} {
		w := post(d, "["+one+"]", append(headers, "Content-Type", mark)...)
		if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != "Bearer" || len(to.messages) > 0 || strings.Contains(w.Body.String(), "hck_") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	other := strings.Replace(one, "app-001", "app-002", 1)
	binary := []string{"Ce-Type", "miniprogram.open", "Ce-Subject", "g5", "Authorization", "Bearer " + text}
	w := post(d, "["+one+","+other+","+noApp+`,{},{"superapp":""},{"type":"miniprogram.open","subject":"g6","superapp":null},{"type":"miniprogram.open","subject":"g7","x":{"superapp":"\u00e9"}}]`, bearer...)
	if want := `{"accepted":3,"dead":[{"index":1,"reason":"superapp is not the one that its sender's key is for"},{"index":3,"reason":"no type"},{"index":4,"reason":"no type"},{"index":5,"reason":"no superapp"}]}`; strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("got %s\nwant %s", w.Body, want)
	}
	post(d, "", binary...)
	want := []string{
		"g1 " + one, "g1 " + other + " headcount-door=other-app:app-001", `g3 {"superapp":"app-001","type":"miniprogram.open","subject":"g3"}`, ` {} headcount-door=from:app-001`,
		` {"superapp":""} headcount-door=from:app-001`, `g6 {"type":"miniprogram.open","subject":"g6","superapp":null} headcount-door=from:app-001`,
		`g7 {"superapp":"app-001","type":"miniprogram.open","subject":"g7","x":{"superapp":"\u00e9"}}`,
		"g5  ce_subject=g5 ce_type=miniprogram.open ce_superapp=app-001",
	}
	if got := to.texts(); !slices.Equal(got, want) {
		t.Errorf("sent %q\nwant %q", got, want)
	}
	// Eight were sent of the ten that gather in ten seconds at one a second.
	if w := post(d, "["+strings.Repeat(one+",", 2)+one+"]", bearer...); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" {
		t.Errorf("past the rate: %d %v", w.Code, w.Header())
	}
	now = now.Add(time.Second)
	if w := post(d, "["+strings.Repeat(one+",", 2)+one+"]", bearer...); w.Code != http.StatusAccepted {
		t.Errorf("a second later: %d", w.Code)
	}
}

// By a page's script, from where it is allowed.
func TestOrigins(t *testing.T) {
	var to logged
	d := door(&to, func(c *Config) { c.Origins = []string{"https://m.example"} })
	for origin, want := range map[string]string{"https://m.example": "https://m.example", "https://evil.example": "", "": ""} {
		to.messages = nil
		w := post(d, one, "Content-Type", single, "Origin", origin)
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("%s: %q", origin, got)
		}
		if refused := want != origin; refused != (w.Code == http.StatusForbidden) || refused != (len(to.messages) == 0) {
			t.Errorf("%s: %d, %d sent", origin, w.Code, len(to.messages))
		}
	}
	r := httptest.NewRequest("OPTIONS", "/v1/events", nil)
	r.Header.Set("Origin", "https://m.example")
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if w.Code != http.StatusNoContent || !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// A record that the door calls dead is a dead letter for a shard, and one that it does not is none.
func TestTheDoorAndTheShardAgree(t *testing.T) {
	var to logged
	d := door(&to)
	w := post(d, "["+strings.Join([]string{one, two, noApp, badOne, `{"type":"headcount.closed"}`, `"x"`, `{}`, `null`, `[[1]]`, `{"type":"usage.reported","superapp":"a","source":"s"}`}, ",")+"]", "Content-Type", mark)
	var answer struct{ Dead []Dead }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	said := map[int]events.Reason{}
	for _, x := range answer.Dead {
		said[x.Index] = x.Reason
	}
	shard, found := decode.NewDecoder(template().Rulebook()), map[int]events.Reason{}
	for i, m := range to.messages {
		var headers []byte
		for _, h := range m.Headers {
			headers = events.EncodeHeader(headers, h.Key, h.Value)
		}
		var e events.Event
		if err := shard.Decode(&events.Record{Timestamp: noon.UnixMilli(), Value: m.Value, Headers: headers, HeaderCount: len(m.Headers)}, &e); err != nil {
			t.Fatal(err)
		}
		if e.Outcome == events.Rejected {
			found[i] = e.Reason
		}
	}
	if !maps.Equal(said, found) || len(found) < 7 {
		t.Errorf("the door says %v\nthe shard %v", said, found)
	}
}

func FuzzSplitArray(f *testing.F) {
	for _, s := range []string{"[]", "[1,2]", `[{"a":"]"},"\\\""]`, "[[],{}]", "[,]", "[", "x", `["\"]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := splitArray(b, len(b))
		var want []json.RawMessage
		if json.Unmarshal(b, &want) != nil || b == nil || bytes.Equal(bytes.Trim(b, space), []byte("null")) {
			return // what is no JSON may be split anyhow: each part is read by itself
		}
		if err != nil || len(got) != len(want) {
			t.Fatalf("%q: %d parts, %v; want %d", b, len(got), err, len(want))
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Errorf("%q: part %d is %q, want %q", b, i, got[i], want[i])
			}
		}
	})
}

func BenchmarkDoor(b *testing.B) {
	batch := make([]string, 50)
	for i := range batch {
		batch[i] = fmt.Sprintf(`{"specversion":"1.0","type":"miniprogram.open","source":"sdk/android/2.4.1","id":"0198f7d2-6a4c-7c31-9b55-%012x","time":"2026-10-03T08:15:30.123Z","subject":"6f1c2f0e-7e5c-4b7e-9b1f-%012x","superapp":"app-001","miniprogram":"mp-42"}`, i, i*7919)
	}
	body := "[" + strings.Join(batch, ",") + "]"
	d := door(discard{})
	for b.Loop() {
		if w := post(d, body, "Content-Type", mark); w.Code != 202 {
			b.Fatal(w.Body)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50, "ns/event")
}

type discard struct{}

func (discard) Produce(context.Context, []stream.Message) error { return nil }
