package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// Commit tells the group how far each partition is counted, for whoever watches its lag, and for the next to be told
// where state was lost (Committed). It does nothing without a group, or while this process is no member.
func (l *Log) Commit(ctx context.Context, offsets map[int32]int64) error {
	l.mu.Lock()
	ours := l.member
	l.mu.Unlock()
	if ours == nil || len(offsets) == 0 {
		return nil
	}
	m := *ours
	err := m.commit(ctx, offsets)
	if err != nil && (codeOf(err) == codeNone || codeOf(err) == codeNotCoordinator || codeOf(err) == codeNoCoordinator) {
		m.coordinator = anyBroker // it may have moved
		err = m.commit(ctx, offsets)
	}
	return err
}

func (m *membership) commit(ctx context.Context, offsets map[int32]int64) error {
	if err := m.find(ctx); err != nil {
		return err
	}
	c := m.l.config
	var e encoder
	e.string(c.Group)
	e.int32(m.generation)
	e.string(m.id)
	e.nullable(c.Instance)
	e.array(1)
	e.string(c.Topic)
	e.array(len(offsets))
	for p, o := range offsets {
		e.int32(p)
		e.int64(o)
		e.int32(-1) // leader epoch
		e.nullable("")
	}
	d, err := m.l.call(ctx, m.coordinator, protocol.OffsetCommit, commitVersion, e.b)
	if err != nil {
		return err
	}
	return decodeCommit(d)
}

func decodeCommit(d *decoder) error {
	var errs []error
	d.int32() // throttle
	for n := d.array(6); n > 0; n-- {
		topic := d.string()
		for m := d.array(6); m > 0; m-- {
			partition, c := d.int32(), code(d.int16())
			errs = append(errs, refusal(c, "commit the offset of", partitionName(topic, partition), ""))
		}
	}
	if d.err != nil {
		return fmt.Errorf("commit offsets: answer: %w", d.err)
	}
	return errors.Join(errs...)
}

// glance is how long Committed takes at most: nothing waits for what it tells.
const glance = 5 * time.Second

// Committed tells how far a partition was counted when the group was told last; −1: it was not, or there is no group. It is asked once.
func (l *Log) Committed(ctx context.Context, partition int32) (int64, error) {
	c := l.config
	if c.Group == "" {
		return -1, nil
	}
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	node, err := l.coordinator(ctx)
	if err != nil {
		return -1, err
	}
	var e encoder
	e.string(c.Group)
	e.array(1)
	e.string(c.Topic)
	e.array(1)
	e.int32(partition)
	d, err := l.call(ctx, node, protocol.OffsetFetch, committedVersion, e.b)
	if err != nil {
		return -1, err
	}
	return decodeCommitted(d, c.Topic, partition)
}

func decodeCommitted(d *decoder, topic string, partition int32) (int64, error) {
	const op = "ask for the committed offset of"
	offset, found := int64(-1), false
	var refused error
	d.int32() // throttle
	for n := d.array(6); n > 0; n-- {
		name := d.string()
		for m := d.array(20); m > 0; m-- {
			id, at := d.int32(), d.int64()
			d.int32()  // leader epoch
			d.string() // metadata
			if c := code(d.int16()); name == topic && id == partition {
				found, offset, refused = true, at, refusal(c, op, partitionName(topic, partition), "")
			}
		}
	}
	all := code(d.int16())
	if d.err == nil && all == codeNoGroup { // it is made by its first member
		return -1, nil
	}
	group := refusal(all, op, partitionName(topic, partition), "")
	if d.err == nil && group == nil && !found {
		d.err = errLeftOut
	}
	if d.err != nil {
		return -1, fmt.Errorf("%s %s: answer: %w", op, partitionName(topic, partition), d.err)
	}
	return offset, errors.Join(group, refused)
}
