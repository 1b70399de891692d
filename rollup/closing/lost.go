package closing

import (
	"context"
	"errors"
	"fmt"

	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rollup/closed"
	"headcount/rollup/usage"
)

// lost returns the losses of log that may have taken events of the month, or what came late of the one before. They concern every account.
//
// It comes after the sealed months were opened. Whoever sealed one from behind a loss had put the loss on record before: it is found
// now. A loss that is put on record later came when the month was sealed already, with all of its records.
func (b *begun) lost(ctx context.Context) (reasons []string, err error) {
	offsets, err := b.conn.Offsets(ctx)
	if _, again := errors.AsType[*stream.RecreatedError](err); again {
		return nil, &LogGoneError{b.month, err}
	}
	if err != nil {
		return nil, &closed.UnreachableError{What: "offsets of " + b.this.Closing.Topic, Err: err, Again: true}
	}
	closing, sealed := &b.this.Closing, b.this.Sealed()
	rules, err := b.this.Rules(ctx)
	if err != nil {
		return nil, err
	}
	key, err := rules.PublicKey()
	if err != nil {
		return nil, err
	}
	in := b.conn.NewReader(ctx)
	defer in.Close()
	seals := make([]worker.PartitionReader, len(sealed))
	for i := range seals {
		seals[i] = openSeal(in, sealed[i].Index, offsets[closing.Partitions[i]])
	}
	var cut, lost []string
	for i, p := range closing.Partitions {
		index := sealed[i].Index
		how, err := b.cutBefore(ctx, seals[i], index, offsets[p], key)
		if err != nil {
			return nil, err
		}
		if how != "" {
			cut = append(cut, fmt.Sprintf("topic %s partition %d: %s the seal of %s at offset %d", closing.Topic, p, how, b.month, index.Offset))
		}
		more, err := usage.Losses(ctx, b.this.Partition(p), p, b.month, index.Offset, closing.At)
		if err != nil {
			return nil, err
		}
		lost = append(lost, more...)
	}
	if len(cut) > 0 {
		reasons = append(reasons, some(cut)+": records were lost after they were counted (unclean leader election, restored backup?); the sealed count stands, but the log gives it again only when the topic is restored from its backup")
	}
	if len(lost) > 0 {
		reasons = append(reasons, some(lost))
	}
	return reasons, nil
}
