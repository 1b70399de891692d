package group

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/wire"
)

// Handler is told which partitions are ours. Its methods are called one at a time.
//
// Assigned names partitions that are ours from now on; it should return soon. Revoked names some that no longer are: it returns when
// nothing is done for them any more and what was done is durable; only then are they given to others.
type Handler interface {
	Assigned(partitions []events.Partition)
	Revoked(partitions []events.Partition)
}

// AnyBroker is a node that stands for whichever broker is at hand.
const AnyBroker int32 = -1

// Cluster is the brokers and the topic, as a group needs them. Its methods try once and are safe for concurrent use.
//
// Call sends a node a request whose body is encoded in a version that is not flexible, and returns the answer's body. It waits for
// the answer for as long as is usual, or for timeout, where that is not 0. Partitions counts the topic's, as of now; where the topic is
// gone for good the error is a wire.Lost. Warn shows a trouble that is retried, now and then while it lasts.
type Cluster interface {
	Call(ctx context.Context, node int32, key protocol.ApiKey, version int16, body []byte, timeout time.Duration) (*wire.Decoder, error)
	Partitions(ctx context.Context) (int32, error)
	Warn(what string, err error, args ...any)
}

// Config says which group, and how to be in it. All durations are to be above 0.
type Config struct {
	Group    string
	Topic    string // that the group shares
	Instance string // static member name; empty: a member of the moment

	Installation string // by which members of another installation in the group are told apart; empty: they are not

	SessionTimeout   time.Duration // after which a silent member's partitions go to others
	RebalanceTimeout time.Duration // how long the group waits for a member to rejoin
	RequestTimeout   time.Duration // for a broker to answer, beside that
	MetadataInterval time.Duration // how often the topic is looked at for new partitions
	Heartbeat        time.Duration // between two, which is also how soon we hear of a new member

	Logger *slog.Logger // who joins and leaves
}

// Group is a consumer group, seen from one process, which may be a member. Safe for concurrent use, but for Assign: one at a time.
type Group struct {
	cluster Cluster
	config  Config

	mu     sync.Mutex
	member *membership // a copy of ours, while Assign runs and the group knows us; nil: none
}

// New returns the group. It asks nothing yet.
func New(cluster Cluster, c Config) *Group {
	return &Group{cluster: cluster, config: c}
}

// Assign takes part in the group and keeps the handler told, until the context ends, with its error, or one is final: FencedError, a
// Lost of the cluster's, or a refusal that no retry helps. Before it returns all is revoked, and the place in the group is given up,
// unless it has a name.
func (g *Group) Assign(ctx context.Context, h Handler) error {
	m := &membership{g: g, coordinator: AnyBroker, generation: -1}
	err := m.run(ctx, h)
	g.setMember(nil)
	m.leave()
	return err
}

// setMember says whose generation commits are made in.
func (g *Group) setMember(m *membership) {
	var snapshot *membership
	if m != nil {
		snapshot = &membership{g: g, coordinator: m.coordinator, id: m.id, generation: m.generation}
	}
	g.mu.Lock()
	g.member = snapshot
	g.mu.Unlock()
}

// FencedError says that another process has joined the group under this one's static name.
type FencedError struct{ Group, Instance string }

func (e *FencedError) Lost() {}
func (e *FencedError) Error() string {
	return fmt.Sprintf("group %s: another process has joined as instance %q: this one, the older, leaves; give each process an instance "+
		"name of its own", e.Group, e.Instance)
}
