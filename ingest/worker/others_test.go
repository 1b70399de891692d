package worker

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
)

// half is a group that gives this process partition 0, which is empty, of two; and the log that both lie in.
type half struct{ Log }

func (half) Assign(ctx context.Context, h stream.Handler) error {
	h.Assigned([]events.Partition{0})
	<-ctx.Done()
	return nil
}

func (half) Offsets(context.Context) (map[events.Partition]stream.Offsets, error) {
	return map[events.Partition]stream.Offsets{0: {}, 1: {End: 10, Stable: 10}}, nil
}

func (half) OpenTransactions(context.Context, events.Partition) ([]stream.OpenTransaction, error) {
	return nil, nil
}

func (half) PartitionOffsets(context.Context, events.Partition) (stream.Offsets, bool, error) {
	return stream.Offsets{}, true, nil
}
func (half) Verify(context.Context, events.Partition, stream.Position) error    { return nil }
func (half) NewReader(context.Context) Reader                                   { return half{} }
func (half) Open(events.Partition, stream.Position) PartitionReader             { return half{} }
func (half) Next(context.Context) (*stream.Batch, error)                        { panic("it has nothing") }
func (half) Close()                                                             {}
func (half) Commit(context.Context, map[events.Partition]events.Offset) error   { return nil }
func (half) Committed(context.Context, events.Partition) (events.Offset, error) { return -1, nil }

// hasty is a clock on which waiting takes no time; slept is called each time.
type hasty struct {
	Host
	mu    sync.Mutex
	now   time.Time
	slept func(total time.Duration)
}

func (c *hasty) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *hasty) Sleep(ctx context.Context, d time.Duration) error {
	if d > glanceInterval { // of others than the one that is tested
		return c.Host.Sleep(ctx, d)
	}
	c.mu.Lock()
	c.now = c.now.Add(d)
	total := c.now.Sub(time.Unix(1790812800, 0))
	c.mu.Unlock()
	c.slept(total)
	return ctx.Err()
}

// TestUntilEndAwaitsOthers: a process that is to end when all is read does not when its own share is.
func TestUntilEndAwaitsOthers(t *testing.T) {
	bucket, err := checkpoint.Open(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	keys := identity.NewKeyring(identity.NewGUIDKey([16]byte{1}))
	template := &events.Template{TimeZone: "UTC", Precision: 6, Limits: events.DefaultLimits, KeyID: keys.Newest().ID(), SealKey: make(ed25519.PublicKey, ed25519.PublicKeySize)}
	topic := &stream.Topic{Name: "events", ID: "id", Cluster: "c", Partitions: []stream.PartitionInfo{{ID: 0}, {ID: 1}}}
	for name, tt := range map[string]struct {
		other events.Offset // where the other partition is in the end, one more each second
		err   bool
	}{"who reads on": {10, false}, "who stops halfway": {5, true}, "who never begins": {0, true}} {
		t.Run(name, func(t *testing.T) {
			state := checkpoint.OpenTopic(bucket, topic.Name, name)
			rules, err := state.Rules(t.Context(), template)
			if err != nil {
				t.Fatal(err)
			}
			id := counter.Identity{Cluster: topic.Cluster, TopicID: name, Partition: 1}
			part, shard, at := state.Partition(id), counter.NewShard(id, rules, keys), events.Offset(0)
			if _, _, err := part.Load(t.Context(), func() *counter.Shard { return counter.NewShard(id, rules, keys) }); !errors.Is(err, checkpoint.ErrNone) {
				t.Fatal(err)
			}
			clock := &hasty{now: time.Unix(1790812800, 0), slept: func(total time.Duration) {
				for at < tt.other && at < events.Offset(total/time.Second) {
					at++
					if _, err := part.Save(t.Context(), shard.Cut(counter.Position{Next: at, BatchOffset: at - 1})); err != nil {
						t.Error(err)
					}
				}
			}}
			mine := *topic
			mine.ID = name
			err = Run(t.Context(), Config{
				Log: half{}, Group: half{}, Topic: &mine, State: state, Template: template, Keys: keys, Interval: time.Hour / 60,
				Until: func(events.Partition) bool { return true }, Logger: slog.New(slog.DiscardHandler), Clock: clock,
			})
			var unread *UnreadError
			switch {
			case at != tt.other:
				t.Errorf("ended when the other was at %d, want %d", at, tt.other)
			case !tt.err && err != nil:
				t.Error(err)
			case tt.err && (!errors.As(err, &unread) || !slices.Equal(unread.Partitions, []events.Partition{1})):
				t.Errorf("got %v", err)
			}
		})
	}
}
