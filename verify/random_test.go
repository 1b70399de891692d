package verify

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/counter/checkpoint"
	benchmonth "headcount/endtoend/month"
	"headcount/endtoend/reporter"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rating"
	"headcount/rating/catalog"
	"headcount/rating/ledger"
	"headcount/rollup/closing"
	"headcount/rollup/usage"
	"headcount/verify/chain"
	"headcount/verify/recount"
	"headcount/verify/report"
)

var randomCases = flag.Int("random-cases", 25, "random sites, of two months each, that both implementations close and verify")

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

// bucket keeps a state store in memory.
type bucket struct {
	memory
	mu *sync.Mutex
}

type bucketFile struct{ *bytes.Reader }

func (bucketFile) Close() error { return nil }

func (b bucket) Create(_ context.Context, name string, write func(io.Writer) error) error {
	var text bytes.Buffer
	if err := write(&text); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.memory[name]; ok {
		return checkpoint.ErrExists
	}
	b.memory[name] = text.Bytes()
	return nil
}

func (b bucket) List(ctx context.Context, prefix string) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.memory.List(ctx, prefix)
}

func (b bucket) Open(_ context.Context, name string) (checkpoint.File, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	text, ok := b.memory[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, checkpoint.ErrNotFound)
	}
	return bucketFile{bytes.NewReader(text)}, nil
}

func (b bucket) Delete(_ context.Context, name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.memory, name)
	return nil
}

// log keeps a topic in memory: each partition's records.
type memoryLog [][]events.Record

func (l memoryLog) offsets(p events.Partition) stream.Offsets {
	n := events.Offset(len(l[p]))
	return stream.Offsets{End: n, Stable: n}
}

func (l memoryLog) PartitionOffsets(_ context.Context, p events.Partition) (stream.Offsets, bool, error) {
	return l.offsets(p), true, nil
}

func (l memoryLog) Offsets(context.Context) (map[events.Partition]stream.Offsets, error) {
	all := map[events.Partition]stream.Offsets{}
	for p := range l {
		id := events.Partition(p)
		all[id] = l.offsets(id)
	}
	return all, nil
}

func (memoryLog) Members(context.Context) ([]stream.GroupMember, error)              { return nil, nil }
func (memoryLog) Verify(context.Context, events.Partition, stream.Position) error    { return nil }
func (memoryLog) Commit(context.Context, map[events.Partition]events.Offset) error   { return nil }
func (memoryLog) Committed(context.Context, events.Partition) (events.Offset, error) { return -1, nil }
func (l memoryLog) NewReader(context.Context) worker.Reader                          { return memoryReader{l} }

func (l memoryLog) Produce(_ context.Context, messages []stream.Message) error {
	for _, m := range messages {
		if m.Topic == "" {
			l.append(int(m.Partition), events.Record{Timestamp: m.Time.UnixMilli(), Value: m.Value})
		}
	}
	return nil
}

func (l memoryLog) append(p int, r events.Record) {
	r.Offset = events.Offset(len(l[p]))
	l[p] = append(l[p], r)
}

type memoryReader struct{ log memoryLog }

func (memoryReader) Close() {}
func (r memoryReader) Open(p events.Partition, at stream.Position) worker.PartitionReader {
	return &memoryReading{r.log, p, at.Offset}
}

type memoryReading struct {
	log  memoryLog
	p    events.Partition
	next events.Offset
}

func (*memoryReading) Close() {}
func (r *memoryReading) Next(ctx context.Context) (*stream.Batch, error) {
	end := events.Offset(len(r.log[r.p]))
	if r.next >= end {
		return nil, context.DeadlineExceeded
	}
	b := &stream.Batch{Records: r.log[r.p][r.next:end], Base: r.next, Next: end, End: end}
	r.next = end
	return b, ctx.Err()
}

// hasty is a clock in the future that does not wait.
type hasty struct{ worker.Host }

