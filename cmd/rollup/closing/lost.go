package closing

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"headcount/cmd/cli"
	"headcount/cmd/rollup/usage"
	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events/stream"
)

// lost notes the losses of log that may have taken events of the month. They concern every account.
//
// It comes after the sealed months were opened. Whoever sealed one from behind a loss had put the loss on record before: it is found
// now. A loss that is put on record later came when the month was sealed already, with all of its records.
func (w *work) lost(ctx context.Context, sealed *opened, alarms usage.Alarms) error {
	offsets, err := w.conn.Offsets(ctx)
	if _, again := errors.AsType[*stream.RecreatedError](err); again {
		return cli.Fail(cli.CheckFailed, "%s was sealed, but its log is gone: %w", w.month, err)
	}
	if err != nil {
		return cli.Fail(cli.Unreachable, "offsets of %s: %w; run the close again", w.closing.Topic, err)
	}
	hold := func(format string, args ...any) { alarms[""] = append(alarms[""], fmt.Sprintf(format, args...)) }
	for i, p := range w.closing.Partitions {
		seal := sealed.months[i].Index.Offset
		if end := offsets[p].End; end <= seal {
			hold("topic %s partition %d: the log ends at offset %d, before the seal of %s at offset %d: records were lost after they were counted (topic made again, unclean leader election, restored backup?); the sealed count stands, but can be derived from the log again only where the topic is restored from its backup", w.closing.Topic, p, end, w.month, seal)
		}
		gaps, damaged, err := w.partition(p).Gaps(ctx)
		if err != nil {
			return err
		}
		for _, err := range damaged {
			hold("partition %d: records were lost, and which ones cannot be read: %v: restore it from the state store's backup", p, err)
		}
		if len(gaps) == 0 {
			continue
		}
		after, err := w.sealBefore(ctx, p)
		if err != nil {
			return err
		}
		for _, g := range gaps {
			if mayConcern(g, after, seal) {
				hold("partition %d: records were lost (%s), and the loss was accepted", p, g.Reason)
			}
		}
	}
	return nil
}

// madeAgain says that the topic is not the one on which the closing was begun, and what it holds where that one was sealed.
func (w *work) madeAgain(ctx context.Context) error {
	offsets, err := w.conn.Offsets(ctx)
	if err != nil {
		return cli.Fail(cli.Unreachable, "offsets of %s: %w; run the close again", w.closing.Topic, err)
	}
	state := checkpoint.OpenTopic(w.bucket, w.closing.Topic, w.closing.TopicID)
	var was strings.Builder
	for _, p := range w.closing.Partitions {
		index, err := state.Partition(counter.Identity{Cluster: w.closing.Cluster, TopicID: w.closing.TopicID, Partition: p}).Index(ctx, w.month)
		if err == nil {
			fmt.Fprintf(&was, "; partition %d was sealed at offset %d, the topic ends at offset %d there now", p, index.Offset, offsets[p].End)
		}
	}
	return cli.Fail(cli.CheckFailed, "topic %s was deleted and made again since the closing of %s was begun: its topic id was %s and is %s%s: the month cannot be closed from it; restore the brokers' data from a backup, or point kafka.brokers at a cluster that has the former topic",
		w.closing.Topic, w.month, w.closing.TopicID, w.topic.ID, &was)
}

// sealBefore returns the offset from which events of the month may lie in a partition: that of the seal of the month before the
// last; −1: it has none.
func (w *work) sealBefore(ctx context.Context, p int32) (int64, error) {
	index, err := w.partition(p).Index(ctx, w.month-2)
	if errors.Is(err, checkpoint.ErrNotSealed) {
		return -1, nil
	}
	if err != nil {
		return 0, fmt.Errorf("partition %d: %w", p, err)
	}
	return index.Offset, nil
}

// mayConcern says whether a gap may have taken events of a month: after is the offset of the seal of the month before the last
// (−1: none), seal that of the month. Where the log was cut off and the seal was the first to be written again, it lies at the
// very offset from which records were lost.
func mayConcern(g counter.Gap, after, seal int64) bool { return g.To > after && g.From <= seal }
