package amend_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"headcount/counter/checkpoint"
	"headcount/endtoend/reporter"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rating/ratingtest"
	"headcount/rollup/closed"
	"headcount/rollup/closing"
	"headcount/rollup/usage"
)

const (
	october  = events.Month(2026*12 + 9)
	november = october + 1
)

var (
	sealKey = ed25519.NewKeyFromSeed([]byte("a seed of thirty-two bytes, fine"))
	keys    = identity.NewKeyring(identity.NewGUIDKey([16]byte([]byte("sixteen bytes ok"))))
)

// site is one partition of a log and a state store in memory, and a ledger, whose months the product closes.
type site struct {
	*testing.T
	ledger   *ledger.Ledger
	records  []events.Record
	files    store
	template *events.Template
	now      time.Time
}

func newSite(t *testing.T) *site {
	t.Helper()
	l, err := ledger.Create(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &site{T: t, ledger: l, files: store{}, template: &events.Template{
		TimeZone: "UTC", Precision: 6, Limits: events.DefaultLimits, KeyID: keys.Newest().ID(), SealKey: sealKey.Public().(ed25519.PublicKey), Reporters: reporter.All("gw", "gw-2"),
	}}
}

// report is what a source signs for a day of a month, or with day 0 for the month.
func (s *site) report(app, source string, m events.Month, day, value int) {
	of := ""
	if day > 0 {
		of = fmt.Sprintf(`"day":"%s-%02d",`, m, day)
	}
	s.append(reporter.Sign(fmt.Appendf(nil, `{"type":"usage.reported","superapp":%q,"meter":"calls","month":%q,%s"source":%q,"value":"%d"}`, app, m, of, source, value), s.template.SealKey), m)
}

// open is an event of a device.
func (s *site) open(app string, device int, m events.Month) {
	s.append(fmt.Appendf(nil, `{"type":"miniprogram.open","superapp":%q,"subject":"%032x"}`, app, device), m)
}

func (s *site) append(value []byte, m events.Month) {
	at := time.Date(m.Year(), m.Calendar(), 20, 0, 0, 0, 0, time.UTC)
	s.records = append(s.records, events.Record{Offset: events.Offset(len(s.records)), Timestamp: at.UnixMilli(), Value: value})
}

// close closes a month and returns the invoices that it made of it and of the month before.
func (s *site) close(m events.Month) []rating.Invoice {
	s.Helper()
	s.now = time.Date(m.Year(), m.Calendar()+1, 3, 0, 0, 0, 0, time.UTC)
	c := &closing.Closer{
		Site: s, Keys: keys, SealKey: sealKey, Interval: time.Hour, Log: slog.New(slog.DiscardHandler), Clock: clock{worker.Host{}, s.now},
		Terms: closing.Terms{Zone: "UTC", Grace: time.Hour, Limits: usage.DefaultLimits()},
	}
	r, err := c.Close(s.Context(), m)
	if err != nil {
		s.Fatal(err)
	}
	invoices, err := closed.Decode(append(r.Invoices, r.Late...))
	if err != nil {
		s.Fatal(err)
	}
	return invoices
}

// closed opens a closed month.
func (s *site) closed(m events.Month) *closed.Month {
	s.Helper()
	c, err := closed.Open(s.Context(), s.ledger, s.files, m)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(c.Close)
	return c
}

// bookAt is the book with another price of a call.
func bookAt(price string) map[string][]byte {
	return map[string][]byte{"test.yaml": []byte(strings.Replace(ratingtest.Calls, `unit_price: "0.01"`, `unit_price: "`+price+`"`, 1))}
}

// The site is a closing.Site; its log is one partition.

type kept struct{ *ledger.Ledger }

func (kept) Close() error { return nil }

func (s *site) OpenLedger(context.Context) (closing.Ledger, error)   { return kept{s.ledger}, nil }
func (s *site) CreateLedger(context.Context) (closing.Ledger, error) { return nil, ledger.ErrExists }
func (s *site) Prices() ([]byte, map[string][]byte, error) {
	return []byte(ratingtest.CallsAccounts), bookAt("0.01"), nil
}

func (s *site) topic() *stream.Topic {
	return &stream.Topic{Name: "sdk-events", ID: "topic-1", Cluster: "cluster", Partitions: []stream.PartitionInfo{{ID: 0}}}
}

func (s *site) Connect(context.Context) (*closing.Connection, error) {
	t := s.topic()
	return &closing.Connection{
		Log: log{s}, OwnBroker: true, Topic: t, State: checkpoint.OpenTopic(s.files, t.Name, t.ID), Bucket: s.files, Template: s.template, Close: func() {},
	}, nil
}

type log struct{ s *site }

func (l log) PartitionOffsets(context.Context, events.Partition) (stream.Offsets, bool, error) {
	n := events.Offset(len(l.s.records))
	return stream.Offsets{End: n, Stable: n}, true, nil
}

func (l log) Offsets(ctx context.Context) (map[events.Partition]stream.Offsets, error) {
	o, _, err := l.PartitionOffsets(ctx, 0)
	return map[events.Partition]stream.Offsets{0: o}, err
}

func (log) Members(context.Context) ([]stream.GroupMember, error)              { return nil, nil }
func (log) Verify(context.Context, events.Partition, stream.Position) error    { return nil }
func (log) Commit(context.Context, map[events.Partition]events.Offset) error   { return nil }
func (log) Committed(context.Context, events.Partition) (events.Offset, error) { return -1, nil }
func (l log) NewReader(context.Context) worker.Reader                          { return reader(l) }

func (l log) Produce(_ context.Context, messages []stream.Message) error {
	for _, m := range messages {
		if m.Topic == "" {
			l.s.records = append(l.s.records, events.Record{Offset: events.Offset(len(l.s.records)), Timestamp: m.Time.UnixMilli(), Value: m.Value})
		}
	}
	return nil
}

type reader struct{ s *site }

func (reader) Close() {}
func (r reader) Open(_ events.Partition, at stream.Position) worker.PartitionReader {
	return &reading{r.s, at.Offset}
}

// reading hands out what there is in one batch.
type reading struct {
	s    *site
	next events.Offset
}

func (*reading) Close() {}
func (r *reading) Next(ctx context.Context) (*stream.Batch, error) {
	end := events.Offset(len(r.s.records))
	if r.next >= end {
		return nil, context.DeadlineExceeded
	}
	b := &stream.Batch{Records: r.s.records[r.next:end], Base: r.next, Next: end, End: end}
	r.next = end
	return b, ctx.Err()
}

// clock stands still and waits for nothing.
type clock struct {
	worker.Host
	at time.Time
}

func (c clock) Now() time.Time                                 { return c.at }
func (clock) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func (clock) Until(ctx context.Context, _ time.Time) (context.Context, context.CancelFunc) {
	return ctx, func() {} // who has nothing to read says at once that it is late
}

// store is a state store.
type store map[string][]byte

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func (s store) Create(_ context.Context, name string, write func(io.Writer) error) error {
	if s[name] != nil {
		return checkpoint.ErrExists
	}
	var b bytes.Buffer
	err := write(&b)
	s[name] = b.Bytes()
	return err
}

func (s store) Open(_ context.Context, name string) (checkpoint.File, error) {
	text, ok := s[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, checkpoint.ErrNotFound)
	}
	return file{bytes.NewReader(text)}, nil
}

func (s store) List(_ context.Context, prefix string) ([]string, error) {
	names := slices.Sorted(maps.Keys(s))
	return slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, prefix) }), nil
}

func (s store) Delete(_ context.Context, name string) error {
	delete(s, name)
	return nil
}
