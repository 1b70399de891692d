package group

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/wire"
)

// Commit tells the group how far each partition is counted, for whoever watches its lag, and for the next to be told
// where state was lost (Committed). It does nothing while this process is no member.
func (g *Group) Commit(ctx context.Context, offsets map[events.Partition]events.Offset) error {
	g.mu.Lock()
	ours := g.member
	g.mu.Unlock()
	if ours == nil || len(offsets) == 0 {
		return nil
	}
	m := *ours
	err := m.commit(ctx, offsets)
	if err != nil && (wire.CodeOf(err) == wire.CodeNone || wire.CodeOf(err) == wire.CodeNotCoordinator || wire.CodeOf(err) == wire.CodeNoCoordinator) {
		m.coordinator = AnyBroker // it may have moved
		err = m.commit(ctx, offsets)
	}
	return err
}

func (m *membership) commit(ctx context.Context, offsets map[events.Partition]events.Offset) error {
	if err := m.find(ctx); err != nil {
		return err
	}
	c := m.g.config
	var e wire.Encoder
	e.Str(c.Group)
	e.Int32(m.generation)
	e.Str(m.id)
	e.Nullable(c.Instance)
	e.Array(1)
	e.Str(c.Topic)
	e.Array(len(offsets))
	for p, o := range offsets {
		e.Partition(p)
		e.Offset(o)
		e.Int32(-1) // leader epoch
		e.Nullable("")
	}
	d, err := m.g.call(ctx, m.coordinator, protocol.OffsetCommit, commitVersion, e.Buf)
	if err != nil {
		return err
	}
	return decodeCommit(d)
}

func decodeCommit(d *wire.Decoder) error {
	var errs []error
	d.Int32() // throttle
	for n := d.Array(6); n > 0; n-- {
		topic := d.Str()
		for m := d.Array(6); m > 0; m-- {
			partition, c := d.Partition(), wire.Code(d.Int16())
			errs = append(errs, wire.Refusal(c, "commit the offset of", wire.PartitionName(topic, partition), ""))
		}
	}
	if d.Err != nil {
		return fmt.Errorf("commit offsets: answer: %w", d.Err)
	}
	return errors.Join(errs...)
}

// glance is how long Committed takes at most: nothing waits for what it tells.
const glance = 5 * time.Second

// Committed tells how far a partition was counted when the group was told last; −1: it was not. It tries once.
func (g *Group) Committed(ctx context.Context, partition events.Partition) (events.Offset, error) {
	c := g.config
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	node, err := g.coordinator(ctx)
	if err != nil {
		return -1, err
	}
	var e wire.Encoder
	e.Str(c.Group)
	e.Array(1)
	e.Str(c.Topic)
	e.Array(1)
	e.Partition(partition)
	d, err := g.call(ctx, node, protocol.OffsetFetch, committedVersion, e.Buf)
	if err != nil {
		return -1, err
	}
	return decodeCommitted(d, c.Topic, partition)
}

func decodeCommitted(d *wire.Decoder, topic string, partition events.Partition) (events.Offset, error) {
	const op = "ask for the committed offset of"
	offset, found := events.Offset(-1), false
	var refused error
	d.Int32() // throttle
	for n := d.Array(6); n > 0; n-- {
		name := d.Str()
		for m := d.Array(20); m > 0; m-- {
			id, at := d.Partition(), d.Offset()
			d.Int32() // leader epoch
			d.Str()   // metadata
			if c := wire.Code(d.Int16()); name == topic && id == partition {
				found, offset, refused = true, at, wire.Refusal(c, op, wire.PartitionName(topic, partition), "")
			}
		}
	}
	all := wire.Code(d.Int16())
	if d.Err == nil && all == wire.CodeNoGroup { // it is made by its first member
		return -1, nil
	}
	group := wire.Refusal(all, op, wire.PartitionName(topic, partition), "")
	if d.Err == nil && group == nil && !found {
		d.Err = wire.ErrLeftOut
	}
	if d.Err != nil {
		return -1, fmt.Errorf("%s %s: answer: %w", op, wire.PartitionName(topic, partition), d.Err)
	}
	return offset, errors.Join(group, refused)
}
