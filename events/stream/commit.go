package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"
)

// Commit tells the group how far each partition is counted, for whoever watches its lag. Headcount itself never reads it back. It
// does nothing without a group, or while this process is no member.
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
