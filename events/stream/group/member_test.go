package group

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/wire"
)

// patience is how long a test waits for what must happen. It only ends what hangs: no machine may be too slow for it.
const patience = time.Minute

// coordinator is a Cluster with a group of one member.
type coordinator struct {
	mu         sync.Mutex
	partitions int32
	gone       error                                     // of Partitions; nil: the topic is there
	refuses    map[protocol.ApiKey]func(n int) wire.Code // by the number of times asked before; nil: it does not
	asked      map[protocol.ApiKey]int                   // how often
	generation int32                                     // of the last join
	committed  map[events.Partition]events.Offset        // by partition
	share      []byte                                    // as the member, which leads, has it
}

func newCoordinator(partitions int32) *coordinator {
	return &coordinator{partitions: partitions, refuses: map[protocol.ApiKey]func(int) wire.Code{}, asked: map[protocol.ApiKey]int{},
		committed: map[events.Partition]events.Offset{}}
}

func (c *coordinator) Partitions(context.Context) (int32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.partitions, c.gone
}

func (c *coordinator) Warn(string, error, ...any) {}

func (c *coordinator) Call(ctx context.Context, _ int32, key protocol.ApiKey, _ int16, body []byte, _ time.Duration) (*wire.Decoder, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	code := wire.CodeNone
	if f := c.refuses[key]; f != nil {
		code = f(c.asked[key])
	}
	c.asked[key]++
	d := wire.Decoder{Buf: body}
	var e wire.Encoder
	e.Int32(0) // throttle
	switch key {
	case protocol.FindCoordinator:
		e.Int16(int16(code))
		e.Str("")
		e.Int32(1)
	case protocol.JoinGroup:
		c.generation++
		d.Str()
		d.Int32()
		d.Int32()
		d.Str()
		instance := d.Str()
		d.Str()
		d.Array(1)
		d.Str()
		e.Int16(int16(code))
		e.Int32(c.generation)
		e.Str(protocolName)
		e.Str("member")
		e.Str("member")
		e.Array(1)
		e.Str("member")
		e.Nullable(instance)
		e.Bytes(d.Bytes())
	case protocol.SyncGroup:
		d.Str()
		d.Int32()
		d.Str()
		d.Str()
		d.Array(1)
		d.Str()
		c.share = d.Bytes()
		e.Int16(int16(code))
		e.Bytes(c.share)
	case protocol.OffsetCommit:
		d.Str()
		if d.Int32() != c.generation {
			code = wire.CodeIllegalGeneration
		}
		d.Str()
		d.Str()
		d.Array(1)
		e.Array(1)
		e.Str(d.Str())
		n := d.Array(1)
		e.Array(n)
		for range n {
			p, offset := d.Partition(), d.Offset()
			d.Int32()
			d.Str()
			e.Partition(p)
			e.Int16(int16(code))
			if code == wire.CodeNone {
				c.committed[p] = offset
			}
		}
	case protocol.DescribeGroups:
		d.Array(1)
		e.Array(1)
		e.Int16(int16(code))
		e.Str(d.Str())
		for range 3 { // state, kind, protocol
			e.Str("")
		}
		e.Array(1)
		e.Str("member")
		e.Nullable("")
		e.Str("")
		e.Str("")
		e.Bytes(nil)
		e.Bytes(c.share)
		e.Int32(1 << 3)
	default: // Heartbeat, LeaveGroup
		e.Int16(int16(code))
	}
	return &wire.Decoder{Buf: e.Buf}, nil
}

func (c *coordinator) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// told is a Handler that takes down what it is told.
type told struct {
	mu   sync.Mutex
	what []string
}

func (h *told) Assigned(ps []events.Partition) { h.say("+", ps) }
func (h *told) Revoked(ps []events.Partition)  { h.say("-", ps) }

func (h *told) say(sign string, ps []events.Partition) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.what = append(h.what, fmt.Sprint(sign, ps))
}

// until waits until the handler was told this, and nothing else.
func (h *told) until(t *testing.T, want ...string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		h.mu.Lock()
		got := slices.Clone(h.what)
		h.mu.Unlock()
		if slices.Equal(got, want) {
			return
		}
		if len(got) > len(want) || time.Now().After(deadline) {
			t.Fatalf("told %v, want %v", got, want)
		}
	}
}

