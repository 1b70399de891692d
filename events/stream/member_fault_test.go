package stream

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"headcount/events"
	"headcount/events/stream/wire"
)

// diary writes down what a handler is told.
type diary struct {
	mu   sync.Mutex
	held []events.Partition
	log  []string
}

func (d *diary) Assigned(ps []events.Partition) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = append(d.held, ps...)
	d.log = append(d.log, fmt.Sprint("+", ps))
}

func (d *diary) Revoked(ps []events.Partition) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = slices.DeleteFunc(d.held, func(p events.Partition) bool { return slices.Contains(ps, p) })
	d.log = append(d.log, fmt.Sprint("-", ps))
}

func (d *diary) until(t *testing.T, what string, done func(held []events.Partition, log []string) bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		d.mu.Lock()
		ok, log := done(d.held, d.log), slices.Clone(d.log)
		d.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, log)
		}
	}
}

func TestGroupThroughErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		key   kmsg.Key
		err   *kerr.Error
		count int
		loses bool // what it has, for a moment
	}{
		{"coordinator moves", kmsg.Heartbeat, kerr.NotCoordinator, 3, false},
		{"coordinator is not there", kmsg.Heartbeat, kerr.CoordinatorNotAvailable, 3, false},
		{"heartbeat, unheard of", kmsg.Heartbeat, &kerr.Error{Code: 9999, Message: "NOBODY_KNOWS"}, 2, false},
		{"shares out anew", kmsg.Heartbeat, kerr.RebalanceInProgress, 1, false},
		{"forgotten", kmsg.Heartbeat, kerr.UnknownMemberID, 1, true},
		{"of another generation", kmsg.Heartbeat, kerr.IllegalGeneration, 1, true},
		{"join, loading", kmsg.JoinGroup, kerr.CoordinatorLoadInProgress, 3, false},
		{"join, moved", kmsg.JoinGroup, kerr.NotCoordinator, 3, false},
		{"join, forgotten", kmsg.JoinGroup, kerr.UnknownMemberID, 1, true},
		{"sync, shares out anew", kmsg.SyncGroup, kerr.RebalanceInProgress, 2, false},
		{"sync, moved", kmsg.SyncGroup, kerr.NotCoordinator, 2, false},
		{"coordinator unknown", kmsg.FindCoordinator, kerr.CoordinatorNotAvailable, 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			brokers := cluster(t, 2, 3)
			beaten := beats(brokers)
			l := dialCluster(t, brokers, grouped, func(config *testConfig) {
				if c.loses { // the broker knows it under its old id too, and waits for that one to join
					config.RebalanceTimeout = time.Second
				}
			})
			d := &diary{}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- l.Assign(ctx, d) }()
			d.until(t, "joins", func(held []events.Partition, _ []string) bool { return len(held) == 3 })
			faults := []kfake.Fault{{Keys: []kmsg.Key{c.key}, Group: "g", TopLevel: c.key != kmsg.FindCoordinator, Err: c.err, Count: c.count}}
			if c.key != kmsg.Heartbeat { // what makes it join again, or look for the coordinator
				cause := kerr.RebalanceInProgress
				if c.key == kmsg.FindCoordinator {
					cause = kerr.NotCoordinator
				}
				faults = append(faults, kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: "g", TopLevel: true, Err: cause, Count: 1})
			}
			h := brokers.Fault(faults...)
			within, stop := context.WithTimeout(t.Context(), patience)
			defer stop()
			if err := h.Wait(within, c.count+len(faults)-1); err != nil {
				t.Fatalf("%d faults met: %v", h.Hits(), err)
			}
			d.until(t, "has all again", func(held []events.Partition, log []string) bool { return len(held) == 3 && (len(log) > 1 || !c.loses) })
			more(t, beaten, 2) // nothing more happens
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			want := []string{"+[0 1 2]", "-[0 1 2]"}
			if c.loses {
				want = slices.Concat(want, want)
			}
			if !slices.Equal(d.log, want) {
				t.Errorf("told %v, want %v", d.log, want)
			}
		})
	}
}

func TestGroupFinalErrors(t *testing.T) {
	for _, e := range []*kerr.Error{kerr.GroupAuthorizationFailed, kerr.InvalidSessionTimeout, kerr.GroupMaxSizeReached, kerr.InconsistentGroupProtocol} {
		brokers := cluster(t, 1, 1)
		h := brokers.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Group: "g", TopLevel: true, Err: e, Count: -1})
		l := dialCluster(t, brokers, func(c *testConfig) { c.Group = "g" })
		if err := l.Assign(t.Context(), nobody{}); wire.CodeOf(err) != wire.Code(e.Code) {
			t.Errorf("%s: %v", e.Message, err)
		}
		h.Remove()
	}
}

// A topic that is there is unknown to a broker that just started: nothing is given up for that.
func TestTopicUnknownForAMoment(t *testing.T) {
	for _, group := range []string{"", "g"} {
		t.Run("group "+group, func(t *testing.T) {
			t.Parallel()
			brokers := cluster(t, 1, 3)
			l := dialCluster(t, brokers, grouped, func(c *testConfig) { c.Group = group })
			d := &diary{}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- l.Assign(ctx, d) }()
			d.until(t, "joins", func(held []events.Partition, _ []string) bool { return len(held) == 3 })
			within, stop := context.WithTimeout(t.Context(), patience)
			defer stop()
			unknown := brokers.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "t", Err: kerr.UnknownTopicOrPartition, Count: -1})
			if group != "" { // it joins again
				h := brokers.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: "g", TopLevel: true, Err: kerr.RebalanceInProgress, Count: 1})
				if err := h.Wait(within, 1); err != nil {
					t.Fatal(err)
				}
			}
			if err := unknown.Wait(within, unknown.Hits()+5); err != nil {
				t.Fatal(err)
			}
			unknown.Remove()
			if _, err := l.Describe(within); err != nil {
				t.Errorf("known again: %v", err)
			}
			select {
			case err := <-done:
				t.Fatalf("gave up: %v", err)
			default:
			}
			cancel()
			if err := <-done; err != nil || !slices.Equal(d.log, []string{"+[0 1 2]", "-[0 1 2]"}) {
				t.Errorf("told %v, then %v", d.log, err)
			}
		})
	}
}
