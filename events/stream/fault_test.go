package stream

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"headcount/events"
	"headcount/events/stream/wire"
)

// patience is how long a test waits for what must happen. It only ends what hangs: no machine may be too slow for it.
const patience = 3 * time.Minute

// cluster starts brokers that take faults, with a topic "t".
func cluster(t testing.TB, brokers int, partitions int32) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(brokers), kfake.SeedTopics(partitions, "t"), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// testConfig is a Config, and what only a test wants of the way to the brokers.
type testConfig struct {
	Config
	dial func(ctx context.Context, network, addr string) (net.Conn, error) // a bad line; nil: a good one
	beat time.Duration                                                     // between heartbeats; 0: as the session asks for
}

func dialCluster(t testing.TB, c *kfake.Cluster, change ...func(*testConfig)) *Log {
	t.Helper()
	config := testConfig{Config: Config{Brokers: c.ListenAddrs(), Topic: "t", MetadataInterval: 200 * time.Millisecond, RequestTimeout: 5 * time.Second,
		Logger: slog.New(slog.NewTextHandler(logWriter{t}, nil))}}
	for _, f := range change {
		f(&config)
	}
	return config.reach(t)
}

func (c *testConfig) reach(t testing.TB) *Log {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	filled := c.filled()
	transport := filled.transport()
	transport.Dial = c.dial
	l, err := reach(t.Context(), filled, transport, cmp.Or(c.beat, filled.heartbeat()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// grouped makes a member of a group, which no machine is too slow to remain, and which beats often.
func grouped(c *testConfig) { c.Group, c.SessionTimeout, c.beat = "g", patience, 200*time.Millisecond }

// beats counts the heartbeats that a cluster is sent.
func beats(c *kfake.Cluster) *atomic.Int64 {
	n := &atomic.Int64{}
	c.ControlKey(int16(kmsg.Heartbeat), func(kmsg.Request) (kmsg.Response, error, bool) {
		n.Add(1)
		return nil, nil, false
	})
	return n
}

// more waits until so many more were counted.
func more(t *testing.T, n *atomic.Int64, count int64) {
	t.Helper()
	end, deadline := n.Load()+count, time.Now().Add(patience)
	for n.Load() < end {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d", n.Load(), end)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

type logWriter struct{ t testing.TB }

func (w logWriter) Write(p []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", p)
	}
	return len(p), nil
}

// fill sends n messages numbered from first to a partition, a few at a time.
func fill(t testing.TB, l *Log, partition events.Partition, first, n int) {
	t.Helper()
	for n > 0 {
		var ms []Message
		for range min(n, 7) {
			ms = append(ms, Message{Partition: partition, Value: fmt.Appendf(nil, "value-%d", first)})
			first++
			n--
		}
		if err := l.Produce(t.Context(), ms); err != nil {
			t.Fatal(err)
		}
	}
}

// expect reads messages first to end of a partition, each once and in order.
func expect(t testing.TB, p *PartitionReader, first, end int) Position {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		b, err := p.Next(ctx)
		if err != nil {
			t.Fatalf("partition %d before %d: %v", p.id, first, err)
		}
		for _, r := range b.Records {
			if got, want := string(r.Value), fmt.Sprintf("value-%d", first); got != want || r.Offset != events.Offset(first) {
				t.Fatalf("partition %d offset %d: %q, want %q", p.id, r.Offset, got, want)
			}
			first++
		}
		if b.Next >= events.Offset(end) {
			if first != end {
				t.Fatalf("partition %d: read up to %d, want %d", p.id, first, end)
			}
			return b.Position()
		}
	}
}

var beginning = Position{BatchOffset: -1, LeaderEpoch: -1}

// Every error that can pass is passed, whatever asks.
func TestPassingErrors(t *testing.T) {
	c := cluster(t, 2, 2)
	l := dialCluster(t, c)
	fill(t, l, 0, 0, 50)
	for _, e := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.UnknownTopicOrPartition, kerr.FencedLeaderEpoch,
		kerr.UnknownLeaderEpoch, kerr.ReplicaNotAvailable, kerr.KafkaStorageError, kerr.UnknownServerError, kerr.OffsetNotAvailable,
		kerr.UnknownTopicID, kerr.InconsistentTopicID, kerr.CorruptMessage, {Code: 9999, Message: "NOBODY_KNOWS"}} {
		t.Run(e.Message, func(t *testing.T) {
			h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "t", Err: e, Count: 3},
				kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "t", Err: e, Count: 2})
			defer h.Remove()
			r := l.NewReader(t.Context())
			defer r.Close()
			p := r.Open(0, beginning)
			defer p.Close()
			at := expect(t, p, 0, 50)
			if err := l.Verify(t.Context(), 0, at); err != nil {
				t.Error(err)
			}
			if h.Hits() < 4 {
				t.Errorf("%d faults met", h.Hits())
			}
		})
	}
}

