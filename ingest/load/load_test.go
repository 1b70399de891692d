package load

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"headcount/events"
	"headcount/events/decode"
	"headcount/events/identity"
	"headcount/events/stream"
)

// taker remembers what it is sent; it fails at the call with number failAt.
type taker struct {
	values, keys  []string
	calls, failAt int
}

var errTaker = errors.New("the log is down")

func (s *taker) Produce(_ context.Context, messages []stream.Message) error {
	if s.calls++; s.calls == s.failAt {
		return errTaker
	}
	for _, m := range messages {
		s.values, s.keys = append(s.values, string(m.Value)), append(s.keys, string(m.Key))
	}
	return nil
}

func config(send Sender, warned *[]string) Config {
	seal := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	t := &events.Template{TimeZone: "UTC", Precision: 14, Limits: events.DefaultLimits, KeyID: identity.NewGUIDKey([16]byte{1}).ID(), SealKey: seal.Public().(ed25519.PublicKey)}
	return Config{
		Send: send, Decoder: decode.NewDecoder(t.Rulebook()),
		Warn: func(file string, line int, reason events.Reason) {
			*warned = append(*warned, fmt.Sprintf("%s:%d: %s", file, line, reason))
		},
	}
}

func event(subject string) string {
	return fmt.Sprintf(`{"specversion":"1.0","type":"miniprogram.open","time":"2026-01-03T08:15:30Z","subject":%q,"superapp":"app-001"}`, subject)
}

func write(t *testing.T, name string, data []byte) Input {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return Input{Name: name, Path: path}
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t *testing.T, text string) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll([]byte(text), nil)
}

func TestLinesAreSentAsTheyAre(t *testing.T) {
	one, two := event("a"), event("b")
	text := one + "\n" + two + "\n"
	for name, data := range map[string][]byte{
		"plain.ndjson":     []byte(text),
		"noend.ndjson":     []byte(one + "\n" + two),
		"crlf.ndjson":      []byte(one + "\r\n" + two + "\r\n"),
		"gaps.ndjson":      []byte("\n" + one + "\n\n\r\n" + two + "\n\n"),
		"mark.ndjson":      []byte("\xef\xbb\xbf" + text),
		"packed.gz":        zipped(t, text),
		"packed.zst":       zstandard(t, text),
		"gzip.ndjson":      zipped(t, text),
		"zstandard.ndjson": zstandard(t, text),
		"twice.gz":         append(zipped(t, one+"\n"), zipped(t, two+"\n")...),
	} {
		var to taker
		var warned []string
		var res Result
		if err := File(t.Context(), config(&to, &warned), write(t, name, data), nil, &res); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := []string{one, two}; !slices.Equal(to.values, want) {
			t.Errorf("%s: sent %q", name, to.values)
		}
		if want := []string{"a", "b"}; !slices.Equal(to.keys, want) {
			t.Errorf("%s: keys %q, want %q", name, to.keys, want)
		}
		if want := (Result{Sent: 2, Events: 2}); res != want || len(warned) > 0 {
			t.Errorf("%s: %+v, warned %q", name, res, warned)
		}
	}
}