func (hasty) Now() time.Time                                   { return time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC) }
func (hasty) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// emptyLedger is a ledger's file: to make one takes longer than a case.
var emptyLedger = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "headcount-random-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	l, err := ledger.Create(context.Background(), "sqlite://"+filepath.Join(folder, "ledger.db"))
	if err != nil {
		return nil, err
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(folder, "ledger.db"))
})

// randomSite is where the product closes months in memory.
type randomSite struct {
	log      memoryLog
	bucket   bucket
	topic    *stream.Topic
	template *events.Template
	keys     string
	sealKey  ed25519.PrivateKey
	accounts string
	books    map[string][]byte
	limits   usage.Limits // past what invoices are held
	file     string
}

func (s *randomSite) OpenLedger(ctx context.Context) (closing.Ledger, error) {
	l, err := ledger.Open(ctx, "sqlite://"+s.file)
	if err == nil {
		l.UseZones(events.LoadZone)
	}
	return l, err
}
func (s *randomSite) CreateLedger(ctx context.Context) (closing.Ledger, error) {
	return nil, ledger.ErrExists
}
func (s *randomSite) Prices() ([]byte, map[string][]byte, error) {
	return []byte(s.accounts), s.books, nil
}
func (s *randomSite) Connect(context.Context) (*closing.Connection, error) {
	topic := *s.topic
	return &closing.Connection{Log: s.log, OwnBroker: true, Topic: &topic, State: checkpoint.OpenTopic(s.bucket, topic.Name, topic.ID), Bucket: s.bucket, Template: s.template, Close: func() {}}, nil
}

// plans are all that the five books sell by the month.
var plans = []string{"tcmpp/pro", "tcmpp/enterprise", "tcmpp/poc-pro", "tcsas/professional", "tcsas/enterprise", "tcsas/minigame", "tcsas/exclusive", "tcsas/poc",
	"chat/standard", "chat/premium", "im/trial", "im/pro", "im/flagship", "mpaas/standard"}

// randomAccounts bills some of five apps.
func randomAccounts(rnd *rand.Rand) string {
	var b strings.Builder
	b.WriteString("accounts:\n")
	n := 0
	for app := 1; app <= 5; app++ {
		if rnd.IntN(6) == 0 {
			continue
		}
		n++
		plan := plans[rnd.IntN(len(plans))]
		fmt.Fprintf(&b, "  - id: account-%d\n    apps: [app-%03d]\n    plan: %s\n    from: 2025-0%d-0%d\n", app, app, plan, 1+rnd.IntN(6), 1+rnd.IntN(9))
		if strings.HasPrefix(plan, "chat") {
			b.WriteString("    until: 2027-01-01\n")
		} else if rnd.IntN(4) == 0 {
			other := plans[rnd.IntN(len(plans))]
			if other != plan && strings.Split(other, "/")[0] == strings.Split(plan, "/")[0] && !strings.HasSuffix(plan, "trial") && !strings.HasSuffix(other, "trial") {
				fmt.Fprintf(&b, "    changes: [{at: 2025-0%d-1%d, plan: %s}]\n", 7+rnd.IntN(2), rnd.IntN(9), other)
			}
		}
		if rnd.IntN(3) == 0 {
			b.WriteString("    late: report\n")
		}
		if rnd.IntN(2) == 0 {
			fmt.Fprintf(&b, "    name: Account %d\n    legal: {address: [Street 1, City], tax_id: X%d}\n    contact: a@b\n    po: \"%d\"\n    tags: [a, b]\n", app, app, app)
		}
		if rnd.IntN(2) == 0 {
			fmt.Fprintf(&b, "    tax: {rate: \"%s\", note: VAT}\n    terms: net %d\n", []string{"19%", "0.0825", "0%", "7.7%"}[rnd.IntN(4)], rnd.IntN(40))
		}
		meters := map[string][]string{"tcmpp": {"mau"}, "tcsas": {"mau"}, "chat": {"mau"}, "im": {"peak_dau", "peak_groups"}, "mpaas": {"push", "h5", "gateway_calls", "release"}}[strings.Split(plan, "/")[0]]
		var overrides []string
		for _, m := range meters {
			if rnd.IntN(2) == 0 {
				overrides = append(overrides, fmt.Sprintf("%s.free: \"%d\"", m, rnd.IntN(8)))
			}
		}
		if len(overrides) > 0 && !strings.Contains(plan, "poc") && !strings.HasSuffix(plan, "trial") {
			fmt.Fprintf(&b, "    overrides: {%s}\n", strings.Join(overrides, ", "))
		}
		if plan == "mpaas/standard" && rnd.IntN(2) == 0 {
			fmt.Fprintf(&b, "    packages: [{item: push, quantity: \"%d\", price: \"9\", bought: 2025-0%d-1%d}, {item: gateway_calls, quantity: \"10000000\", price: \"60\", bought: 2025-07-2%d}]\n", 1+rnd.IntN(9), 6+rnd.IntN(3), rnd.IntN(9), rnd.IntN(9))
		}
	}
	if n == 0 {
		return "accounts: []\n"
	}
	return b.String()
}

