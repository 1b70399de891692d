package closing

import (
	"context"
	"errors"
	"fmt"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/signed"
	"headcount/events/stream"
)

// unsealed returns those of the partitions that have no sealed index yet.
func (w *work) unsealed(ctx context.Context, partitions []events.Partition) ([]events.Partition, error) {
	var open []events.Partition
	for _, p := range partitions {
		index, err := w.this.partition(p).Index(ctx, w.month)
		switch {
		case errors.Is(err, checkpoint.ErrNotSealed):
			open = append(open, p)
		case err != nil:
			return nil, fmt.Errorf("partition %d: %w", p, err)
		case index.SealID != w.this.Closing.SealID:
			return nil, &ForeignLedgerError{w.month, fmt.Sprintf("partition %d is sealed by %s, but the ledger's closing of %s is %s: state store and ledger do not belong together; restore the ledger from its backup",
				p, index.SealID, w.month, w.this.Closing.SealID)}
		}
	}
	return open, nil
}

// seal appends the month's seal to every partition that has none. A seal that is there already but was not read yet is
// repeated: only the first counts.
func (w *work) seal(ctx context.Context) error {
	closing := &w.this.Closing
	open, err := w.unsealed(ctx, closing.Partitions)
	if err != nil || len(open) == 0 {
		return err
	}
	previous, err := w.previous(ctx)
	if err != nil {
		return err
	}
	var messages []stream.Message
	for _, p := range open {
		s := signed.Seal{
			Version: signed.SealVersion, Cluster: closing.Cluster, TopicID: closing.TopicID, Partition: p, Month: w.month,
			SealID: closing.SealID, RulesHash: closing.RulesHash, Partitions: closing.Partitions, Previous: previous,
		}
		messages = append(messages, stream.Message{Partition: p, Value: s.Sign(w.SealKey), Time: w.Clock.Now()})
	}
	if err := w.conn.Produce(ctx, messages); err != nil {
		return &UnreachableError{What: "seal " + w.month.String(), Err: err, Again: true}
	}
	w.Log.Info("seals written", "month", w.month, "partitions", len(messages))
	offsets, err := w.conn.Offsets(ctx)
	if err != nil {
		return &UnreachableError{What: "offsets of " + closing.Topic, Err: err, Again: true}
	}
	w.ends = map[events.Partition]events.Offset{}
	for p, o := range offsets {
		w.ends[p] = o.End
	}
	return nil
}

// previous is the closing that the month's seals name as the one before; nil: there is none.
func (w *work) previous(ctx context.Context) (*signed.PreviousClosing, error) {
	former, err := w.former(ctx)
	if err != nil || former == nil {
		return nil, err
	}
	previous := &signed.PreviousClosing{Month: former.Month, Partitions: []events.Partition{}}
	if former.Closing.TopicID == w.this.Closing.TopicID { // else no partition of this topic was in it
		previous.Partitions = former.Closing.Partitions
	}
	return previous, nil
}