func TestWhatBecomesOfLines(t *testing.T) {
	var to taker
	var warned []string
	var res Result
	clock := fmt.Sprintf(`{"type":"miniprogram.open","time":%q,"subject":"g","superapp":"a"}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	lines := []string{event("a"), "{", "", `{"type":"something.else","subject":"g","superapp":"a"}`, clock, `{"type":"miniprogram.open","superapp":"a"}`}
	in := write(t, "mixed.ndjson", []byte(strings.Join(lines, "\n")))
	if err := File(t.Context(), config(&to, &warned), in, nil, &res); err != nil {
		t.Fatal(err)
	}
	if want := (Result{Sent: 5, Events: 2, Skewed: 1, Unknown: 1, Rejected: 2}); res != want {
		t.Errorf("got %+v, want %+v", res, want)
	}
	if want := []string{"mixed.ndjson:2: not a well-formed JSON object", "mixed.ndjson:6: no subject"}; !slices.Equal(warned, want) {
		t.Errorf("warned %q, want %q", warned, want)
	}
	if len(to.values) != 5 {
		t.Errorf("%d sent, want 5: dead letters are sent too", len(to.values))
	}
}

// What lies before the bad place is sent, also where it fills no batch.
func TestBadPlaceIsNamedAndWhatLiesBeforeItIsSent(t *testing.T) {
	one := event("a") + "\n"
	many := strings.Repeat(one, batch+5)
	for _, c := range []struct {
		name, want string
		data       []byte
		sent       int
	}{
		{"long.ndjson", "long.ndjson:3: the line is over 1 MiB", []byte(one + one + strings.Repeat("x", MaxLine+1) + "\n" + one), 2},
		{"longlast.ndjson", fmt.Sprintf("longlast.ndjson:%d: the line is over 1 MiB", batch+6), []byte(many + strings.Repeat("x", MaxLine+3)), batch + 5},
		{"cut.gz", "cut.gz:", zipped(t, many)[:300], -1},
		{"cut.zst", "cut.zst:", zstandard(t, many)[:200], -1},
	} {
		var to taker
		var warned []string
		var res Result
		err := File(t.Context(), config(&to, &warned), write(t, c.name, c.data), nil, &res)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if len(to.values) != res.Sent || (c.sent >= 0 && res.Sent != c.sent) {
			t.Errorf("%s: %d sent and %d counted, want %d", c.name, len(to.values), res.Sent, c.sent)
		}
	}
}

func TestLongestLineIsSent(t *testing.T) {
	for _, end := range []string{"", "\n", "\r\n"} {
		var to taker
		var warned []string
		var res Result
		in := write(t, "edge.ndjson", []byte(strings.Repeat("x", MaxLine)+end))
		if err := File(t.Context(), config(&to, &warned), in, nil, &res); err != nil || len(to.values) != 1 {
			t.Errorf("end %q: %d sent, error %v", end, len(to.values), err)
		}
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	for in, want := range map[Input]string{
		{Name: "nowhere", Path: filepath.Join(dir, "nowhere")}: "nowhere: no such file",
		{Name: "dir", Path: dir}:                               "dir is a folder",
		write(t, "plain.gz", []byte(event("a"))):               "plain.gz is not packed as its name says",
		write(t, "empty.zst", nil):                             "empty.zst is not packed as its name says",
		write(t, "short.gz", []byte{0x1f, 0x8b, 8}):            "short.gz: not gzip",
	} {
		if _, err := in.Open(t.Context(), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", in.Name, err, want)
		}
	}
	empty := write(t, "empty.ndjson", nil)
	var res Result
	if err := File(t.Context(), config(nil, nil), empty, nil, &res); err != nil || res != (Result{}) {
		t.Errorf("empty file: %+v, %v", res, err)
	}
}

func TestFailedSendEndsTheLoad(t *testing.T) {
	to := taker{failAt: 2}
	var warned []string
	var res Result
	in := write(t, "in.ndjson", []byte(strings.Repeat(event("a")+"\n", 3*batch)))
	if err := File(t.Context(), config(&to, &warned), in, nil, &res); !errors.Is(err, errTaker) {
		t.Errorf("error %v, want that of the log", err)
	}
	if len(to.values) != batch || to.calls != 2 {
		t.Errorf("%d sent in %d calls: want a batch, and none after the failure", len(to.values), to.calls)
	}
}

func TestWithoutASenderNothingIsSent(t *testing.T) {
	var warned []string
	var res Result
	if err := File(t.Context(), config(nil, &warned), Input{Name: "stdin", Path: "-"}, strings.NewReader(event("a")+"\n{\n"), &res); err != nil {
		t.Fatal(err)
	}
	if want := (Result{Sent: 2, Events: 1, Rejected: 1}); res != want || !slices.Equal(warned, []string{"stdin:2: not a well-formed JSON object"}) {
		t.Errorf("%+v, warned %q", res, warned)
	}
}

// A terminal that says nothing does not hold up the end.
func TestStandardInputIsLeftWhenTheContextEnds(t *testing.T) {
	silent, _ := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		var res Result
		ended <- File(ctx, config(&taker{}, nil), Input{Name: "stdin", Path: "-"}, silent, &res)
	}()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that of the context", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("still reads")
	}
}