func newRandomSite(t testing.TB, rnd *rand.Rand) *randomSite {
	t.Helper()
	s := &randomSite{bucket: bucket{memory{}, &sync.Mutex{}}, keys: identity.GenerateGUIDKey(), accounts: randomAccounts(rnd)}
	s.log = make(memoryLog, 1+rnd.IntN(4))
	share := func() usage.Share {
		x, err := usage.ParseShare(fmt.Sprintf("0.%02d", rnd.IntN(40)))
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	s.limits = usage.DefaultLimits()
	s.limits.HoldLeast, s.limits.SkewLimit, s.limits.RejectLimit, s.limits.QuantityJump = uint64(rnd.IntN(25)), share(), share(), uint64(rnd.IntN(4))
	s.topic = &stream.Topic{Name: "t", ID: "topic-id", Cluster: "cluster"}
	for p := range s.log {
		s.topic.Partitions = append(s.topic.Partitions, stream.PartitionInfo{ID: events.Partition(p)})
	}
	ring, err := identity.ParseKeyring([]byte(s.keys))
	if err != nil {
		t.Fatal(err)
	}
	var public ed25519.PublicKey
	public, s.sealKey, _ = ed25519.GenerateKey(nil)
	zone := []string{"UTC", "Asia/Shanghai", "America/New_York"}[rnd.IntN(3)]
	s.template = &events.Template{TimeZone: zone, Types: map[string]string{"scan": "scan"}, Precision: 8, Limits: events.DefaultLimits, KeyID: ring.Newest().ID(), SealKey: public, Reporters: reporter.All(append(benchmonth.Reporters[:2:2], "s0", "s1")...)}
	if rnd.IntN(4) == 0 {
		s.template.Limits.AppsPerPartition, s.template.Limits.QuantitySources, s.template.Limits.RecordBytes = 1+rnd.IntN(5), 1+rnd.IntN(3), 300+rnd.IntN(200)
	}
	books, err := catalog.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	s.books = books.Documents()
	file, err := emptyLedger()
	if err != nil {
		t.Fatal(err)
	}
	folder := ""
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		folder = "/dev/shm" // what SQLite syncs is not what is tested here
	}
	if folder, err = os.MkdirTemp(folder, "headcount-random-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) }) // where it fails
	s.file = filepath.Join(folder, "ledger.db")
	if err := os.WriteFile(s.file, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// send makes records of a month, and leaves them in any order within a few places, in any partition now and then.
func (s *randomSite) send(t testing.TB, rnd *rand.Rand, month string, n int) {
	t.Helper()
	zone, err := time.LoadLocation(s.template.TimeZone)
	if err != nil {
		t.Fatal(err)
	}
	g, err := benchmonth.New(benchmonth.Config{Month: month, Zone: zone, Events: n, Devices: 1 + n/4, Apps: 5, Seed: rnd.Uint64(), Logins: 0.2, Components: 0.2, Reported: 0.15, SealKey: s.template.SealKey, Odd: 0.15, Binary: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	var rec benchmonth.Record
	for g.Next(&rec) {
		if rnd.IntN(20) == 0 {
			s.report(rnd, month, rec.Timestamp)
		}
		r := events.Record{Timestamp: rec.Timestamp, Key: bytes.Clone(rec.Key), Value: bytes.Clone(rec.Value), HeaderCount: len(rec.Headers)}
		for _, h := range rec.Headers {
			r.Headers = events.EncodeHeader(r.Headers, h.Name, h.Value)
		}
		p := 0
		for _, c := range rec.Key {
			p = (p*31 + int(c)) % 1009
		}
		if rnd.IntN(20) == 0 {
			p = rnd.IntN(100)
		}
		s.log.append(p%len(s.log), r)
	}
}

// report sends a quantity that may be reported again, with another revision.
func (s *randomSite) report(rnd *rand.Rand, month string, at int64) {
	day := ""
	if rnd.IntN(3) == 0 {
		day = fmt.Sprintf(`"day":"%s-0%d",`, month, 1+rnd.IntN(3))
	}
	text := fmt.Sprintf(`{"specversion":"1.0","type":"usage.reported","source":"s%d","id":"1","superapp":"app-%03d","meter":"%s","month":"%s",%s"revision":%d,"value":"%d"}`,
		rnd.IntN(2), 1+rnd.IntN(5), []string{"gateway_calls", "peak_groups"}[rnd.IntN(2)], month, day, rnd.IntN(4), rnd.IntN(300_000))
	s.log.append(rnd.IntN(len(s.log)), events.Record{Timestamp: at, Value: reporter.Sign([]byte(text), s.template.SealKey)})
}

func (s *randomSite) close(t testing.TB, m events.Month) {
	t.Helper()
	ring, err := identity.ParseKeyring([]byte(s.keys))
	if err != nil {
		t.Fatal(err)
	}
	terms := closing.Terms{Zone: s.template.TimeZone, Grace: 24 * time.Hour, Limits: s.limits, Issuer: &rating.Issuer{Name: "Issuer", Terms: "net 30", Invoice: "INV-{month}-{n:4}", Credit: "CN{year}-{n}"}}
	closer := &closing.Closer{Site: s, Keys: ring, SealKey: s.sealKey, Terms: terms, OpenBooks: true, Interval: 10 * time.Second, Log: slog.New(slog.DiscardHandler), Clock: hasty{}}
	if _, err := closer.Close(t.Context(), m); err != nil {
		t.Fatalf("close %s: %v\n%s", m, err, s.accounts)
	}
}

// reading is what of the log a verification reads.
type reading string

const (
	fromSeals  reading = "seals"
	whole      reading = "offset 0"
	fromSealed reading = "sealed"
)

// verify runs the other implementation over the log, or over the sealed files alone.
func (s *randomSite) verify(t testing.TB, m events.Month, how reading, facts int) *report.Report {
	t.Helper()
	l, err := chain.Open(t.Context(), "sqlite://"+s.file)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	der, err := x509.MarshalPKIXPublicKey(s.sealKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Month: m.String(), Ledger: l, Config: recount.Config{
		Log: s.log, Files: s.bucket.memory, Keys: []byte(s.keys), SealKey: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), Facts: facts,
		Folder: filepath.Dir(s.file),
	}}
	if c.All = how == whole; how == fromSealed {
		c.Log = nil
	}
	r, err := Run(t.Context(), c)
	if err != nil {
		t.Fatalf("verify %s: %v\n%s", m, err, s.accounts)
	}
	return r
}

// Read implements the second implementation's recount.Log.
func (l memoryLog) Read(_ context.Context, closing *chain.Closing, from map[int32]int64, take recount.Take, _ recount.Refuse) (map[int32]int64, error) {
	ends := map[int32]int64{}
	for _, id := range closing.Partitions {
		if len(l[id]) == 0 {
			ends[id] = 0
			continue
		}
		start := int64(l[id][0].Offset)
		if start > from[id] { // what lay before is gone
			return nil, recount.StartError{Partition: id, Offset: start, Want: from[id]}
		}
		ends[id] = start + int64(len(l[id]))
		for i := from[id] - start; i < int64(len(l[id])); i++ {
			more, err := take(kafkaRecord(&l[id][i], id))
			if err != nil {
				return nil, err
			}
			if !more {
				break
			}
		}
	}
	return ends, nil
}

func (s *randomSite) remove() { os.RemoveAll(filepath.Dir(s.file)) }

func kafkaRecord(r *events.Record, partition int32) *kgo.Record {
	k := &kgo.Record{Partition: partition, Offset: int64(r.Offset), Timestamp: time.UnixMilli(r.Timestamp), Key: r.Key, Value: r.Value}
	headers := r.EncodedHeaders()
	for range r.HeaderCount {
		name, value, ok := headers.Next()
		if !ok {
			break
		}
		k.Headers = append(k.Headers, kgo.RecordHeader{Key: string(name), Value: value})
	}
	return k
}

// TestRandomMonths has the product close random months of random accounts on all five books, and the other implementation verify
// each, with the log and without: honest months never fail.
func TestRandomMonths(t *testing.T) {
	cases := *randomCases
	if testing.Short() {
		cases = min(cases, 4)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	checked, months := map[string]int64{}, 0
	for i := range cases {
		rnd := rand.New(rand.NewPCG(seed, uint64(i)))
		s := newRandomSite(t, rnd)
		first := events.MonthOf(2025, 7)
		last := first + 1 + events.Month(rnd.IntN(3))
		for m := first; m <= last; m++ {
			if m < last && rnd.IntN(4) == 0 { // clocks that are ahead of the log: their month begins before seals of earlier ones
				s.send(t, rnd, (m + 1 + events.Month(rnd.IntN(2))).String(), 1+rnd.IntN(20))
			}
			s.send(t, rnd, m.String(), 20+rnd.IntN(250))
			if m > first && rnd.IntN(3) == 0 { // the topic grows: what comes late in a new partition lies where no closing was
				s.topic.Partitions = append(s.topic.Partitions, stream.PartitionInfo{ID: events.Partition(len(s.log))})
				s.log = append(s.log, nil)
			}
			if m > first {
				s.send(t, rnd, (m - 1).String(), rnd.IntN(60)+1) // late
				s.send(t, rnd, first.String(), rnd.IntN(20)+1)   // in the end expired
			}
			s.close(t, m)
		}
		for m := first; m <= last; m++ {
			months++
			for _, how := range []reading{fromSeals, whole, fromSealed} {
				facts := 0
				if rnd.IntN(3) == 0 {
					facts = 1 + rnd.IntN(40) // sorted files on disk
				}
				r := s.verify(t, m, how, facts)
				for _, c := range r.Checks {
					checked[c.What] += c.Checked
				}
				if !r.OK {
					t.Fatalf("seed %d, case %d, %s, from %s: %v\n%s", seed, i, m, how, r.Differences, s.accounts)
				}
				if behind := slices.ContainsFunc(r.Notes, func(n string) bool { return strings.HasPrefix(n, "the log was read behind seals") }); behind {
					if checked["read behind seals"]++; how != fromSeals || m < first+2 {
						t.Errorf("seed %d, case %d, %s, from %s: %v", seed, i, m, how, r.Notes)
					}
				}
			}
		}
		s.remove()
	}
	t.Logf("%d months agree; values compared: %v", months, checked)
	for _, what := range []string{"sealed facts", "usage counters", "digests", "meters", "days", "late", "lines", "invoices", "closed records", "ledger chain", "read behind seals", "digests of the month before"} {
		if checked[what] == 0 {
			t.Errorf("nothing was compared of %s", what)
		}
	}
}
