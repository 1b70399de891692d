package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"headcount/endtoend/apachekafka"
	"headcount/events"
	"headcount/events/stream/batch"
	"headcount/events/stream/wire"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"
)

// epochAnswer is an answer to OffsetForLeaderEpoch for topic "t", partition 0, as a broker writes it.
func epochAnswer(version int16, c wire.Code, epoch int32, end int64) []byte {
	e := wire.Encoder{Flexible: version >= 4}
	e.Int32(0) // throttle
	e.Array(1)
	e.Str("t")
	e.Array(1)
	e.Int16(int16(c))
	e.Int32(0)
	e.Int32(epoch)
	e.Int64(end)
	e.Tags()
	e.Tags()
	e.Tags()
	return e.Buf
}

func TestEpochAnswer(t *testing.T) {
	for _, version := range offsetForLeaderEpochVersions {
		b := epochAnswer(version, 0, 7, 42)
		got, err := decodeEpochEnd(version, b, "t", 0)
		if want := (epochEnd{7, 42}); err != nil || got != want {
			t.Errorf("version %d: %v, %v", version, got, err)
		}
		for n := range b {
			if _, err := decodeEpochEnd(version, b[:n], "t", 0); err == nil {
				t.Errorf("version %d: cut at %d of %d: no error", version, n, len(b))
			}
		}
		if _, err := decodeEpochEnd(version, b, "t", 1); !errors.Is(err, wire.ErrLeftOut) {
			t.Errorf("version %d: another partition: %v", version, err)
		}
		if _, err := decodeEpochEnd(version, epochAnswer(version, wire.CodeFencedEpoch, -1, -1), "t", 0); wire.CodeOf(err) != wire.CodeFencedEpoch || !wire.Retriable(err) {
			t.Errorf("version %d: fenced: %v", version, err)
		}
	}
}

func TestParted(t *testing.T) {
	at := Position{Offset: 50, BatchOffset: 43, LeaderEpoch: 5}
	for _, c := range []struct {
		end  epochEnd
		want string
		from events.Offset
	}{
		{epochEnd{5, 50}, "", 0},
		{epochEnd{5, 90}, "", 0},
		{epochEnd{5, 49}, "epoch 5, in which offset 43 was read, ends at offset 49", 49},
		{epochEnd{5, 0}, "ends at offset 0", 0},
		{epochEnd{4, 30}, "knows no epoch 5, in which offset 43 was read; its epoch 4 ends at offset 30", 30},
		{epochEnd{4, 70}, "knows no epoch 5", 43}, // what it has there, it had before
	} {
		detail, from := c.end.parted(at)
		if (c.want == "") != (detail == "") || !strings.Contains(detail, c.want) || from != c.from {
			t.Errorf("%v: %q from %d, want %q from %d", c.end, detail, from, c.want, c.from)
		}
	}
}

// epochs answers OffsetForLeaderEpoch in a leader's place, while told to, and counts how often it was asked.
type epochs struct {
	asked  atomic.Int32
	answer atomic.Pointer[func(n int32, epoch int32) (int32, int64)]
	moving sync.RWMutex // held: nobody hears who leads
}

func (e *epochs) meddle(x *exchanged) error {
	if x.key == protocol.Metadata {
		e.moving.RLock()
		defer e.moving.RUnlock()
	}
	if x.key != protocol.OffsetForLeaderEpoch {
		return nil
	}
	n := e.asked.Add(1)
	if f := e.answer.Load(); f != nil {
		wanted := int32(binary.BigEndian.Uint32(x.request[len(x.request)-4:])) // version 3: the last field
		epoch, end := (*f)(n, wanted)
		x.answer = append(x.answer[:4], epochAnswer(3, 0, epoch, end)...)
	}
	return nil
}

func (e *epochs) says(f func(n, epoch int32) (int32, int64)) { e.answer.Store(&f) }

// move makes another broker lead the partition, and sends it what the reader then meets.
func move(t *testing.T, c *kfake.Cluster, l *Log, first, n int) {
	t.Helper()
	leader := c.LeaderFor("t", 0)
	if err := c.MoveTopicPartition("t", 0, 1-leader); err != nil {
		t.Fatal(err)
	}
	fill(t, l, 0, first, n)
}

