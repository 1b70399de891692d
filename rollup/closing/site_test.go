package closing

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
	"headcount/rating/ratingtest"
	"headcount/rollup/closed"
	"headcount/rollup/usage"
)

const (
	september = events.Month(2026*12 + 8)
	october   = september + 1
	november  = october + 1
	december  = november + 1
)

const zoneName = "Asia/Shanghai"

var (
	sealKey = ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes, fine"))
	keys    = identity.NewKeyring(identity.NewGUIDKey([16]byte([]byte("sixteen bytes ok"))))
)

const accountsFile = `accounts:
  - {id: acme, apps: [app-a], plan: test/basic, from: 2026-01-01}
  - {id: beta, apps: [app-b], plan: test/basic, from: 2026-01-01, late: report}
`

var bookFile = ratingtest.Book(ratingtest.Devices, `  basic:
    title: Basic
    charges:
      mau: {model: per_unit, free: "1", unit_price: "%s"}
  double:
    title: Double
    charges:
      mau: {model: per_unit, unit_price: "1"}
`)

// testSite is what a close works on: a ledger in a file, log and state in memory. Every call of a port goes through faults.
type testSite struct {
	t           *testing.T
	faults      faults
	now         time.Time
	ledger      *ledger.Ledger // nil: not made yet
	folder      string         // of the ledger's file
	topic       *stream.Topic
	log         [][]events.Record                  // by partition
	start       map[events.Partition]events.Offset // first offset that a partition still has; nil: all have all
	files       map[string][]byte                  // of the state store
	template    *events.Template
	accounts    string
	books       map[string][]byte
	group       string
	owners      map[events.Partition]string
	strangers   map[string]string               // members of the group: why they are no readers of ours
	readers     bool                            // where there is no group, somebody may be reading
	slept       func(ctx context.Context) error // what happens while a close sleeps
	naps        int                             // how often a close slept
	yes         bool                            // closers say it aloud
	brokersTime bool                            // records have the brokers' time
	dead        int                             // letters
	hang        string                          // the call that does not return; empty: none
	gone        bool                            // the topic was made again while it was read
	told        bool                            // a close failed by what broke
}

func newTestSite(t *testing.T) *testSite {
	t.Helper()
	s := &testSite{
		t: t, files: map[string][]byte{},
		topic:    &stream.Topic{Name: "sdk-events", ID: "topic-1", Cluster: "cluster", Partitions: []stream.PartitionInfo{{ID: 0}, {ID: 1}}},
		log:      make([][]events.Record, 2),
		template: &events.Template{TimeZone: zoneName, Precision: 6, Limits: events.DefaultLimits, KeyID: keys.Newest().ID(), SealKey: sealKey.Public().(ed25519.PublicKey), From: october},
		accounts: accountsFile, books: map[string][]byte{"test.yaml": fmt.Appendf(nil, bookFile, "0.50")},
	}
	s.slept = func(context.Context) error { return nil }
	t.Cleanup(s.end)
	return s
}

// open is an event of a device.
func (s *testSite) open(p int, app string, device int, m events.Month, day int) {
	at := time.Date(m.Year(), m.Calendar(), day, 12, 0, 0, 0, time.UTC)
	s.now = at
	s.append(p, fmt.Appendf(nil, `{"specversion":"1.0","type":"miniprogram.open","time":%q,"subject":"d%031x","superapp":%q}`, at.Format(time.RFC3339), device, app))
}

func (s *testSite) append(p int, value []byte) {
	s.log[p] = append(s.log[p], events.Record{Offset: events.Offset(len(s.log[p])), Timestamp: s.now.UnixMilli(), Value: value})
}

// after sets the clock to some days after a month.
func (s *testSite) after(m events.Month, days int) {
	s.now = time.Date(m.Year(), m.Calendar()+1, days, 12, 0, 0, 0, time.UTC)
}

// closer makes a closer; its seal ids follow from the month, so that a run that begins anew is the same.
func (s *testSite) closer(m events.Month) *Closer {
	id := sha256.Sum256([]byte(m.String()))
	return &Closer{
		Site: s, Keys: keys, SealKey: sealKey, Group: s.group, Interval: time.Hour, Version: "test", Log: slog.New(slog.DiscardHandler),
		Terms: Terms{Zone: zoneName, Grace: 24 * time.Hour, Limits: lenient(), From: s.template.From},
		Names: Names{State: "the state", Ledger: "the ledger", Template: "the config", Keys: "the keys"},
		Yes:   s.yes, Clock: testClock{s}, Go: inline, Random: bytes.NewReader(id[:]),
	}
}

func (s *testSite) close(m events.Month) (*closed.Result, error) {
	return s.closer(m).Close(s.t.Context(), m)
}

func (s *testSite) mustClose(m events.Month) *closed.Result {
	s.t.Helper()
	r, err := s.close(m)
	if err != nil {
		s.t.Fatalf("close %s: %v", m, err)
	}
	return r
}

// state is the topic's state past all faults.
func (s *testSite) state() *checkpoint.Topic {
	return checkpoint.OpenTopic(memory{s.files}, s.topic.Name, s.topic.ID)
}

