package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"headcount/events"

	"github.com/segmentio/kafka-go/protocol"
)

func newThrottling() *throttling {
	return &throttling{ms: 400, told: map[protocol.ApiKey]time.Time{}, next: map[protocol.ApiKey]time.Duration{}}
}

// throttling writes a throttle time into the first answer of each kind, and takes down when that kind was asked next.
type throttling struct {
	ms   int32
	mu   sync.Mutex
	told map[protocol.ApiKey]time.Time // when
	next map[protocol.ApiKey]time.Duration
}

func (th *throttling) meddle(x *exchanged) error {
	if x.key == protocol.Metadata && x.version < 10 { // the Transport's own
		return nil
	}
	th.mu.Lock()
	defer th.mu.Unlock()
	if at, told := th.told[x.key]; told {
		if _, known := th.next[x.key]; !known {
			th.next[x.key] = x.asked.Sub(at)
		}
		return nil
	}
	at := 4 // after the correlation id
	switch {
	case slices.Contains([]protocol.ApiKey{protocol.ApiVersions, protocol.SaslHandshake, protocol.SaslAuthenticate}, x.key):
		return nil
	case x.key == protocol.Produce:
		at = len(x.answer) - 4
	case x.key == protocol.Fetch && x.version >= 12, x.key == protocol.Metadata, x.key == describeProducers:
		at = 5 // after the header's tags
	}
	binary.BigEndian.PutUint32(x.answer[at:], uint32(th.ms))
	th.told[x.key] = time.Now()
	return nil
}

// Whatever is throttled waits as long as it is told, and no longer than is sensible; all else goes on.
func TestThrottled(t *testing.T) {
	t.Parallel()
	c := cluster(t, 1, 1)
	alone := newThrottling()
	l := dialCluster(t, c, meddled(t, alone.meddle))
	for range 2 {
		if _, err := l.Describe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	th := newThrottling()
	l = dialCluster(t, c, meddled(t, th.meddle), func(c *testConfig) { c.Group = "g" })
	d := &diary{}
	done := make(chan error, 1)
	go func() { done <- l.Assign(t.Context(), d) }()
	for range 2 {
		fill(t, l, 0, 0, 1)
	}
	r := l.NewReader(t.Context())
	defer r.Close()
	p := r.Open(0, beginning)
	b, err := p.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := b.Position()
	d.until(t, "joins", func(held []events.Partition, _ []string) bool { return len(held) == 1 })
	for range 2 {
		for _, ask := range []func() error{
			func() error { return l.Verify(t.Context(), 0, at) },
			func() error { return l.Commit(t.Context(), map[events.Partition]events.Offset{0: 1}) },
			func() error { _, err := l.Owners(t.Context()); return err },
			func() error { _, err := l.Configs(t.Context(), "t"); return err },
			func() error { _, err := l.OpenTransactions(t.Context(), 0); return err },
			func() error { _, err := l.CreateTopic(t.Context(), "t", 1, nil); return err },
		} {
			if err := ask(); err != nil {
				t.Fatal(err)
			}
		}
	}
	keys := []protocol.ApiKey{protocol.Fetch, protocol.Produce, protocol.ListOffsets, protocol.Heartbeat, protocol.OffsetCommit,
		protocol.DescribeGroups, protocol.DescribeConfigs, protocol.CreateTopics, protocol.OffsetForLeaderEpoch, protocol.FindCoordinator, describeProducers}
	d.until(t, "every kind asked again", func([]events.Partition, []string) bool {
		th.mu.Lock()
		defer th.mu.Unlock()
		return !slices.ContainsFunc(keys, func(k protocol.ApiKey) bool { _, ok := th.next[k]; return !ok })
	})
	for _, th := range []*throttling{alone, th} {
		th.mu.Lock()
		for key, after := range th.next {
			// Several ask for metadata at a time, and need not have heard of each other's answers.
			if (key != protocol.Metadata || th == alone) && after < 400*time.Millisecond {
				t.Errorf("%v was asked again after %v", key, after)
			}
		}
		th.mu.Unlock()
	}
	if _, asked := alone.next[protocol.Metadata]; !asked {
		t.Error("metadata was not asked for again")
	}
}

func TestThrottleIsBelievedSoFar(t *testing.T) {
	var th throttles
	if d := th.note(1, protocol.Fetch, 1<<31-1, mostThrottle); d != mostThrottle {
		t.Errorf("waits %v", d)
	}
	for _, ms := range []int32{0, -1, -1 << 31} {
		if d := th.note(2, protocol.Fetch, ms, mostThrottle); d != 0 {
			t.Errorf("%d ms: waits %v", ms, d)
		}
	}
	for _, other := range []throttled{{2, protocol.Fetch}, {1, protocol.Produce}} {
		if err := th.wait(t.Context(), other.node, other.key); err != nil {
			t.Error(err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := th.wait(ended, 1, protocol.Fetch); !errors.Is(err, context.Canceled) {
		t.Errorf("told to stop: %v", err)
	}
}
