package worker

import (
	"context"
	"slices"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
)

// committed asks how far the group says that the partition was counted; −1: it says nothing. It is asked before the checkpoints are: a
// checkpoint is there before its offset is committed, so that what is found then reaches as far, or was lost.
func (w *Worker) committed(ctx context.Context) events.Offset {
	now := w.cfg.Clock.Now()
	if w.cfg.mute != nil && now.UnixMilli() < w.cfg.mute.Load() {
		return -1
	}
	offset, err := w.cfg.Log.Committed(ctx, w.partition)
	if err != nil {
		if ctx.Err() == nil {
			if w.cfg.mute != nil {
				w.cfg.mute.Store(now.Add(time.Minute).UnixMilli())
			}
			w.log.Info("the group's offset cannot be read: it is not compared with the checkpoint's", "error", err)
		}
		return -1
	}
	return offset
}

// tripwire says so where the state is older than what was counted by what the group knows: it was lost, or an older copy was put back.
// Nothing else follows from the group's offset, which anybody may set: what lies behind the checkpoint is counted again, and what the log
// no longer holds of it is found by comparing position and log.
func (w *Worker) tripwire(committed events.Offset, loaded *checkpoint.Loaded) {
	known := loaded != nil && len(loaded.Superseded) > 0 || // by a recount
		slices.ContainsFunc(w.shard.State().Gaps, func(g counter.Gap) bool { return committed <= g.To }) // the position went back on record
	if committed <= w.pos.Next || known {
		return
	}
	w.log.Warn("the group's offset lies beyond the state: checkpoints were lost, an older state was put back, or the group's offset was set by hand; what lies between is counted again",
		"group_offset", committed, "state_offset", w.pos.Next)
}
