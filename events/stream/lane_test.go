package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"headcount/events"
	"headcount/events/stream/wire"
)

// produceGate holds back the answers to Produce while it is shut, and counts them.
type produceGate struct {
	mu    sync.Mutex
	asked atomic.Int32
}

func (g *produceGate) meddle(x *exchanged) error {
	if x.key == protocol.Produce {
		g.asked.Add(1)
		g.mu.Lock()
		defer g.mu.Unlock()
	}
	return nil
}

func (g *produceGate) waitFor(t *testing.T, asked int32) {
	t.Helper()
	for end := time.Now().Add(patience); g.asked.Load() < asked; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d requests, want %d", g.asked.Load(), asked)
		}
	}
}

// queued waits until so many messages are in the lane of partition 0, those on their way among them.
func queued(t *testing.T, l *Log, messages int) {
	t.Helper()
	w := l.lane(topicPartition{"t", 0})
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		n := 0
		w.mu.Lock()
		for _, p := range w.queue {
			if !p.done {
				n += len(p.messages)
			}
		}
		w.mu.Unlock()
		if n == messages {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d messages wait, want %d", n, messages)
		}
	}
}

// What calls bring while a batch is on its way goes with the next, as one.
func TestCallsShareABatch(t *testing.T) {
	c := cluster(t, 1, 1)
	var g produceGate
	l := dialCluster(t, c, meddled(t, g.meddle))
	g.mu.Lock()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if err := l.Produce(t.Context(), []Message{{Value: fmt.Append(nil, i)}}); err != nil {
				t.Error(err)
			}
		})
		if i == 0 {
			g.waitFor(t, 1)
		}
	}
	queued(t, l, 200)
	g.mu.Unlock()
	wg.Wait()
	if got := g.asked.Load(); got != 2 {
		t.Errorf("%d requests for the first call and the 199 that came meanwhile, want 2", got)
	}
	if end := c.PartitionInfo("t", 0).HighWatermark; end != 200 {
		t.Errorf("%d records, want 200", end)
	}
}

