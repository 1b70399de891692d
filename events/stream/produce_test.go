package stream

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"

	"headcount/events"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kerr"
)

// produced is which partition of topic "t" an answer to Produce is about, and where its code is.
func produced(x *exchanged) (partition events.Partition, code []byte) {
	const at = 4 + 4 + 2 + 1 + 4 // correlation id, topics, name, partitions
	return events.Partition(binary.BigEndian.Uint32(x.answer[at:])), x.answer[at+4 : at+6]
}

// A batch may be written though the broker says that not all replicas have it, or that it leads no longer. Who gives up then must not
// have the next batch taken for that one.
func TestProduceGivenUpIsNotTakenForTheNext(t *testing.T) {
	for _, e := range []*kerr.Error{kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut, kerr.NotLeaderForPartition, kerr.UnknownServerError} {
		c := cluster(t, 1, 1)
		var failing atomic.Bool
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		l := dialCluster(t, c, meddled(t, func(x *exchanged) error {
			if x.key == protocol.Produce && failing.Load() {
				_, code := produced(x)
				binary.BigEndian.PutUint16(code, uint16(e.Code))
				time.AfterFunc(100*time.Millisecond, cancel) // it is written: who asked may try again, and then gives up
			}
			return nil
		}))
		failing.Store(true)
		if err := l.Produce(ctx, []Message{{Value: []byte("first")}}); err == nil {
			t.Errorf("%s: no error", e.Message)
		}
		failing.Store(false)
		if err := l.Produce(t.Context(), []Message{{Value: []byte("second")}}); err != nil {
			t.Fatalf("%s: %v", e.Message, err)
		}
		if end := c.PartitionInfo("t", 0).HighWatermark; end != 2 {
			t.Errorf("%s: %d records in the log, want the first and the second", e.Message, end)
		}
	}
}

// A batch whose writing is not certain is tried again under the producer id it had, also where another partition's takes a new one.
func TestProduceAgainUnderItsID(t *testing.T) {
	c := cluster(t, 1, 2)
	var failing, forgotten atomic.Bool
	var tries atomic.Int32
	l := dialCluster(t, c, meddled(t, func(x *exchanged) error {
		if x.key != protocol.Produce {
			return nil
		}
		switch partition, code := produced(x); {
		case partition == 0 && failing.Load():
			tries.Add(1)
			binary.BigEndian.PutUint16(code, uint16(kerr.RequestTimedOut.Code))
		case partition == 1 && forgotten.CompareAndSwap(true, false):
			binary.BigEndian.PutUint16(code, uint16(kerr.UnknownProducerID.Code))
		}
		return nil
	}))
	failing.Store(true)
	forgotten.Store(true)
	done := make(chan error, 1)
	go func() { done <- l.Produce(t.Context(), []Message{{Partition: 0, Value: []byte("once")}}) }()
	for tries.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := l.Produce(t.Context(), []Message{{Partition: 1, Value: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	failing.Store(false)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if end := c.PartitionInfo("t", 0).HighWatermark; end != 1 {
		t.Errorf("written %d times", end)
	}
	if err := l.Produce(t.Context(), []Message{{Partition: 0, Value: []byte("another")}}); err != nil {
		t.Fatal(err)
	}
	if end := c.PartitionInfo("t", 0).HighWatermark; end != 2 {
		t.Errorf("%d records, want 2", end)
	}
}