// remove removes the files of the state store whose name has a text in it.
func (s *testSite) remove(text string) {
	s.t.Helper()
	n := len(s.files)
	maps.DeleteFunc(s.files, func(name string, _ []byte) bool { return strings.Contains(name, text) })
	if len(s.files) == n {
		s.t.Fatalf("no file has %s in its name: %v", text, slices.Sorted(maps.Keys(s.files)))
	}
}

func (s *testSite) OpenLedger(ctx context.Context) (l Ledger, err error) {
	if err := s.hangs(ctx, "OpenLedger"); err != nil {
		return nil, err
	}
	err = s.faults.do("OpenLedger", func() error {
		if s.ledger == nil {
			return ledger.ErrMissing
		}
		l = testLedger{s.ledger, &s.faults}
		return nil
	})
	return l, err
}

func (s *testSite) CreateLedger(ctx context.Context) (l Ledger, err error) {
	err = s.faults.do("CreateLedger", func() error {
		if s.ledger != nil {
			return ledger.ErrExists
		}
		s.ledger, s.folder = openEmpty(ctx, s.t)
		l = testLedger{s.ledger, &s.faults}
		return nil
	})
	return l, err
}

// openEmpty makes a real ledger, in memory where there is a folder in memory: what SQLite syncs is not what is tested here.
func openEmpty(ctx context.Context, t *testing.T) (_ *ledger.Ledger, folder string) {
	t.Helper()
	empty, err := emptyLedger()
	if err != nil {
		t.Fatal(err)
	}
	base := "/dev/shm"
	if info, err := os.Stat(base); err != nil || !info.IsDir() {
		base = ""
	}
	if folder, err = os.MkdirTemp(base, "headcount-closing-"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "ledger.db")
	if err := os.WriteFile(file, empty, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ctx, "sqlite://"+file)
	if err != nil {
		t.Fatal(err)
	}
	return l, folder
}

// end closes the ledger, and removes it.
func (s *testSite) end() {
	if s.ledger != nil {
		s.ledger.Close()
		os.RemoveAll(s.folder)
	}
	s.ledger = nil
}

// emptyLedger is a ledger's file: to make one takes longer than a close.
var emptyLedger = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "headcount-closing-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "ledger.db")
	l, err := ledger.Create(context.Background(), "sqlite://"+file)
	if err != nil {
		return nil, err
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

func (s *testSite) Prices() (accounts []byte, books map[string][]byte, err error) {
	err = s.faults.do("Prices", func() error { return nil })
	return []byte(s.accounts), s.books, err
}

func (s *testSite) Connect(ctx context.Context) (c *Connection, err error) {
	if err := s.hangs(ctx, "Connect"); err != nil {
		return nil, err
	}
	err = s.faults.do("Connect", func() error { return nil })
	if err != nil {
		return nil, err
	}
	topic, bucket := *s.topic, faultyBucket{memory{s.files}, &s.faults}
	return &Connection{
		Log: testLog{s}, OwnBroker: s.group == "" && !s.readers, Topic: &topic, State: checkpoint.OpenTopic(bucket, topic.Name, topic.ID), Bucket: bucket,
		Template: s.template, Close: func() {},
	}, nil
}

// testClock is the site's clock; nobody waits.
type testClock struct{ s *testSite }

func (c testClock) Now() time.Time { return c.s.now }

func (c testClock) Until(ctx context.Context, _ time.Time) (context.Context, context.CancelFunc) {
	return ctx, func() {} // a reader with nothing to read says at once that it is late
}

func (c testClock) Outlive(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	return context.WithoutCancel(ctx), func() {}
}

func (c testClock) Sleep(ctx context.Context, d time.Duration) error {
	c.s.now = c.s.now.Add(d)
	if c.s.naps++; c.s.naps > mostNaps {
		return errors.New("it waits without end")
	}
	return errors.Join(c.s.slept(ctx), ctx.Err())
}

// mostNaps is far more than a site's closes sleep.
const mostNaps = 1000

// inline does what goes on beside a worker at once.
func inline(f func() error) worker.Task { return done{f()} }

type done struct{ err error }

func (done) Ended() bool   { return true }
func (d done) Wait() error { return d.err }

// memory is a state store.
type memory struct{ files map[string][]byte }

func (m memory) Create(_ context.Context, name string, write func(io.Writer) error) error {
	if m.files[name] != nil {
		return fmt.Errorf("%s: %w", name, checkpoint.ErrExists)
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	m.files[name] = b.Bytes()
	return nil
}

func (m memory) Open(_ context.Context, name string) (checkpoint.File, error) {
	text, ok := m.files[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, checkpoint.ErrNotFound)
	}
	return memoryFile{bytes.NewReader(text)}, nil
}

func (m memory) List(_ context.Context, prefix string) ([]string, error) {
	names := slices.Sorted(maps.Keys(m.files))
	return slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, prefix) }), nil
}

func (m memory) Delete(_ context.Context, name string) error {
	delete(m.files, name)
	return nil
}

type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }

// lenient holds for wrong clocks of more than half of an app's events, and for no dead letters.
func lenient() usage.Limits {
	l := usage.DefaultLimits()
	half := decimal.New(5, -1)
	l.HoldLeast, l.SkewLimit.Decimal, l.RejectLimit.Decimal = 1, half, half
	return l
}
