package closing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/ingest/worker"
)

// waiting is a close that waits for its partitions.
type waiting struct {
	*begun
	ends    map[events.Partition]events.Offset // of the partitions, after their seal was written; nil: all were sealed
	counted map[events.Partition]events.Offset // up to where this close itself has counted
}

// wait returns when every partition of the closing is sealed. Partitions that nobody reads are counted here.
func (b *begun) wait(ctx context.Context, ends map[events.Partition]events.Offset) error {
	w := waiting{b, ends, map[events.Partition]events.Offset{}}
	open, why, err := w.untilSealed(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &TimedOutError{Month: b.month, Waited: b.Timeout, Partitions: open, Why: why}
	}
	return err
}

// untilSealed waits without a limit. Where it fails it says what is still open, and why.
func (w *waiting) untilSealed(ctx context.Context) (open []events.Partition, why string, err error) {
	all := w.this.Closing.Partitions
	w.Progress(0, int64(len(all)))
	began, pause := w.Clock.Now(), firstPause
	said := began
	for open = all; ; {
		still, err := w.unsealed(ctx, open)
		if err != nil {
			return open, why, err
		}
		open = still
		w.Progress(int64(len(all)-len(open)), int64(len(all)))
		if len(open) == 0 {
			w.Log.Info("every partition is sealed", "month", w.month, "partitions", len(all))
			return nil, "", nil
		}
		if why, err = w.tend(ctx, open, w.Clock.Now().Sub(began), pause > firstPause); err != nil {
			return open, why, err
		}
		if now := w.Clock.Now(); now.Sub(said) > saidEvery {
			said = now
			w.Log.Warn("the close waits for sealed partitions", "month", w.month, "partitions", list(open), "why", why, "since", began.Format(time.RFC3339))
		}
		if err := w.Clock.Sleep(ctx, pause); err != nil {
			return open, why, err
		}
		pause = min(2*pause, longestPause)
	}
}

// tend counts those of the open partitions that nobody reads, and says what is known of the rest. Where it was there before, it also
// looks for those that will not be sealed by waiting.
func (w *waiting) tend(ctx context.Context, open []events.Partition, waited time.Duration, before bool) (why string, err error) {
	own, why := w.unowned(ctx, open, waited)
	if len(own) > 0 {
		if err := w.countHere(ctx, own, w.counted); err != nil {
			return why, err
		}
	}
	if !before {
		return why, nil
	}
	if err := w.passed(ctx, open); err != nil {
		return why, err
	}
	return why + w.undecided(ctx, open), nil
}

// The pauses between two looks at what is sealed.
const (
	firstPause   = 10 * time.Millisecond
	longestPause = time.Second
)

// passed looks for partitions of which no sealed month will come by waiting: they are counted past the seal, and have none.
// What was sealed and lost is counted again and put back; a seal that was not followed is an error.
func (w *waiting) passed(ctx context.Context, open []events.Partition) error {
	for _, p := range open {
		pos, state, err := w.this.Partition(p).Glance(ctx)
		if errors.Is(err, checkpoint.ErrNone) || errors.Is(err, checkpoint.ErrOldList) {
			continue
		}
		if err != nil {
			return fmt.Errorf("partition %d: %w", p, err)
		}
		if end, ok := w.ends[p]; !ok || pos.Next < end {
			continue
		}
		// A checkpoint past the seal comes after the sealed month.
		if _, err := w.this.Partition(p).Index(ctx, w.month); !errors.Is(err, checkpoint.ErrNotSealed) {
			continue
		}
		if state.Sealed < w.month {
			return w.notFollowed(ctx, p, pos.Next, state.Sealed)
		}
		if err := worker.Remake(ctx, w.counting(), p, w.month); err != nil {
			return err
		}
	}
	return nil
}

// notFollowed says that a partition passed the seal by, and whether it is because the seal before was lost.
func (w *waiting) notFollowed(ctx context.Context, p events.Partition, at events.Offset, sealed events.Month) error {
	e := &NotFollowedError{Topic: w.this.Closing.Topic, Partition: p, Month: w.month, At: at, Sealed: sealed}
	if w.before == nil {
		return e
	}
	e.Previous = w.before.Month
	_, err := w.before.Partition(p).Index(ctx, e.Previous)
	e.Lost = err == nil && e.Previous > sealed
	return e
}

// undecided says which partitions hold records that no reader is given yet.
func (w *waiting) undecided(ctx context.Context, open []events.Partition) string {
	offsets, err := w.conn.Offsets(ctx)
	if err != nil {
		return ""
	}
	var held []string
	for _, p := range open {
		if o := offsets[p]; o.Stable < w.ends[p] {
			held = append(held, fmt.Sprintf("an open transaction in partition %d holds back what lies from offset %d on", p, o.Stable))
		}
	}
	if len(held) == 0 {
		return ""
	}
	return "; " + strings.Join(held, "; ")
}
