package group

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events/stream/wire"
)

// The versions of the group's requests: the first with static members, and none of those whose encoding changed after.
const (
	joinVersion        = 5
	syncVersion        = 3
	heartbeatVersion   = 3
	leaveVersion       = 3
	commitVersion      = 7
	committedVersion   = 5
	coordinatorVersion = 1
)

// find asks who coordinates the group, where that is not known.
func (m *membership) find(ctx context.Context) (err error) {
	if m.coordinator == AnyBroker {
		m.coordinator, err = m.g.coordinator(ctx)
	}
	return err
}

// call does an exchange that takes no longer than others.
func (g *Group) call(ctx context.Context, node int32, key protocol.ApiKey, version int16, body []byte) (*wire.Decoder, error) {
	return g.cluster.Call(ctx, node, key, version, body, 0)
}

func (g *Group) coordinator(ctx context.Context) (int32, error) {
	var e wire.Encoder
	e.Str(g.config.Group)
	e.Int8(0) // of a group
	d, err := g.call(ctx, AnyBroker, protocol.FindCoordinator, coordinatorVersion, e.Buf)
	if err != nil {
		return AnyBroker, err
	}
	return decodeCoordinator(d, g.config.Group)
}

func decodeCoordinator(d *wire.Decoder, group string) (int32, error) {
	d.Int32() // throttle
	c, message, node := wire.Code(d.Int16()), d.Str(), d.Int32()
	if d.Err != nil {
		return AnyBroker, fmt.Errorf("find the coordinator of group %s: answer: %w", group, d.Err)
	}
	if err := wire.Refusal(c, "find the coordinator of", "group "+group, message); err != nil {
		return AnyBroker, err
	}
	return node, nil
}

// exchange asks the coordinator what is answered with a code alone, or with one and what this package does not need.
func (m *membership) exchange(ctx context.Context, key protocol.ApiKey, version int16, body []byte) (wire.Code, error) {
	d, err := m.g.call(ctx, m.coordinator, key, version, body)
	if err != nil {
		return 0, err
	}
	return decodeVerdict(d, key)
}

func decodeVerdict(d *wire.Decoder, key protocol.ApiKey) (wire.Code, error) {
	d.Int32() // throttle
	c := wire.Code(d.Int16())
	if d.Err != nil {
		return 0, fmt.Errorf("%v answer: %w", key, d.Err)
	}
	return c, nil
}
