package stream_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"headcount/events"
	"headcount/events/stream"
	"headcount/events/stream/broker"
)

// patience is how long a test waits for what must happen. It only ends what hangs: no machine may be too slow for it.
const patience = 3 * time.Minute

// brokerAddr returns the address of a broker: of the Apache Kafka that HEADCOUNT_KAFKA names, or has started, else of an embedded one that
// is the test's own. The tests hold for both.
func brokerAddr(t testing.TB) string {
	t.Helper()
	if kafkaAddr != "" {
		return kafkaAddr
	}
	return embedded(t)
}

// embedded starts an embedded broker over a folder of the test's.
func embedded(t testing.TB) string {
	t.Helper()
	b, err := broker.Start(t.Context(), broker.Config{Addr: "127.0.0.1:0", DataDir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b.Addr()
}

// unique makes a name that no run before has used: the broker may be one that stays.
func unique(name string) string { return fmt.Sprintf("%s-%d", name, time.Now().UnixNano()) }

// config is for a test: quick, and heard in the test's log.
func config(t testing.TB, addr, topic string) stream.Config {
	return stream.Config{
		Brokers: []string{addr}, Topic: topic, MetadataInterval: 200 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(testWriter{t}, nil)),
	}
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", p)
	}
	return len(p), nil
}

func dial(t testing.TB, c stream.Config) *stream.Log {
	t.Helper()
	l, err := stream.Dial(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// topic makes a topic and returns its name and log.
func topic(t testing.TB, addr string, partitions int32) (string, *stream.Log) {
	t.Helper()
	name := unique("topic")
	l := dial(t, config(t, addr, name))
	created, err := l.CreateTopic(t.Context(), name, partitions, map[string]string{"retention.ms": "-1"})
	if err != nil || !created {
		t.Fatalf("create topic: created %v, %v", created, err)
	}
	return name, l
}

func produce(t testing.TB, l *stream.Log, ms ...stream.Message) {
	t.Helper()
	if err := l.Produce(t.Context(), ms); err != nil {
		t.Fatal(err)
	}
}

var fresh = stream.Position{BatchOffset: -1, LeaderEpoch: -1}

// read takes the values of a partition up to an offset.
func read(t testing.TB, p *stream.PartitionReader, end events.Offset) (values []string, last stream.Position) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		b, err := p.Next(ctx)
		if err != nil {
			t.Fatalf("after %d records: %v", len(values), err)
		}
		for _, r := range b.Records {
			values = append(values, string(r.Value))
		}
		last = b.Position()
		b.Release()
		if last.Offset >= end {
			return values, last
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	addr := brokerAddr(t)
	for _, compression := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(compression, func(t *testing.T) {
			c := config(t, addr, unique(compression))
			c.Compression = compression
			l := dial(t, c)
			if _, err := l.CreateTopic(t.Context(), c.Topic, 2, nil); err != nil {
				t.Fatal(err)
			}
			at := time.UnixMilli(1_790_000_000_123)
			var want []string
			var ms []stream.Message
			for i := range 5000 {
				v := fmt.Sprintf("value %d of some length, so that it compresses %d", i, i)
				want = append(want, v)
				ms = append(ms, stream.Message{Partition: 1, Key: []byte("k"), Value: []byte(v), Time: at,
					Headers: []stream.Header{{Key: "a", Value: []byte("b")}, {Key: "none"}}})
			}
			produce(t, l, ms...)
			produce(t, l, stream.Message{Partition: 1, Value: nil, Time: at})
			r := l.NewReader(t.Context())
			defer r.Close()
			p := r.Open(1, fresh)
			defer p.Close()
			got, last := read(t, p, 5001)
			if !slices.Equal(got, append(want, "")) {
				t.Errorf("read %d values, want %d in order", len(got), len(want)+1)
			}
			if err := l.Verify(t.Context(), 1, last); err != nil {
				t.Errorf("verify %+v: %v", last, err)
			}
			o, err := l.Offsets(t.Context())
			if want := (stream.Offsets{Start: 0, End: 5001, Stable: 5001}); err != nil || o[1] != want {
				t.Errorf("offsets %+v, %v, want %+v", o[1], err, want)
			}
		})
	}
}

func TestRecordFields(t *testing.T) {
	_, l := topic(t, brokerAddr(t), 1)
	at := time.UnixMilli(1_790_000_000_123)
	produce(t, l,
		stream.Message{Key: []byte("k"), Value: []byte("v"), Time: at, Headers: []stream.Header{{Key: "h", Value: []byte("x")}, {Key: "null"}}},
		stream.Message{Partition: 0, Value: []byte{}, Time: at.Add(-time.Hour)})
	r := l.NewReader(t.Context())
	defer r.Close()
	p := r.Open(0, fresh)
	defer p.Close()
	b, err := p.Next(t.Context())
	if err != nil || len(b.Records) != 2 {
		t.Fatalf("batch %+v, %v", b, err)
	}
	first, second := b.Records[0], b.Records[1]
	if string(first.Key) != "k" || string(first.Value) != "v" || first.Timestamp != at.UnixMilli() || first.HeaderCount != 2 || string(first.Headers) != "\x02h\x02x\x08null\x01" {
		t.Errorf("first: %+v", first)
	}
	if second.Key != nil || second.Value == nil || len(second.Value) != 0 || second.Timestamp != at.Add(-time.Hour).UnixMilli() || second.Offset != 1 {
		t.Errorf("second: %+v", second)
	}
}

func TestReadFromTheMiddle(t *testing.T) {
	_, l := topic(t, brokerAddr(t), 1)
	var ms []stream.Message
	for i := range 100 {
		ms = append(ms, stream.Message{Value: fmt.Append(nil, i)})
	}
	produce(t, l, ms...)
	r := l.NewReader(t.Context())
	defer r.Close()
	p := r.Open(0, stream.Position{Offset: 42, BatchOffset: -1})
	defer p.Close()
	if got, _ := read(t, p, 100); len(got) != 58 || got[0] != "42" {
		t.Errorf("read %d values, the first %q", len(got), got[0])
	}
}

func TestNoTopic(t *testing.T) {
	l := dial(t, config(t, brokerAddr(t), "nowhere"))
	if _, err := l.Describe(t.Context()); !errors.Is(err, stream.ErrNoTopic) {
		t.Errorf("describe: %v", err)
	}
	if err := l.Produce(t.Context(), []stream.Message{{Topic: "nowhere.dead", Value: []byte("x")}}); !errors.Is(err, stream.ErrNoTopic) {
		t.Errorf("produce: %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	c := config(t, "127.0.0.1:1", "x")
	c.DialTimeout = 300 * time.Millisecond
	if _, err := stream.Dial(t.Context(), c); !errors.Is(err, stream.ErrUnreachable) {
		t.Errorf("dial: %v", err)
	}
}
