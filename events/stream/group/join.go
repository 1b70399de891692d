package group

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/wire"
)

// join goes through JoinGroup and SyncGroup once and returns what is ours.
func (m *membership) join(ctx context.Context) ([]events.Partition, error) {
	partitions, err := m.g.cluster.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.find(ctx); err != nil {
		return nil, err
	}
	m.partitions = partitions
	said := subscription{topic: m.g.config.Topic, partitions: m.partitions, generation: -1, owned: m.owned, installation: m.g.config.Installation}
	if len(m.owned) > 0 {
		said.generation = m.generation
	}
	c := m.g.config
	var e wire.Encoder
	e.Str(c.Group)
	e.Int32(int32(c.SessionTimeout / time.Millisecond))
	e.Int32(int32(c.RebalanceTimeout / time.Millisecond))
	e.Str(m.id)
	e.Nullable(c.Instance)
	e.Str("consumer")
	e.Array(1)
	e.Str(protocolName)
	e.Bytes(said.encode())
	// The answer comes when all have joined, or the group has waited long enough for them.
	d, err := m.g.cluster.Call(ctx, m.coordinator, protocol.JoinGroup, joinVersion, e.Buf, c.RebalanceTimeout+c.RequestTimeout)
	if err != nil {
		return nil, err
	}
	a, err := decodeJoin(d)
	if err != nil {
		return nil, err
	}
	if a.id != "" {
		m.id = a.id
	}
	switch err := m.verdict(a.code, "join"); {
	case a.code == wire.CodeMemberIDRequired:
		return nil, errAgain
	case err != nil:
		return nil, err
	}
	m.generation = a.generation
	var shares map[string][]events.Partition
	if a.leader == a.id && len(a.members) > 0 {
		if shares, err = m.shareOut(a); err != nil {
			return nil, err
		}
	}
	return m.sync(ctx, shares)
}

// sync hands the shares in, where we lead, and returns ours.
func (m *membership) sync(ctx context.Context, shares map[string][]events.Partition) ([]events.Partition, error) {
	var e wire.Encoder
	e.Str(m.g.config.Group)
	e.Int32(m.generation)
	e.Str(m.id)
	e.Nullable(m.g.config.Instance)
	e.Array(len(shares))
	for _, id := range slices.Sorted(maps.Keys(shares)) {
		e.Str(id)
		e.Bytes(encodeAssignment(m.g.config.Topic, shares[id]))
	}
	d, err := m.g.call(ctx, m.coordinator, protocol.SyncGroup, syncVersion, e.Buf)
	if err != nil {
		return nil, err
	}
	c, assignment, err := decodeSync(d)
	if err != nil {
		return nil, err
	}
	if err := m.verdict(c, "sync with"); err != nil {
		return nil, err
	}
	return decodeAssignment(assignment, m.g.config.Topic)
}

// joined is the answer to JoinGroup.
type joined struct {
	code       wire.Code
	generation int32
	id, leader string
	members    []joinedMember // where we lead
}

type joinedMember struct {
	id, instance string
	subscription []byte
}

func decodeJoin(d *wire.Decoder) (joined, error) {
	var a joined
	d.Int32() // throttle
	a.code, a.generation = wire.Code(d.Int16()), d.Int32()
	d.Str() // protocol
	a.leader, a.id = d.Str(), d.Str()
	for n := d.Array(8); n > 0; n-- {
		a.members = append(a.members, joinedMember{d.Str(), d.Str(), d.Bytes()})
	}
	if d.Err != nil {
		return joined{}, fmt.Errorf("join the group: answer: %w", d.Err)
	}
	return a, nil
}

func decodeSync(d *wire.Decoder) (c wire.Code, assignment []byte, err error) {
	d.Int32() // throttle
	c, assignment = wire.Code(d.Int16()), d.Bytes()
	if d.Err != nil {
		return 0, nil, fmt.Errorf("sync with the group: answer: %w", d.Err)
	}
	return c, assignment, nil
}

// ErrStranger says that a member of the group is not one of ours.
var ErrStranger = errors.New("another program in the group? give the group a name of its own")

// shareOut is the leader's part.
func (m *membership) shareOut(a joined) (map[string][]events.Partition, error) {
	n, topic := m.partitions, m.g.config.Topic
	var claims []claimant
	for _, member := range a.members {
		s, err := decodeSubscription(member.subscription, topic)
		if err != nil {
			return nil, fmt.Errorf("member %s of group %s: %w (%w)", member.id, m.g.config.Group, err, ErrStranger)
		}
		if s.topic != topic {
			return nil, &wire.BrokerError{Code: int16(wire.CodeInconsistentProtocol), Op: "join", Subject: "group " + m.g.config.Group,
				Message: fmt.Sprintf("member %s reads another topic than %s", member.id, topic)}
		}
		n = max(n, s.partitions)
		claims = append(claims, claimant{id: member.id, name: cmp.Or(member.instance, member.id), subscription: s})
	}
	return share(n, claims), nil
}