// A new leader that lacks what was read is found out, whatever it has in its place.
func TestNewLeaderLacksWhatWasRead(t *testing.T) {
	c := cluster(t, 2, 1)
	e := &epochs{}
	l := dialCluster(t, c, meddled(t, e.meddle))
	began := time.Now().Truncate(time.Millisecond)
	fill(t, l, 0, 0, 28)
	r := l.NewReader(t.Context())
	defer r.Close()
	p := r.Open(0, beginning)
	at := expect(t, p, 0, 28)
	if n := e.asked.Load(); n != 0 {
		t.Errorf("asked %d times before anything was read", n)
	}
	e.says(func(_, epoch int32) (int32, int64) { return epoch, 21 })
	e.moving.Lock() // the reader is to find the new leader with all that it is sent
	move(t, c, dialCluster(t, c), 28, 14)
	e.moving.Unlock()
	_, err := p.Next(t.Context())
	truncated, ok := errors.AsType[*TruncatedError](err)
	if !ok || truncated.From != 21 || truncated.Want != 28 || truncated.End != 42 || truncated.Since.Before(began) || truncated.Since.After(time.Now()) {
		t.Fatalf("read: %v", err)
	}
	for _, want := range []string{"partition 0", "from offset 21 to 27", "written after " + truncated.Since.UTC().Format("2006-01-02T"), "accept the loss"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: lacks %q", err, want)
		}
	}
	if err := l.Verify(t.Context(), 0, at); !errors.As(err, &truncated) {
		t.Errorf("verify: %v", err)
	}
	if _, err := r.Open(0, at).Next(t.Context()); !errors.As(err, &truncated) {
		t.Errorf("opened there again: %v", err)
	}
}

