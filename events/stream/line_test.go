package stream

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"headcount/events"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// everything asks a broker for all that this package asks for, and reads what it wrote.
func everything(t *testing.T, c *kfake.Cluster, l *Log) {
	t.Helper()
	beaten := beats(c)
	d := &diary{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Assign(ctx, d) }()
	d.until(t, "joins", func(held []events.Partition, _ []string) bool { return len(held) == 1 })
	fill(t, l, 0, 0, 14)
	r := l.NewReader(t.Context())
	defer r.Close()
	p := r.Open(0, beginning)
	at := expect(t, p, 0, 14)
	for name, ask := range map[string]func() error{
		"verify":       func() error { return l.Verify(t.Context(), 0, at) },
		"owners":       func() error { _, err := l.Owners(t.Context()); return err },
		"settings":     func() error { _, err := l.Configs(t.Context(), "t"); return err },
		"transactions": func() error { _, err := l.OpenTransactions(t.Context(), 0); return err },
		"create":       func() error { _, err := l.CreateTopic(t.Context(), "t", 1, nil); return err },
	} {
		if err := ask(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A commit is tried twice, and left to the next checkpoint where that fails.
	for tries := 0; ; tries++ {
		err := l.Commit(t.Context(), map[events.Partition]events.Offset{0: 14})
		if err == nil {
			break
		}
		if tries > 3 {
			t.Fatal(err)
		}
	}
	more(t, beaten, 5)
	fill(t, l, 0, 14, 14)
	expect(t, p, 14, 28)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

var allKeys = []protocol.ApiKey{protocol.Produce, protocol.Fetch, protocol.ListOffsets, protocol.Metadata, protocol.OffsetCommit, protocol.FindCoordinator,
	protocol.JoinGroup, protocol.Heartbeat, protocol.SyncGroup, protocol.DescribeGroups, protocol.CreateTopics, protocol.InitProducerId,
	protocol.OffsetForLeaderEpoch, protocol.DescribeConfigs, describeProducers}

// Of every kind of answer one breaks off in the middle, one never comes, one is another request's, and one is a byte short: all is
// asked again, and each record is written and read once.
func TestAnswersGoWrong(t *testing.T) {
	for _, key := range allKeys {
		name := key.String()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, 1, 1)
			var n, met atomic.Int32
			l := dialCluster(t, c, meddled(t, func(x *exchanged) error {
				if x.key != key || key == protocol.Metadata && x.version < 10 { // the Transport's own
					return nil
				}
				switch n.Add(1) {
				case 1:
					met.Add(1)
					return errCut
				case 2:
					met.Add(1)
					x.answer[3]++ // the correlation id
				case 3:
					met.Add(1)
					x.answer = x.answer[:len(x.answer)-1]
				case 4:
					met.Add(1)
					return errStall
				}
				return nil
			}), grouped, func(c *testConfig) { c.RequestTimeout, c.RebalanceTimeout = 3*time.Second, time.Second })
			everything(t, c, l)
			if met.Load() == 0 {
				t.Error("no answer went wrong")
			}
			if end := c.PartitionInfo("t", 0).HighWatermark; end != 28 {
				t.Errorf("%d records written, want 28", end)
			}
		})
	}
}

// An error code that nobody has heard of is passed, whatever asks.
func TestUnheardOfCodes(t *testing.T) {
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata, kmsg.OffsetCommit, kmsg.FindCoordinator, kmsg.JoinGroup,
		kmsg.Heartbeat, kmsg.SyncGroup, kmsg.DescribeGroups, kmsg.CreateTopics, kmsg.InitProducerID, kmsg.OffsetForLeaderEpoch, kmsg.DescribeConfigs} {
		t.Run(key.Name(), func(t *testing.T) {
			t.Parallel()
			c := cluster(t, 1, 1)
			l := dialCluster(t, c, grouped)
			unheard := &kerr.Error{Code: 9999, Message: "NOBODY_KNOWS"}
			ours := func(r kmsg.Request) bool { return key != kmsg.Metadata || r.GetVersion() >= 10 } // the Transport asks too
			h := c.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: unheard, Count: 1, When: ours}, kfake.Fault{Keys: []kmsg.Key{key}, TopLevel: true, Err: unheard, Count: 1, When: ours})
			defer h.Remove()
			everything(t, c, l)
			if h.Hits() == 0 {
				t.Error("no fault met")
			}
		})
	}
}
