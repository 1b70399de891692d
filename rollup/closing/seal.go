package closing

import (
	"context"
	"errors"
	"fmt"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/signed"
	"headcount/events/stream"
	"headcount/rollup/closed"
)

// unsealed returns those of the partitions that have no sealed index yet.
func (b *begun) unsealed(ctx context.Context, partitions []events.Partition) ([]events.Partition, error) {
	var open []events.Partition
	for _, p := range partitions {
		index, err := b.this.Partition(p).Index(ctx, b.month)
		switch {
		case errors.Is(err, checkpoint.ErrNotSealed):
			open = append(open, p)
		case err != nil:
			return nil, fmt.Errorf("partition %d: %w", p, err)
		case index.SealID != b.this.Closing.SealID:
			return nil, &closed.ForeignSealError{Month: b.month, Partition: p, Seal: index.SealID, Closing: b.this.Closing.SealID}
		}
	}
	return open, nil
}

// seal appends the month's seal to every partition that has none. A seal that is there already but was not read yet is
// repeated: only the first counts. It returns where the partitions ended after that; nil: all are sealed.
func (b *begun) seal(ctx context.Context) (ends map[events.Partition]events.Offset, _ error) {
	closing := &b.this.Closing
	open, err := b.unsealed(ctx, closing.Partitions)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	previous := b.previous()
	var messages []stream.Message
	for _, p := range open {
		s := signed.Seal{
			Version: signed.SealVersion, Cluster: closing.Cluster, TopicID: closing.TopicID, Partition: p, Month: b.month,
			SealID: closing.SealID, RulesHash: closing.RulesHash, Partitions: closing.Partitions, Previous: previous,
		}
		messages = append(messages, stream.Message{Partition: p, Value: s.Sign(b.SealKey), Time: b.Clock.Now()})
	}
	if err := b.conn.Produce(ctx, messages); err != nil {
		return nil, &closed.UnreachableError{What: "seal " + b.month.String(), Err: err, Again: true}
	}
	b.Log.Info("seals written", "month", b.month, "partitions", len(messages))
	offsets, err := b.conn.Offsets(ctx)
	if err != nil {
		return nil, &closed.UnreachableError{What: "offsets of " + closing.Topic, Err: err, Again: true}
	}
	ends = map[events.Partition]events.Offset{}
	for p, o := range offsets {
		ends[p] = o.End
	}
	return ends, nil
}

// previous is the closing that the month's seals name as the one before; nil: there is none.
func (b *begun) previous() *signed.PreviousClosing {
	if b.before == nil {
		return nil
	}
	previous := &signed.PreviousClosing{Month: b.before.Month, Partitions: []events.Partition{}}
	if b.before.Closing.TopicID == b.this.Closing.TopicID { // else no partition of this topic was in it
		previous.Partitions = b.before.Closing.Partitions
	}
	return previous
}
