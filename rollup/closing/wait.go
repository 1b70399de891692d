package closing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
)

// unread is how long a partition may stay without a sealed index, where no group tells who reads it, before the close counts it
// itself.
const unread = 10 * time.Second

// wait returns when every partition of the closing is sealed. Partitions that nobody reads are counted here.
func (w *work) wait(ctx context.Context) error {
	if w.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.Timeout)
		defer cancel()
	}
	open, why, err := w.waitSealed(ctx)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &TimedOutError{w.month, w.Timeout, open, why}
	}
	return err
}

// waitSealed is wait without a limit. Where it fails it says what is still open, and why.
func (w *work) waitSealed(ctx context.Context) (open []events.Partition, why string, err error) {
	w.counted = map[events.Partition]events.Offset{}
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
		if now := w.Clock.Now(); now.Sub(said) > 5*time.Second {
			said = now
			w.Log.Info("waiting for sealed partitions", "month", w.month, "partitions", list(open), "why", why)
		}
		if err := w.Clock.Sleep(ctx, pause); err != nil {
			return open, why, err
		}
		pause = min(2*pause, longestPause)
	}
}

// tend counts those of the open partitions that nobody reads, and says what is known of the rest. Where it was there before, it also
// looks for those that will not be sealed by waiting.
func (w *work) tend(ctx context.Context, open []events.Partition, waited time.Duration, before bool) (why string, err error) {
	own, why := w.unowned(ctx, open, waited)
	if len(own) > 0 {
		if err := w.countHere(ctx, own); err != nil {
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
func (w *work) passed(ctx context.Context, open []events.Partition) error {
	for _, p := range open {
		pos, state, err := w.this.partition(p).Glance(ctx)
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
		if _, err := w.this.partition(p).Index(ctx, w.month); !errors.Is(err, checkpoint.ErrNotSealed) {
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
func (w *work) notFollowed(ctx context.Context, p events.Partition, at events.Offset, sealed events.Month) error {
	e := &NotFollowedError{Topic: w.this.Closing.Topic, Partition: p, Month: w.month, At: at, Sealed: sealed}
	former, err := w.former(ctx)
	if err != nil {
		return err
	}
	if former == nil {
		return e
	}
	e.Previous = former.Closing.Month
	_, err = former.partition(p).Index(ctx, former.Month)
	e.Lost = err == nil && former.Month > sealed
	return e
}

// undecided says which partitions hold records that no reader is given yet.
func (w *work) undecided(ctx context.Context, open []events.Partition) string {
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

// unowned returns those of the open partitions that nobody reads, and what is known of the rest.
func (w *work) unowned(ctx context.Context, open []events.Partition, waited time.Duration) ([]events.Partition, string) {
	if w.Group == "" {
		if w.conn.OwnBroker || waited > unread {
			return open, "counted by the close"
		}
		return nil, fmt.Sprintf("a process without a group may read them; after %s they are counted by the close", unread)
	}
	owners, err := w.conn.Owners(ctx)
	if err != nil {
		return nil, fmt.Sprintf("group %s cannot be described: %v", w.Group, err)
	}
	var own []events.Partition
	var readers []string
	for _, p := range open {
		if owners[p] == "" {
			own = append(own, p)
		} else {
			readers = append(readers, fmt.Sprintf("%d by %s", p, owners[p]))
		}
	}
	if len(readers) == 0 {
		return own, "counted by the close"
	}
	return own, "being read: " + strings.Join(readers, ", ")
}

// counting is what a worker of this close is told.
func (w *work) counting() worker.Config {
	return worker.Config{
		Log: w.conn, Topic: w.topic, State: w.state, Template: w.conn.Template, Keys: w.Keys,
		Interval: w.Interval, DeadLetter: stream.DeadTopic(w.topic.Name),
		Until: func(events.Partition) bool { return true }, Logger: w.Log,
		Clock: w.Clock, Go: w.Go,
	}
}

// countHere counts partitions up to their present end, as a worker would: whoever else does the same writes the same. Those
// that hold nothing more than when they were counted last are left out.
func (w *work) countHere(ctx context.Context, partitions []events.Partition) error {
	offsets, err := w.conn.Offsets(ctx)
	if err != nil {
		return err
	}
	var grown []events.Partition
	for _, p := range partitions {
		if at, ok := w.counted[p]; !ok || offsets[p].Stable > at {
			grown = append(grown, p)
		}
	}
	if len(grown) == 0 {
		return nil
	}
	w.Log.Info("nobody reads these partitions: the close counts them", "partitions", list(grown))
	reader := w.conn.NewReader(context.WithoutCancel(ctx)) // the workers hear of the end first
	defer reader.Close()
	counting := make([]worker.Task, len(grown))
	for i, p := range grown {
		counting[i] = w.Go(func() error { return worker.New(w.counting(), p).Run(ctx, reader) })
	}
	var failed error
	for i, p := range grown {
		switch err := counting[i].Wait(); {
		case err == nil:
			w.counted[p] = offsets[p].Stable
		case errors.Is(err, checkpoint.ErrLost): // another has gone on with it
		case failed == nil:
			failed = err
		}
	}
	return failed
}
