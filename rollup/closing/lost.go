package closing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
)

// lost returns the losses of log that may have taken events of the month, or what came late of the one before. They concern every account.
//
// It comes after the sealed months were opened. Whoever sealed one from behind a loss had put the loss on record before: it is found
// now. A loss that is put on record later came when the month was sealed already, with all of its records.
func (w *work) lost(ctx context.Context) (reasons []string, err error) {
	offsets, err := w.conn.Offsets(ctx)
	if _, again := errors.AsType[*stream.RecreatedError](err); again {
		return nil, &LogGoneError{w.month, err}
	}
	if err != nil {
		return nil, &UnreachableError{What: "offsets of " + w.this.Closing.Topic, Err: err, Again: true}
	}
	closing, sealed := &w.this.Closing, w.this.sealed
	rules, err := w.this.rules(ctx)
	if err != nil {
		return nil, err
	}
	key, err := rules.PublicKey()
	if err != nil {
		return nil, err
	}
	in := w.conn.NewReader(ctx)
	defer in.Close()
	seals := make([]worker.Partition, len(sealed))
	for i := range seals {
		seals[i] = openSeal(in, sealed[i].Index, offsets[closing.Partitions[i]])
	}
	var cut, lost []string
	for i, p := range closing.Partitions {
		index := sealed[i].Index
		how, err := w.cutBefore(ctx, seals[i], index, offsets[p], key)
		if err != nil {
			return nil, err
		}
		if how != "" {
			cut = append(cut, fmt.Sprintf("topic %s partition %d: %s the seal of %s at offset %d", closing.Topic, p, how, w.month, index.Offset))
		}
		more, err := Losses(ctx, w.this.partition(p), p, w.month, index.Offset, closing.At)
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

// Losses says which accepted losses may have taken events of a month that were to be counted in a partition up to an offset: that of
// its seal, which was written after the close began.
func Losses(ctx context.Context, in *checkpoint.Partition, p int32, m events.Month, seal int64, began time.Time) (lost []string, err error) {
	losses, damaged, err := in.Losses(ctx)
	if err != nil || len(losses)+len(damaged) == 0 {
		return nil, err
	}
	after := int64(-1)
	index, err := in.Index(ctx, m-2)
	switch {
	case err == nil:
		after = index.Offset
	case !errors.Is(err, checkpoint.ErrNotSealed):
		return nil, fmt.Errorf("partition %d: %w", p, err)
	}
	for _, l := range losses {
		if mayConcern(l, m, after, seal, began) {
			lost = append(lost, fmt.Sprintf("partition %d: records were lost (%s), and the loss was accepted", p, l.Reason))
		}
	}
	for _, err := range damaged {
		lost = append(lost, fmt.Sprintf("partition %d: records were lost, and which ones cannot be read: %v: restore it from the state store's backup", p, err))
	}
	return lost, nil
}

// early is how long before a month begins in UTC its first events may be written: time zones, and clocks that are wrong.
const early = 48 * time.Hour

// mayConcern says whether a loss may have taken events of a month: after is the offset of the seal of the month before the last
// (−1: none), seal that of the month. Where the log was cut off and the seal was the first to be written again, it lies at the
// very offset from which records were lost.
//
// What lies before the seal of the month before the last is none of this month's where that was closed in time. Where closes were
// missed it may be: unless the loss was accepted before the month began. What was accepted before the close began comes before the seal,
// also where that has a lower offset: in a log that was cut since, with an older state.
func mayConcern(l checkpoint.Loss, m events.Month, after, seal int64, began time.Time) bool {
	begins := time.Date(m.Year(), m.Calendar(), 1, 0, 0, 0, 0, time.UTC)
	if !l.Accepted.Before(begins.Add(-early)) {
		return l.From <= seal || l.Accepted.Before(began)
	}
	return l.From <= seal && l.To > after
}