func TestProduceThroughErrors(t *testing.T) {
	c := cluster(t, 2, 1)
	n := 0
	l := dialCluster(t, c)
	// Those after which the broker has the messages are as good as those after which it has not.
	for _, e := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut,
		kerr.UnknownTopicOrPartition, kerr.KafkaStorageError, kerr.UnknownServerError, {Code: 9999, Message: "NOBODY_KNOWS"}} {
		h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: e, Count: 3})
		fill(t, l, 0, n, 20)
		n += 20
		if h.Hits() != 3 {
			t.Errorf("%s: %d faults met", e.Message, h.Hits())
		}
	}
	r := l.NewReader(t.Context())
	defer r.Close()
	expect(t, r.Open(0, beginning), 0, n)
}

func TestFinalErrors(t *testing.T) {
	c := cluster(t, 1, 1)
	l := dialCluster(t, c)
	fill(t, l, 0, 0, 5)
	h := c.Fault(kfake.Fault{Topic: "t", Keys: []kmsg.Key{kmsg.Fetch, kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	defer h.Remove()
	r := l.NewReader(t.Context())
	defer r.Close()
	_, err := r.Open(0, beginning).Next(t.Context())
	var refused *BrokerError
	if !errors.As(err, &refused) || refused.Code != 29 || wire.Retriable(err) {
		t.Errorf("read: %v", err)
	}
	err = l.Produce(t.Context(), []Message{{Value: []byte("x")}})
	if !errors.As(err, &refused) || refused.Code != 29 {
		t.Errorf("produce: %v", err)
	}
}

func TestProduceSplitsWhatIsTooLarge(t *testing.T) {
	c := cluster(t, 1, 1)
	l := dialCluster(t, c)
	if _, err := l.CreateTopic(t.Context(), "small", 1, map[string]string{"max.message.bytes": "2000"}); err != nil {
		t.Fatal(err)
	}
	var ms []Message
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		b := make([]byte, 300)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		ms = append(ms, Message{Topic: "small", Value: b})
	}
	if err := l.Produce(t.Context(), ms); err != nil {
		t.Fatal(err)
	}
	if end := c.PartitionInfo("small", 0).HighWatermark; end != 100 {
		t.Errorf("end %d, want 100", end)
	}
	err := l.Produce(t.Context(), []Message{{Topic: "small", Value: bytes.Repeat([]byte{1, 2, 3, byte(rng.Uint32())}, 1)}, {Topic: "small", Value: randomBytes(rng, 3000)}})
	if wire.CodeOf(err) != wire.CodeTooLarge {
		t.Errorf("one that does not fit: %v", err)
	}
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// Leaders move while records are written and read.
func TestLeadersMove(t *testing.T) {
	c := cluster(t, 3, 4)
	l := dialCluster(t, c)
	const n = 8000
	r := l.NewReader(t.Context())
	defer r.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for p := range events.Partition(4) {
			fill(t, l, p, 0, n)
		}
	}()
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		for range 30 {
			time.Sleep(20 * time.Millisecond)
			c.ShufflePartitionLeaders()
		}
	}()
	for p := range events.Partition(4) {
		pr := r.Open(p, beginning)
		expect(t, pr, 0, n)
		pr.Close()
	}
	<-done
	<-moved
}

func TestGap(t *testing.T) {
	c := cluster(t, 1, 1)
	l := dialCluster(t, c)
	fill(t, l, 0, 0, 70)
	r := l.NewReader(t.Context())
	defer r.Close()
	p := r.Open(0, beginning)
	at := expect(t, p, 0, 70)
	if err := c.DeleteRecords("t", 0, 42); err != nil {
		t.Fatal(err)
	}
	if err := l.Verify(t.Context(), 0, at); err != nil {
		t.Errorf("what was read before it was deleted is no gap: %v", err)
	}
	p.Close()
	p = r.Open(0, Position{Offset: 41, BatchOffset: -1})
	_, err := p.Next(t.Context())
	var gap *GapError
	if !errors.As(err, &gap) || gap.Want != 41 || gap.Start != 42 || gap.End != 70 {
		t.Errorf("error %v", err)
	}
	if _, again := p.Next(t.Context()); !errors.Is(again, err) {
		t.Errorf("then %v", again)
	}
	if err := l.Verify(t.Context(), 0, Position{Offset: 41, BatchOffset: 35}); !errors.As(err, &gap) {
		t.Errorf("verify: %v", err)
	}
	p.Close()
	expectFrom := r.Open(0, Position{Offset: 42, BatchOffset: -1})
	expect(t, expectFrom, 42, 70)
}

func TestTruncated(t *testing.T) {
	c := cluster(t, 1, 1)
	l := dialCluster(t, c)
	fill(t, l, 0, 0, 14)
	r := l.NewReader(t.Context())
	defer r.Close()
	p := r.Open(0, beginning)
	at := expect(t, p, 0, 14)
	p.Close()
	_, err := r.Open(0, Position{Offset: 15, BatchOffset: -1}).Next(t.Context())
	var truncated *TruncatedError
	if !errors.As(err, &truncated) || truncated.Want != 15 || truncated.End != 14 {
		t.Errorf("past the end: %v", err)
	}
	for name, wrong := range map[string]Position{
		"past the end":  {Offset: 15, BatchOffset: -1},
		"another CRC":   {Offset: 14, BatchOffset: at.BatchOffset, BatchCRC: at.BatchCRC + 1},
		"another batch": {Offset: 14, BatchOffset: at.BatchOffset + 1, BatchCRC: at.BatchCRC},
	} {
		if err := l.Verify(t.Context(), 0, wrong); !errors.As(err, &truncated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := l.Verify(t.Context(), 0, at); err != nil {
		t.Errorf("as read: %v", err)
	}
}

func TestRecreated(t *testing.T) {
	for name, n := range map[string]int{"empty": 0, "shorter": 7, "as long": 14, "longer": 28} {
		t.Run(name, func(t *testing.T) { recreated(t, n) })
	}
}

// recreated has a topic of 14 records, all read, made again with n others.
func recreated(t *testing.T, n int) {
	c := cluster(t, 1, 1)
	l := dialCluster(t, c)
	fill(t, l, 0, 0, 14)
	r := l.NewReader(t.Context())
	defer r.Close()
	p := r.Open(0, beginning)
	at := expect(t, p, 0, 14)
	if err := c.DeleteTopic("t"); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateTopic("t", 1, nil); err != nil {
		t.Fatal(err)
	}
	fill(t, dialCluster(t, c), 0, 100, n)
	var recreated *RecreatedError
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := p.Next(ctx); !errors.As(err, &recreated) {
		t.Errorf("read: %v", err)
	}
	if _, err := r.Open(0, at).Next(ctx); !errors.As(err, &recreated) {
		t.Errorf("opened again: %v", err)
	}
	if err := l.Verify(ctx, 0, at); !errors.As(err, &recreated) {
		t.Errorf("verify: %v", err)
	}
	if _, err := l.Describe(ctx); !errors.As(err, &recreated) {
		t.Errorf("describe: %v", err)
	}
	if err := l.Assign(ctx, nobody{}); !errors.As(err, &recreated) {
		t.Errorf("assign: %v", err)
	}
	var truncated *TruncatedError
	if err := dialCluster(t, c).Verify(ctx, 0, at); !errors.As(err, &truncated) {
		t.Errorf("verify by one who never saw the old: %v", err)
	}
}

type nobody struct{}

func (nobody) Assigned([]events.Partition) {}
func (nobody) Revoked([]events.Partition)  {}

// spoiler is a line that changes a word on its way, as often as told.
type spoiler struct {
	net.Conn
	left *atomic.Int32
}

func (s spoiler) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if i := bytes.Index(p[:n], []byte("POISON")); i >= 0 && s.left.Add(-1) >= 0 {
		p[i] = 'p'
	}
	return n, err
}

func TestSpoiltOnTheWay(t *testing.T) {
	for _, times := range []int32{2, 1000} {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			c := cluster(t, 1, 1)
			var left atomic.Int32
			left.Store(times)
			l := dialCluster(t, c, func(c *testConfig) {
				c.Compression = "none"
				c.dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
					conn, err := new(net.Dialer).DialContext(ctx, network, addr)
					return spoiler{conn, &left}, err
				}
			})
			for _, v := range []string{"before", "POISON", "after"} {
				if err := l.Produce(t.Context(), []Message{{Value: []byte(v)}}); err != nil {
					t.Fatal(err)
				}
			}
			r := l.NewReader(t.Context())
			defer r.Close()
			p := r.Open(0, beginning)
			var got []string
			for len(got) < 3 {
				b, err := p.Next(t.Context())
				if err != nil {
					var corrupt *CorruptError
					if times == 2 || !errors.As(err, &corrupt) || corrupt.Offset != 1 || fmt.Sprint(got) != "[before]" {
						t.Errorf("after %q: %v", got, err)
					}
					return
				}
				for _, r := range b.Records {
					got = append(got, string(r.Value))
				}
			}
			if times != 2 || fmt.Sprint(got) != "[before POISON after]" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// breaker is a line that breaks after so many bytes.
type breaker struct {
	net.Conn
	left  int
	broke *atomic.Int32
}

func (b *breaker) count(n int, err error) (int, error) {
	if b.left -= n; b.left < 0 {
		b.broke.Add(1)
		b.Close()
		return n, errors.New("the line broke")
	}
	return n, err
}

func (b *breaker) Read(p []byte) (int, error) { return b.count(b.Conn.Read(p)) }

// Write sends before it breaks: the broker has what the client thinks lost.
func (b *breaker) Write(p []byte) (int, error) { return b.count(b.Conn.Write(p)) }

// Whatever breaks, each record is written once and read once.
func TestLinesBreak(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	c := cluster(t, 2, 2)
	var broke atomic.Int32
	numbers := make(chan int, 60)
	for range cap(numbers) {
		numbers <- 500 + rng.IntN(80000)
	}
	l := dialCluster(t, c, func(c *testConfig) {
		c.Logger = nil
		c.MaxBytes = 64 << 10 // answers that are small against what a line lasts
		c.dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			select {
			case n := <-numbers:
				return &breaker{Conn: conn, left: n, broke: &broke}, nil
			default:
				return conn, nil
			}
		}
	})
	const n = 7000
	done := make(chan struct{})
	for p := range events.Partition(2) {
		go func() {
			defer func() { done <- struct{}{} }()
			fill(t, l, p, 0, n)
		}()
	}
	r := l.NewReader(t.Context())
	defer r.Close()
	for p := range events.Partition(2) {
		go func() {
			defer func() { done <- struct{}{} }()
			pr := r.Open(p, beginning)
			defer pr.Close()
			expect(t, pr, 0, n)
		}()
	}
	for range 4 {
		<-done
	}
	if broke.Load() < 10 {
		t.Errorf("only %d lines broke", broke.Load())
	}
	for p := range events.Partition(2) {
		if end := c.PartitionInfo("t", int32(p)).HighWatermark; end != n {
			t.Errorf("partition %d holds %d records, want %d", p, end, n)
		}
	}
}