func groupOf(c *coordinator, instance string) *Group {
	return New(c, Config{Group: "g", Topic: "t", Instance: instance, SessionTimeout: patience, RebalanceTimeout: time.Second, RequestTimeout: time.Second,
		MetadataInterval: 5 * time.Millisecond, Heartbeat: time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
}

// assign runs Assign; the returned function waits for its end, having asked for it where the member is to leave.
func assign(t *testing.T, g *Group, h Handler) func(leave bool) error {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Assign(ctx, h) }()
	return func(leave bool) error {
		if leave {
			cancel()
		}
		defer cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(patience):
			return errors.New("assign does not end")
		}
	}
}

// TestMember goes through a membership: it joins, sees the topic grow, commits, and leaves.
func TestMember(t *testing.T) {
	for _, instance := range []string{"", "named"} {
		c := newCoordinator(2)
		g, h := groupOf(c, instance), &told{}
		if err := g.Commit(t.Context(), map[events.Partition]events.Offset{0: 5}); err != nil || len(c.committed) > 0 {
			t.Errorf("committed %v by no member, %v", c.committed, err)
		}
		end := assign(t, g, h)
		h.until(t, "+[0 1]")
		c.set(func() { c.partitions = 3 })
		h.until(t, "+[0 1]", "+[2]")
		for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) { // while it joins again, the generation it had is refused
			err := g.Commit(t.Context(), map[events.Partition]events.Offset{0: 7, 2: 9})
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
		owners, err := g.Owners(t.Context())
		if err != nil || len(owners) != 3 || owners[2] != "member" {
			t.Errorf("owners %v, %v", owners, err)
		}
		if members, operations, err := g.Permissions(t.Context()); members != 1 || operations != 1<<3 || err != nil {
			t.Errorf("%d members, operations %b, %v", members, operations, err)
		}
		if err := end(true); !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		h.until(t, "+[0 1]", "+[2]", "-[0 1 2]")
		if c.committed[0] != 7 || c.committed[2] != 9 {
			t.Errorf("committed %v", c.committed)
		}
		if left := c.asked[protocol.LeaveGroup] == 1; left != (instance == "") {
			t.Errorf("instance %q: left %t: a name's place is kept, another's given up", instance, left)
		}
	}
}

// TestMemberForgotten loses what it had, and has it again.
func TestMemberForgotten(t *testing.T) {
	c := newCoordinator(2)
	c.refuses[protocol.Heartbeat] = func(n int) wire.Code {
		if n == 3 {
			return wire.CodeUnknownMember
		}
		return wire.CodeNone
	}
	h := &told{}
	end := assign(t, groupOf(c, ""), h)
	h.until(t, "+[0 1]", "-[0 1]", "+[0 1]")
	end(true)
	h.until(t, "+[0 1]", "-[0 1]", "+[0 1]", "-[0 1]")
}

// gone is a loss that is final.
type gone struct{}

func (gone) Error() string { return "the topic is gone" }
func (gone) Lost()         {}

// TestMemberEnds: what is final is returned, after all was revoked.
func TestMemberEnds(t *testing.T) {
	always := func(code wire.Code) func(int) wire.Code { return func(int) wire.Code { return code } }
	for name, end := range map[string]struct {
		how  func(c *coordinator)
		want func(err error) bool
	}{
		"fenced": {func(c *coordinator) { c.refuses[protocol.Heartbeat] = always(wire.CodeFencedInstance) }, func(err error) bool {
			fenced, ok := errors.AsType[*FencedError](err)
			return ok && fenced.Group == "g" && fenced.Instance == "named"
		}},
		"not allowed":       {func(c *coordinator) { c.refuses[protocol.Heartbeat] = always(30) }, func(err error) bool { return wire.CodeOf(err) == 30 }},
		"the topic is gone": {func(c *coordinator) { c.gone = gone{} }, func(err error) bool { return errors.Is(err, gone{}) }},
	} {
		c, h := newCoordinator(2), &told{}
		ended := assign(t, groupOf(c, "named"), h)
		h.until(t, "+[0 1]")
		c.set(func() { end.how(c) })
		if err := ended(false); !end.want(err) {
			t.Errorf("%s: %v", name, err)
		}
		h.until(t, "+[0 1]", "-[0 1]")
	}
}
