package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headcount/counter"
	"headcount/events"
	"headcount/events/stream"
)

// mostNew is how many records Remake counts before it lets go of what a checkpoint would have taken.
const mostNew = 1 << 20

// silence is how long Remake waits for what the log had, before it asks for its end again.
const silence = 10 * time.Second

// Remake counts a partition once more from offset 0, in a shard of its own, up to the seal of a month, and puts back what of its
// sealed months is lost or damaged: their bytes are a function of rules and log. It writes neither checkpoints nor dead letters,
// so that it may go beside the partition's worker.
func Remake(ctx context.Context, cfg Config, partition events.Partition, month events.Month) error {
	w := New(cfg, partition)
	offsets, _, err := cfg.Log.PartitionOffsets(ctx, partition)
	if err != nil {
		return err
	}
	if offsets.Start > 0 {
		return &Halted{fmt.Errorf("partition %d: sealed month %s is lost or damaged, and the log, which begins at offset %d, cannot give it again: restore it from the state store's backup", partition, month, offsets.Start)}
	}
	rules, err := cfg.State.Rules(ctx, cfg.Template)
	if err != nil {
		return err
	}
	shard := counter.NewShard(counter.Identity{Cluster: cfg.Topic.Cluster, TopicID: cfg.Topic.ID, Partition: partition}, rules, cfg.Keys)
	reader := cfg.Log.NewReader(ctx)
	defer reader.Close()
	pos := counter.Position{BatchOffset: -1, LeaderEpoch: -1}
	in := reader.Open(partition, LogPosition(pos))
	defer in.Close()
	w.log.Warn("a sealed month is lost or damaged: counting again from offset 0 to put it back", "month", month)
	for fresh := 0; pos.Next < offsets.Stable; {
		wait, cancel := w.cfg.Clock.Until(ctx, w.cfg.Clock.Now().Add(silence))
		batch, err := in.Next(wait)
		cancel()
		if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) { // was the log cut since?
			if offsets, _, err = cfg.Log.PartitionOffsets(ctx, partition); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("partition %d: %w", partition, halt(err))
		}
		pos.Next = batch.Next
		n, done, err := remakeBatch(ctx, w, shard, batch, month)
		fresh += n
		batch.Release()
		if done || err != nil {
			return err
		}
		if fresh >= mostNew {
			shard.Cut(pos)
			fresh = 0
		}
	}
	return &Halted{fmt.Errorf("partition %d: sealed month %s is lost or damaged, and the log holds no valid seal of it: restore it from the state store's backup", partition, month)}
}

// remakeBatch counts a batch, and says of how many records, and whether the month is sealed.
func remakeBatch(ctx context.Context, w *Worker, shard *counter.Shard, batch *stream.Batch, month events.Month) (n int, done bool, err error) {
	for more := true; more; {
		n += len(batch.Records)
		if done, err = remakeRecords(ctx, w, shard, batch, month); done || err != nil {
			return n, done, err
		}
		if x := batch.Refused; x != nil {
			shard.Refuse(uint64(x.Last-x.First+1), x.Reason)
		}
		if more, err = batch.More(); err != nil {
			return n, false, halt(err)
		}
	}
	return n, false, nil
}

// remakeRecords says whether the month is sealed.
func remakeRecords(ctx context.Context, w *Worker, shard *counter.Shard, batch *stream.Batch, month events.Month) (bool, error) {
	for recs := batch.Records; len(recs) > 0; {
		n, sealed, err := shard.Count(recs)
		shard.TakeDead()
		if err != nil {
			return false, fmt.Errorf("partition %d: count again from offset %d: %w", w.partition, batch.Base, err)
		}
		if sealed != nil {
			index, err := w.part.Seal(ctx, sealed)
			if err != nil {
				return false, fmt.Errorf("put sealed month back: %w", halt(err))
			}
			w.log.Info("sealed month is whole", "month", sealed.Month, "offset", sealed.Offset, "apps", index.Apps, "rows", index.Rows)
			if sealed.Month == month {
				return true, nil
			}
		}
		recs = recs[n:]
	}
	return false, nil
}
