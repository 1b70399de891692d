package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
)

// restore loads the newest checkpoint that verifies, or starts at offset 0, and holds it against the log. The rules live as long
// as longer: a batch that was begun is counted whole.
func (w *Worker) restore(ctx, longer context.Context) error {
	if err := ctx.Err(); err != nil { // of two that are ready, select takes any
		return err
	}
	if w.cfg.starts != nil { // many at a time would hold many checkpoints and topic layouts
		select {
		case w.cfg.starts <- struct{}{}:
			defer func() { <-w.cfg.starts }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	rules, err := w.cfg.State.Rules(longer, w.cfg.Template)
	if err != nil {
		return err
	}
	id := counter.Identity{Cluster: w.cfg.Topic.Cluster, TopicID: w.cfg.Topic.ID, Partition: w.partition}
	seals := &chain{w: w, ctx: longer}
	fresh := func() *counter.Shard {
		s := counter.NewShard(id, rules, w.cfg.Keys)
		s.SetChain(seals)
		return s
	}
	committed := w.committed(ctx)
	shard, loaded, err := w.part.Load(ctx, fresh)
	if loaded != nil {
		for _, line := range loaded.Superseded {
			w.log.Info("checkpoint superseded", "why", line)
		}
		for _, line := range loaded.Skipped {
			w.log.Warn("checkpoint not used", "why", line)
		}
	}
	switch {
	case errors.Is(err, checkpoint.ErrNone):
		w.shard, w.pos = fresh(), counter.Position{BatchOffset: -1, LeaderEpoch: -1}
		w.log.Info("no checkpoint: counting from offset 0")
	case err != nil:
		return fmt.Errorf("load checkpoint: %w", err)
	default:
		w.shard, w.pos, w.cut = shard, loaded.Position, loaded.Position.Next
		w.ignored = loaded.State.InvalidSeals
		w.log.Info("restored", "offset", w.pos.Next, "generation", loaded.Generation)
	}
	if err := w.recall(ctx); err != nil {
		return err
	}
	w.tripwire(committed, loaded)
	if w.cfg.Former != "" && shard == nil {
		if err := w.accept(ctx, counter.Gap{From: -1, To: 0, Reason: w.cfg.Former}); err != nil {
			return err
		}
		if err := w.lastCheckpoint(ctx); err != nil {
			return err
		}
	}
	return w.compare(ctx)
}

// recall has the shard know of every loss on record, whichever checkpoint it comes from, and the record of every loss that the
// shard knows of.
func (w *Worker) recall(ctx context.Context) error {
	recorded, damaged, err := w.part.Gaps(ctx)
	if err != nil {
		return err
	}
	w.unknown = len(damaged) > 0
	for _, err := range damaged {
		w.log.Error("the record of an accepted loss is damaged: until it is restored from a backup, every close holds its invoices", "error", err)
	}
	known := w.shard.State().Gaps
	for _, g := range recorded {
		if !slices.Contains(known, g) {
			w.log.Warn("a loss that was accepted stays on the record", "from", g.From, "to", g.To, "why", g.Reason)
			w.shard.AcceptGap(g)
		}
	}
	for _, g := range known {
		if !slices.Contains(recorded, g) {
			if err := w.part.Accept(ctx, g, w.cfg.Clock.Now()); err != nil {
				return err
			}
		}
	}
	return nil
}

// accept puts a loss that the operator accepted on record, before anything that lies behind it is read: who finds a month sealed
// from there on finds the loss too.
func (w *Worker) accept(ctx context.Context, g counter.Gap) error {
	if err := w.part.Accept(ctx, g, w.cfg.Clock.Now()); err != nil {
		return err
	}
	w.shard.AcceptGap(g)
	return nil
}

// compare holds the position against the log: what the log lost stops the shard, unless the operator accepted the gap.
func (w *Worker) compare(ctx context.Context) error {
	offsets, ok, err := w.cfg.Log.PartitionOffsets(ctx, w.partition)
	if err != nil {
		return err
	}
	if !ok {
		return &Halted{fmt.Errorf("topic %s has no such partition", w.cfg.Topic.Name)}
	}
	err = w.cfg.Log.Verify(ctx, w.partition, LogPosition(w.pos))
	if err != nil {
		var gap *stream.GapError
		var truncated *stream.TruncatedError
		if w.cfg.AcceptGap && errors.As(err, &truncated) {
			return w.replaced(ctx, truncated, offsets)
		}
		if !errors.As(err, &gap) || !w.cfg.AcceptGap {
			return halt(err)
		}
		w.log.Warn("gap accepted: the records are lost, the month's invoices will be held", "from", w.pos.Next, "to", offsets.Start)
		if err := w.sealedInGap(ctx, offsets.Start); err != nil {
			return err
		}
		lost := counter.Gap{From: w.pos.Next, To: offsets.Start, Reason: fmt.Sprintf("offsets %d to %d were gone from the log", w.pos.Next, offsets.Start-1)}
		if err := w.accept(ctx, lost); err != nil {
			return err
		}
		w.pos = counter.Position{Next: offsets.Start, BatchOffset: -1, LeaderEpoch: -1}
		if err := w.lastCheckpoint(ctx); err != nil {
			return err
		}
	}
	w.until(offsets)
	return nil
}

func (w *Worker) until(offsets stream.Offsets) {
	if w.cfg.Until != nil && w.cfg.Until(w.partition) {
		w.end = offsets.Stable
	}
}

// replaced goes on in a log that was cut short, or whose last part is another than the one that was counted: what was counted
// stays, and what took its place is lost.
func (w *Worker) replaced(ctx context.Context, e *stream.TruncatedError, offsets stream.Offsets) error {
	w.log.Warn("loss accepted: the log was replaced where it was counted, the month's invoices will be held", "detail", e.Detail)
	next := min(w.pos.Next, offsets.End)
	lost := counter.Gap{From: min(e.From, next), To: w.pos.Next, Reason: "the log was replaced after it was counted: " + e.Detail}
	if err := w.accept(ctx, lost); err != nil {
		return err
	}
	w.pos = counter.Position{Next: next, BatchOffset: -1, LeaderEpoch: -1}
	w.cut = -1 // nothing new but this
	w.until(offsets)
	return w.lastCheckpoint(ctx)
}

// sealedInGap takes from the state store what the log can no longer tell: the newest month whose seal lies before the log's
// present start. Without it no later seal would follow. It is asked for by name, from the present month or the last that is listed on: a
// list may be old, and a clock behind.
func (w *Worker) sealedInGap(ctx context.Context, start events.Offset) error {
	state, now := w.shard.State(), w.cfg.Clock.Now()
	after := max(state.Sealed, events.MonthOf(1999, time.December)) // no event counts as older
	listed, err := w.part.SealedMonths(ctx)
	if err != nil {
		return err
	}
	until := slices.Max(append(listed, events.MonthOf(now.Year(), now.Month())+1))
	m, hash, err := w.part.SealedBefore(ctx, start, after, until)
	if err != nil || m == 0 {
		return err
	}
	state.Sealed, state.SealHash = m, hash
	state.Apps, state.Unattributed = nil, counter.Stretch{}
	w.log.Warn("a seal was lost with the gap; the sealed month in the state store stands", "month", m)
	return w.shard.Absorb(&counter.Delta{Partition: w.partition, Position: w.pos, State: state})
}

// halt marks errors that say that the log is not what it was, or cannot be read, or does not make what was sealed: they need an
// operator and concern one partition.
func halt(err error) error {
	var gap *stream.GapError
	var truncated *stream.TruncatedError
	var recreated *stream.RecreatedError
	var corrupt *stream.CorruptError
	if errors.As(err, &gap) || errors.As(err, &truncated) || errors.As(err, &recreated) || errors.As(err, &corrupt) || errors.Is(err, checkpoint.ErrDiffers) {
		return &Halted{err}
	}
	return err
}
