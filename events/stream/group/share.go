package group

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"headcount/events"
	"headcount/events/stream/wire"
)

// A member tells the group, in its subscription, what it owns and how many partitions it knows; the group's leader shares the
// partitions out. A partition that has to move is given to nobody at first: its owner sees that it lost it, stops, and joins anew,
// and then the next takes it. So no two read a partition at a time, and what stays is not interrupted.

// protocolName is what members must have in common.
const protocolName = "headcount-v1"

// subscription is what a member says when it joins: Kafka's own form, version 1, so that its tools can show it.
type subscription struct {
	topic      string
	partitions int32 // how many the topic has, as the member knows: a change makes the group share out anew
	generation int32 // in which owned was given; −1: nothing is owned
	owned      []events.Partition

	installation string // of which the member is: Config.Installation; empty: it does not say
}

func (s subscription) encode() []byte {
	var data wire.Encoder
	data.Int32(s.partitions)
	data.Int32(s.generation)
	data.Str(s.installation)
	var e wire.Encoder
	e.Int16(1)
	e.Array(1)
	e.Str(s.topic)
	e.Bytes(data.Buf)
	encodeOwned(&e, s.topic, s.owned)
	return e.Buf
}

func encodeOwned(e *wire.Encoder, topic string, partitions []events.Partition) {
	e.Array(1)
	e.Str(topic)
	e.Array(len(partitions))
	for _, p := range partitions {
		e.Partition(p)
	}
}

// mostPartitions is how many a member may say that the topic has: shares are made for so many.
const mostPartitions = 1 << 20

func decodeSubscription(b []byte, topic string) (subscription, error) {
	d := wire.Decoder{Buf: b}
	s := subscription{generation: -1}
	version := d.Int16()
	for n := d.Array(2); n > 0; n-- {
		if name := d.Str(); name == topic {
			s.topic = name
		}
	}
	data := wire.Decoder{Buf: d.Bytes()}
	s.partitions, s.generation = data.Int32(), data.Int32()
	if len(data.Buf) > 0 { // members of earlier builds do not say it
		s.installation = data.Str()
	}
	if version >= 1 {
		s.owned = decodeOwned(&d, topic)
	}
	if err := errors.Join(d.Err, data.Err); err != nil {
		return s, fmt.Errorf("subscription: %w", err)
	}
	if s.partitions > mostPartitions {
		return s, fmt.Errorf("subscription: %d partitions, the most that are shared out are %d", s.partitions, mostPartitions)
	}
	return s, nil
}

func decodeOwned(d *wire.Decoder, topic string) []events.Partition {
	var owned []events.Partition
	for n := d.Array(6); n > 0; n-- {
		name := d.Str()
		if ps := d.Partitions(); name == topic {
			owned = append(owned, ps...)
		}
	}
	return owned
}

func encodeAssignment(topic string, partitions []events.Partition) []byte {
	var e wire.Encoder
	e.Int16(1)
	encodeOwned(&e, topic, partitions)
	e.Int32(-1) // no user data
	return e.Buf
}

func decodeAssignment(b []byte, topic string) ([]events.Partition, error) {
	if len(b) == 0 {
		return nil, nil
	}
	d := wire.Decoder{Buf: b}
	d.Int16()
	owned := decodeOwned(&d, topic)
	if d.Err != nil {
		return nil, fmt.Errorf("assignment: %w", d.Err)
	}
	slices.Sort(owned)
	return owned, nil
}

// claimant is a member as the leader sees it.
type claimant struct {
	id   string // of the member, in the group
	name string // static name, else the id: sorts the members the same in every generation
	subscription
}

// share gives the partitions 0..n−1 to the members, evenly, moving as few as it can. A partition that is owned and must move is left
// out. The result has every member's id.
func share(n int32, members []claimant) map[string][]events.Partition {
	slices.SortFunc(members, func(a, b claimant) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id)) })
	// Who owns what: the claim of the latest generation holds.
	owner := make([]int, n)
	for p := range owner {
		owner[p] = -1
	}
	for i, m := range members {
		for _, p := range m.owned {
			if p >= 0 && p < events.Partition(n) && (owner[p] < 0 || members[owner[p]].generation < m.generation) {
				owner[p] = i
			}
		}
	}
	held := make([]int, len(members))
	for _, i := range owner {
		if i >= 0 {
			held[i]++
		}
	}
	// Quotas: the remainder goes to those that hold the most, so that nothing moves for it.
	quota := make([]int, len(members))
	order := make([]int, len(members))
	for i := range order {
		order[i] = i
		quota[i] = int(n) / len(members)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(held[b], held[a]) })
	for _, i := range order[:int(n)%len(members)] {
		quota[i]++
	}
	given := make(map[string][]events.Partition, len(members))
	for _, m := range members {
		given[m.id] = nil
	}
	var free []events.Partition
	for p := range events.Partition(n) {
		i := owner[p]
		switch {
		case i < 0:
			free = append(free, p)
		case len(given[members[i].id]) < quota[i]:
			given[members[i].id] = append(given[members[i].id], p)
		}
	}
	for i, m := range members {
		for len(given[m.id]) < quota[i] && len(free) > 0 {
			given[m.id] = append(given[m.id], free[0])
			free = free[1:]
		}
		slices.Sort(given[m.id])
	}
	return given
}

// without returns those of a that are not in b, sorted.
func without(a, b []events.Partition) []events.Partition {
	var rest []events.Partition
	for _, p := range a {
		if !slices.Contains(b, p) {
			rest = append(rest, p)
		}
	}
	slices.Sort(rest)
	return rest
}