// A leader that knows nothing of the epoch, or says what makes no sense, proves nothing: the batch itself is compared.
func TestNewLeaderKnowsNoEpoch(t *testing.T) {
	for name, says := range map[string]func(n, epoch int32) (int32, int64){
		"undefined":        func(_, _ int32) (int32, int64) { return -1, -1 },
		"undefined offset": func(_, epoch int32) (int32, int64) { return epoch, -1 },
		"a later epoch":    func(_, epoch int32) (int32, int64) { return epoch + 1, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, 2, 1)
			e := &epochs{}
			e.says(says)
			l := dialCluster(t, c, meddled(t, e.meddle))
			fill(t, l, 0, 0, 14)
			r := l.NewReader(t.Context())
			defer r.Close()
			p := r.Open(0, beginning)
			at := expect(t, p, 0, 14)
			move(t, c, l, 14, 14)
			expect(t, p, 14, 28)
			if e.asked.Load() == 0 {
				t.Error("the new leader was not asked")
			}
			for name, wrong := range map[string]Position{
				"another CRC":   {at.Offset, at.BatchOffset, at.BatchCRC + 1, at.LeaderEpoch},
				"another epoch": {at.Offset, at.BatchOffset, at.BatchCRC, at.LeaderEpoch + 1},
			} {
				var truncated *TruncatedError
				if _, err := r.Open(0, wrong).Next(t.Context()); !errors.As(err, &truncated) || truncated.From != at.BatchOffset {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// A broker without the request is read from; what was read is compared by the batch alone.
func TestBrokerWithoutOffsetForLeaderEpoch(t *testing.T) {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(23, -1)
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(1, "t"), kfake.MaxVersions(versions))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	l := dialCluster(t, c)
	fill(t, l, 0, 0, 14)
	r := l.NewReader(t.Context())
	defer r.Close()
	p := r.Open(0, beginning)
	at := expect(t, p, 0, 14)
	move(t, c, l, 14, 14)
	expect(t, p, 14, 28)
	if err := l.Verify(t.Context(), 0, at); err != nil {
		t.Error(err)
	}
	at.BatchCRC++
	var truncated *TruncatedError
	if err := l.Verify(t.Context(), 0, at); !errors.As(err, &truncated) {
		t.Errorf("another CRC: %v", err)
	}
}

// What was fetched from the old leader and not handed on is not lost where the new one lacks it: it is fetched anew.
func TestUnreadIsFetchedAnew(t *testing.T) {
	c := cluster(t, 2, 1)
	e := &epochs{}
	l := dialCluster(t, c, meddled(t, e.meddle), func(c *testConfig) { c.Compression = "lz4" }) // a packed batch is handed on alone
	long := strings.Repeat("x", 100)
	for i := range 4 {
		var ms []Message
		for j := range 7 {
			ms = append(ms, Message{Value: fmt.Appendf(nil, "%d %s", 7*i+j, long)})
		}
		if err := l.Produce(t.Context(), ms); err != nil {
			t.Fatal(err)
		}
	}
	r := l.NewReader(t.Context())
	defer r.Close()
	p := r.Open(0, beginning)
	next := 0
	read := func() {
		t.Helper()
		b, err := p.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range b.Records {
			if got, want := string(rec.Value), fmt.Sprint(next, " ", long); got != want || rec.Offset != events.Offset(next) {
				t.Fatalf("offset %d: %q, want %q", rec.Offset, got, want)
			}
			next++
		}
	}
	read()
	if next != 7 {
		t.Fatalf("%d records at first, want a batch of 7", next)
	}
	// What was handed on, up to offset 7, the new leader has; what was fetched, up to 28, it has not.
	e.says(func(_, epoch int32) (int32, int64) { return epoch, 10 })
	r.mu.Lock()
	turn := p.turn
	r.mu.Unlock()
	if err := c.MoveTopicPartition("t", 0, 1-c.LeaderFor("t", 0)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		r.mu.Lock()
		rewound := p.turn > turn
		r.mu.Unlock()
		if rewound {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("what was fetched still counts")
		}
	}
	e.says(func(_, epoch int32) (int32, int64) { return epoch, 1000 })
	for next < 28 {
		read()
	}
}

// A position that was verified is not compared again when a reader begins there.
func TestVerifiedOnce(t *testing.T) {
	c := cluster(t, 1, 1)
	e := &epochs{}
	l := dialCluster(t, c, meddled(t, e.meddle))
	fill(t, l, 0, 0, 14)
	r := l.NewReader(t.Context())
	defer r.Close()
	p := r.Open(0, beginning)
	at := expect(t, p, 0, 7)
	p.Close()
	if err := l.Verify(t.Context(), 0, at); err != nil {
		t.Fatal(err)
	}
	p = r.Open(0, at)
	expect(t, p, int(at.Offset), 14)
	p.Close()
	if n := e.asked.Load(); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
	p = r.Open(0, at)
	expect(t, p, int(at.Offset), 14)
	if n := e.asked.Load(); n != 2 {
		t.Errorf("asked %d times, want once more where nobody verified", n)
	}
}

// Apache Kafka loses the end of its log, as by the election of a replica that was behind, and takes other records in its place.
func TestKafkaLosesItsEnd(t *testing.T) {
	if os.Getenv(apachekafka.Env) == "" {
		t.Skipf("needs an Apache Kafka of its own: set %s=start", apachekafka.Env)
	}
	dir := t.TempDir()
	k := apachekafka.NeedOwn(t, apachekafka.Config{DataDir: dir})
	e := &epochs{}
	c := testConfig{Config: Config{Brokers: []string{k.Addr}, Topic: "t", MetadataInterval: 200 * time.Millisecond}}
	meddled(t, e.meddle)(&c)
	l := c.reach(t)
	if _, err := l.CreateTopic(t.Context(), "t", 2, nil); err != nil {
		t.Fatal(err)
	}
	var at [2]Position
	var readers [2]*PartitionReader
	r := l.NewReader(t.Context())
	defer r.Close()
	for p := range events.Partition(2) {
		fill(t, l, p, 0, 49)
		readers[p] = r.Open(p, beginning)
		at[p] = expect(t, readers[p], 0, 49)
	}
	if err := k.Kill(); err != nil {
		t.Fatal(err)
	}
	cut(t, filepath.Join(dir, "log", "t-1"), 21)
	if err := k.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	restarted, err := Dial(t.Context(), Config{Brokers: []string{k.Addr}, Topic: "t"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(restarted.Close)
	if o, err := restarted.Offsets(t.Context()); err != nil || o[0].End != 49 || o[1].End != 21 {
		t.Fatalf("the test did not cut the log: %v, %v", o, err)
	}
	for p := range events.Partition(2) {
		fill(t, restarted, p, 49, 49) // of the second partition the first of these lies at offset 21
	}
	expect(t, readers[0], 49, 98) // a new leader epoch, and nothing lost
	if e.asked.Load() == 0 {
		t.Error("the leader of the new epoch was not asked")
	}
	within, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for what, err := range map[string]error{
		"read":     func() error { _, err := readers[1].Next(within); return err }(),
		"verified": restarted.Verify(within, 1, at[1]),
	} {
		truncated, ok := errors.AsType[*TruncatedError](err)
		if !ok || truncated.From != 21 || truncated.Want != 49 || truncated.Since.IsZero() {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := restarted.Verify(within, 0, at[0]); err != nil {
		t.Errorf("the other partition: %v", err)
	}
}

// cut takes all batches from an offset on out of a stopped broker's partition, and its indexes with them.
func cut(t *testing.T, dir string, offset int64) {
	t.Helper()
	name := filepath.Join(dir, "00000000000000000000.log")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	end := 0
	for end < len(data) {
		var h batch.Header
		if err := batch.ReadHeader(data[end:], &h); err != nil {
			t.Fatal(err)
		}
		if h.Base >= events.Offset(offset) {
			break
		}
		end += h.Size
	}
	if err := os.Truncate(name, int64(end)); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(name, "index") {
			err = errors.Join(err, os.Remove(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