// Linger has what comes first wait for more, until a batch is full or nobody waits for it.
func TestLinger(t *testing.T) {
	c := cluster(t, 1, 1)
	l := dialCluster(t, c, func(c *testConfig) { c.Linger = time.Hour })
	small := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { small <- l.Produce(t.Context(), []Message{{Value: []byte("small")}}) }()
	queued(t, l, 1)
	go func() { // with it there is more than a batch
		_ = l.Produce(ctx, []Message{{Value: make([]byte, batchBytes)}})
	}()
	if err := <-small; err != nil {
		t.Fatal(err)
	}
	cancel()
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := l.Produce(ctx, []Message{{Value: []byte("given up")}}); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

// A refusal is for the call whose messages are refused: those that went with them are written.
func TestARefusalIsForOneCall(t *testing.T) {
	c := cluster(t, 1, 1)
	var g produceGate
	l := dialCluster(t, c, meddled(t, g.meddle))
	if _, err := l.CreateTopic(t.Context(), "small", 1, map[string]string{"max.message.bytes": "2000"}); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	g.mu.Lock()
	var wg sync.WaitGroup
	for i := range 40 {
		size := 100
		if i == 20 {
			size = 3000
		}
		value := randomBytes(rng, size)
		wg.Go(func() {
			err := l.Produce(t.Context(), []Message{{Topic: "small", Value: value}})
			if (err != nil) != (size == 3000) || err != nil && wire.CodeOf(err) != wire.CodeTooLarge {
				t.Errorf("%d bytes: %v", size, err)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	g.mu.Unlock()
	wg.Wait()
	if end := c.PartitionInfo("small", 0).HighWatermark; end != 39 {
		t.Errorf("%d records, want 39", end)
	}
}

// What is refused for everybody is asked for once for all, and once for each: not again and again for those that are left.
func TestARefusalOfAll(t *testing.T) {
	c := cluster(t, 1, 1)
	var g produceGate
	l := dialCluster(t, c, meddled(t, g.meddle))
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: kerr.TopicAuthorizationFailed, Count: -1})
	defer h.Remove()
	g.mu.Lock()
	var wg sync.WaitGroup
	for i := range 21 {
		wg.Go(func() {
			if err := l.Produce(t.Context(), []Message{{Value: fmt.Append(nil, i)}}); wire.CodeOf(err) != 29 {
				t.Error(err)
			}
		})
		if i == 0 {
			g.waitFor(t, 1)
		}
	}
	queued(t, l, 21)
	g.mu.Unlock()
	wg.Wait()
	if got := g.asked.Load(); got != 22 {
		t.Errorf("%d requests, want one for the first, one for the others together and 20 for each", got)
	}
}

// A call that is given up takes nothing from those that share its batch, and what of it is not on its way stays unwritten.
func TestGivingUpLeavesOthers(t *testing.T) {
	c := cluster(t, 1, 1)
	var g produceGate
	l := dialCluster(t, c, meddled(t, g.meddle))
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: kerr.NotEnoughReplicas, Count: -1})
	send := func(ctx context.Context, value string) chan error {
		done := make(chan error, 1)
		go func() { done <- l.Produce(ctx, []Message{{Value: []byte(value)}}) }()
		return done
	}
	onItsWay, giveUpFirst := context.WithCancelCause(t.Context())
	waiting, giveUpThird := context.WithCancelCause(t.Context())
	first := send(onItsWay, "first") // alone in a batch: it goes when its call does
	g.waitFor(t, 1)
	second, third := send(t.Context(), "second"), send(waiting, "third")
	queued(t, l, 3)
	gone := errors.New("gone")
	giveUpThird(gone)
	if err := <-third; !errors.Is(err, gone) {
		t.Errorf("given up while it waited: %v", err)
	}
	giveUpFirst(gone)
	if err := <-first; !errors.Is(err, gone) {
		t.Errorf("given up on its way: %v", err)
	}
	h.Remove()
	if err := <-second; err != nil {
		t.Error(err)
	}
	if end := c.PartitionInfo("t", 0).HighWatermark; end != 1 {
		t.Errorf("%d records, want that of the call that waited", end)
	}
}

// A call that is given up while the answer to a part of it comes does not wait for the rest.
func TestGivingUpAsTheAnswerComes(t *testing.T) {
	refused := wire.Refusal(wire.CodeTooLarge, "write to", "t", "")
	for name, answer := range map[string]error{"written": nil, "too large": refused} {
		l := &Log{}
		w := newLane(l, topicPartition{"t", 0})
		w.running = true // by this test
		c := newCall(1)
		w.add(c, []*Message{{Value: make([]byte, batchBytes*2/3)}, {Value: make([]byte, batchBytes*2/3)}, {Value: []byte("x")}})
		if name == "too large" {
			w.bytes -= w.queue[0].messages[0].Size()
			w.queue[0].messages = w.queue[0].messages[1:]
		}
		ms := w.board(func(error) {}, false)
		gone := errors.New("gone")
		w.queue[0].giveUp(gone)
		w.land(answer, len(ms))
		select {
		case <-c.done:
		default:
			t.Fatalf("%s: the call waits", name)
		}
		if err := c.wait(t.Context()); !errors.Is(err, gone) {
			t.Errorf("%s: %v", name, err)
		}
		if ms := w.board(func(error) {}, false); ms != nil || w.bytes != 0 {
			t.Errorf("%s: %d messages are left, %d bytes", name, len(ms), w.bytes)
		}
	}
}

// A call whose time is over says so, also where it was on its way.
func TestTimeIsOver(t *testing.T) {
	var g produceGate
	l := dialCluster(t, cluster(t, 1, 1), meddled(t, g.meddle))
	g.mu.Lock()
	defer g.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.Produce(ctx, []Message{{Value: []byte("x")}}); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Calls of any size, given up at any time, past every fault: what a call was told is written is there once, what it was not told at most
// once; each call's messages are together and in order, of one that failed a beginning.
func TestCallsAtRandom(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := cluster(t, 2, 2)
	var n atomic.Uint64
	l := dialCluster(t, c, meddled(t, func(x *exchanged) error {
		if x.key != protocol.Produce {
			return nil
		}
		switch k := n.Add(1); {
		case k%7 == 0:
			return errCut // it is written, and nobody hears
		case k%5 == 0:
			_, code := produced(x)
			binary.BigEndian.PutUint16(code, uint16(kerr.NotEnoughReplicasAfterAppend.Code)) // it is written, they say it may not last
		}
		return nil
	}))
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "t", Err: kerr.NotLeaderForPartition, Count: 10})
	defer h.Remove()
	type told struct {
		size int
		err  error
	}
	var mu sync.Mutex
	calls := map[string]told{}
	var wg sync.WaitGroup
	for who := range 12 {
		rng := rand.New(rand.NewPCG(seed, uint64(who)))
		wg.Go(func() {
			for k := range 8 {
				name, size := fmt.Sprintf("%d-%d", who, k), 1+rng.IntN(9)
				ms := make([]Message, size)
				for i := range ms {
					ms[i] = Message{Partition: events.Partition(who % 2), Value: fmt.Appendf(nil, "%s %d", name, i)}
				}
				ctx, cancel := context.WithCancel(t.Context())
				if rng.IntN(4) == 0 {
					time.AfterFunc(time.Duration(rng.IntN(20))*time.Millisecond, cancel)
				}
				err := l.Produce(ctx, ms)
				cancel()
				mu.Lock()
				calls[name] = told{size, err}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	found := map[string]int{}
	for p := range events.Partition(2) {
		end := c.PartitionInfo("t", int32(p)).HighWatermark
		r := l.NewReader(t.Context())
		reader := r.Open(p, beginning)
		last := ""
		for at := events.Offset(0); at < events.Offset(end); {
			b, err := reader.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range b.Records {
				name, number, _ := strings.Cut(string(record.Value), " ")
				if name != last && found[name] > 0 {
					t.Errorf("partition %d offset %d: %s: another call's messages lie between, or it is written twice", p, record.Offset, record.Value)
				}
				if number != fmt.Sprint(found[name]) {
					t.Errorf("partition %d offset %d: %s after %d of them", p, record.Offset, record.Value, found[name])
				}
				found[name]++
				last = name
			}
			at = b.Next
		}
		r.Close()
	}
	for name, c := range calls {
		if got := found[name]; c.err == nil && got != c.size || got > c.size {
			t.Errorf("%s: %d of %d written, told %v", name, got, c.size, c.err)
		}
	}
}
