package stream

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"headcount/events"
	"headcount/events/stream/batch/batchtest"
)

// openReader is a Reader without brokers, with three partitions open, and what it says.
func openReader(said *bytes.Buffer) (*Reader, *inFlightFetch) {
	r := &Reader{log: &Log{config: Config{Topic: "t", Logger: slog.New(slog.NewTextHandler(said, nil))}.filled()}, memory: memory{free: map[int][][]byte{}}}
	f := &inFlightFetch{}
	for id := range events.Partition(3) {
		p := &PartitionReader{r: r, id: id, ready: make(chan struct{}, 1)}
		f.parts, f.turns = append(f.parts, p), append(f.turns, 0)
	}
	return r, f
}

// A partition whose batches are larger than its share gets one only as the first of a request: it becomes the first, also where all
// others get something each time.
func TestLargeBatchComesFirstInTime(t *testing.T) {
	r, f := openReader(new(bytes.Buffer))
	const large = 1
	for tries, first := 0, 0; ; tries++ {
		if first == large {
			break
		}
		if tries == len(f.parts) {
			t.Fatal("it never comes first")
		}
		turned := &inFlightFetch{turns: f.turns}
		var pieces []piece
		for i := range f.parts {
			p := f.parts[(first+i)%len(f.parts)]
			turned.parts = append(turned.parts, p)
			got := piece{partition: p.id}
			if p.id != large {
				got.data = batchtest.Plain(int64(p.ahead.Offset), "x").Bytes()
			}
			pieces = append(pieces, got)
		}
		first = r.complete(turned, pieces) % len(f.parts)
	}
}

// A broker that again and again answers with less than a batch is shown.
func TestPartOfABatchIsShown(t *testing.T) {
	var said bytes.Buffer
	r, f := openReader(&said)
	part := batchtest.Plain(0, "a long value").Bytes()[:70]
	for range 5 {
		r.complete(f, []piece{{partition: 0}, {partition: 1, data: part}, {partition: 2}})
	}
	if !strings.Contains(said.String(), "partition=1") || !strings.Contains(said.String(), "70 bytes") {
		t.Errorf("said %q", said.String())
	}
	if f.parts[1].waiting != nil {
		t.Error("less than a batch is handed on")
	}
}

// A hole between batches is not passed over in silence.
func TestHoleIsShown(t *testing.T) {
	var said bytes.Buffer
	r, f := openReader(&said)
	p := f.parts[0]
	r.complete(f, []piece{{partition: 0, data: batchtest.Join(batchtest.Plain(0, "a"), batchtest.Plain(50, "b"))}, {partition: 1}, {partition: 2}})
	b, err := p.Next(t.Context())
	if err != nil || len(b.Records) != 2 || b.Next != 51 {
		t.Fatalf("%+v, %v", b, err)
	}
	if !strings.Contains(said.String(), "1–49") {
		t.Errorf("said %q", said.String())
	}
}
