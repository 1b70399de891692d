package closing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/ingest/worker"
	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
)

func (w *work) partition(p int32) *checkpoint.Partition {
	return w.state.Partition(counter.Identity{Cluster: w.topic.Cluster, TopicID: w.topic.ID, Partition: p})
}

// unsealed returns those of the partitions that have no sealed index yet.
func (w *work) unsealed(ctx context.Context, partitions []int32) ([]int32, error) {
	var open []int32
	for _, p := range partitions {
		index, err := w.partition(p).Index(ctx, w.month)
		switch {
		case errors.Is(err, checkpoint.ErrNotSealed):
			open = append(open, p)
		case err != nil:
			return nil, fmt.Errorf("partition %d: %w", p, err)
		case index.SealID != w.closing.SealID:
			return nil, cli.Fail(cli.CheckFailed, "partition %d is sealed by %s, but the ledger's closing of %s is %s: state store and ledger do not belong together; restore the ledger from its backup",
				p, index.SealID, w.month, w.closing.SealID)
		}
	}
	return open, nil
}

// seal appends the month's seal to every partition that has none. A seal that is there already but was not read yet is
// repeated: only the first counts.
func (w *work) seal(ctx context.Context) error {
	open, err := w.unsealed(ctx, w.closing.Partitions)
	if err != nil {
		return err
	}
	var previous *events.PreviousClosing
	if w.closing.Previous != nil {
		former, err := w.former(ctx)
		if err != nil {
			return err
		}
		previous = &events.PreviousClosing{Month: former.month, Partitions: []int32{}}
		if former.closing.TopicID == w.closing.TopicID { // else no partition of this topic was in it
			previous.Partitions = former.closing.Partitions
		}
	}
	var messages []stream.Message
	for _, p := range open {
		s := events.Seal{
			Version: events.SealVersion, Cluster: w.closing.Cluster, TopicID: w.closing.TopicID, Partition: p, Month: w.month,
			SealID: w.closing.SealID, RulesHash: w.closing.RulesHash, Partitions: w.closing.Partitions, Previous: previous,
		}
		messages = append(messages, stream.Message{Partition: p, Value: s.Sign(w.SealKey), Time: w.Clock.Now()})
	}
	if len(messages) == 0 {
		return nil
	}
	if err := w.conn.Produce(ctx, messages); err != nil {
		return cli.Fail(cli.Unreachable, "seal %s: %w; run the close again", w.month, err)
	}
	w.Log.Info("seals written", "month", w.month, "partitions", len(messages))
	offsets, err := w.conn.Offsets(ctx)
	if err != nil {
		return cli.Fail(cli.Unreachable, "offsets of %s: %w; run the close again", w.closing.Topic, err)
	}
	w.ends = map[int32]int64{}
	for p, o := range offsets {
		w.ends[p] = o.End
	}
	return nil
}

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
		return cli.Fail(cli.Unreachable, "waited %s for partitions %s of %s to be sealed (%s): see that `ingest run` is up and reads them, then run the close again", w.Timeout, list(open), w.month, why)
	}
	return err
}

// waitSealed is wait without a limit. Where it fails it says what is still open, and why.
func (w *work) waitSealed(ctx context.Context) (open []int32, why string, err error) {
	w.counted = map[int32]int64{}
	progress := w.Program.NewProgress("sealed", "partitions", int64(len(w.closing.Partitions)))
	began, pause := w.Clock.Now(), firstPause
	said := began
	for open = w.closing.Partitions; ; {
		still, err := w.unsealed(ctx, open)
		if err != nil {
			return open, why, err
		}
		open = still
		progress.Set(int64(len(w.closing.Partitions) - len(open)))
		if len(open) == 0 {
			progress.End()
			w.Log.Info("every partition is sealed", "month", w.month, "partitions", len(w.closing.Partitions))
			return nil, "", nil
		}
		var own []int32
		own, why = w.unowned(ctx, open, w.Clock.Now().Sub(began))
		if len(own) > 0 {
			if err := w.countHere(ctx, own); err != nil {
				return open, why, err
			}
		}
		if pause > firstPause {
			if err := w.passed(ctx, open); err != nil {
				return open, why, err
			}
			why += w.undecided(ctx, open)
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

// The pauses between two looks at what is sealed.
const (
	firstPause   = 10 * time.Millisecond
	longestPause = time.Second
)

// passed looks for partitions of which no sealed month will come by waiting: they are counted past the seal, and have none.
// What was sealed and lost is counted again and put back; a seal that was not followed is an error.
func (w *work) passed(ctx context.Context, open []int32) error {
	for _, p := range open {
		pos, state, err := w.partition(p).Glance(ctx)
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
		if _, err := w.partition(p).Index(ctx, w.month); !errors.Is(err, checkpoint.ErrNotSealed) {
			continue
		}
		if state.Sealed < w.month {
			return w.notFollowed(ctx, p, pos.Next, state.Sealed)
		}
		if err := w.remake(ctx, p, w.month); err != nil {
			return err
		}
	}
	return nil
}

// notFollowed says why a partition passed the seal by, and what helps.
func (w *work) notFollowed(ctx context.Context, p int32, at int64, sealed events.Month) error {
	what := fmt.Sprintf("partition %d is counted up to offset %d, past the seal of %s, but did not follow it: the newest month sealed there is %s, and the closing follows %s", p, at, w.month, monthOrNone(sealed), w.previous())
	if w.closing.Previous != nil {
		former, err := w.former(ctx)
		if err != nil {
			return err
		}
		if _, err := former.partition(p).Index(ctx, former.month); err == nil && former.month > sealed {
			return cli.Fail(cli.CheckFailed, "%s, whose seal was followed once, since its sealed month is there, and is lost now: the log was cut before it, or the state is older; run the close again while `ingest run --accept-gap` reads: the sealed month stands, with the loss on record and the invoices held; else restore topic %s from its backup, or a checkpoint made after that seal from the state store's backup", what, w.closing.Topic)
		}
	}
	return cli.Fail(cli.CheckFailed, "%s; restore the state store of %s from its backup, or have the partition counted again (move its folder away) where the log reaches back to offset 0", what, w.closing.Topic)
}

func monthOrNone(m events.Month) string {
	if m == 0 {
		return "none"
	}
	return m.String()
}

func (w *work) previous() string {
	if w.closing.Previous == nil {
		return "none"
	}
	return w.closing.Previous.Month.String()
}

// remake puts back a sealed month that was lost or damaged.
func (w *work) remake(ctx context.Context, p int32, month events.Month) error {
	err := worker.Remake(ctx, w.counting(), p, month)
	var halted *worker.Halted
	if errors.As(err, &halted) {
		return cli.Fail(cli.CheckFailed, "%w", err)
	}
	return err
}

// undecided says which partitions hold records that no reader is given yet.
func (w *work) undecided(ctx context.Context, open []int32) string {
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
func (w *work) unowned(ctx context.Context, open []int32, waited time.Duration) ([]int32, string) {
	if w.Config.Kafka.Group == "" {
		if w.conn.OwnBroker || waited > unread {
			return open, "counted by the close"
		}
		return nil, fmt.Sprintf("a process without a group may read them; after %s they are counted by the close", unread)
	}
	owners, err := w.conn.Owners(ctx)
	if err != nil {
		return nil, fmt.Sprintf("group %s cannot be described: %v", w.Config.Kafka.Group, err)
	}
	var own []int32
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
		Log: w.conn, Topic: w.topic, State: w.state, Template: w.template, Keys: w.Keys,
		Interval: time.Duration(w.Config.Ingest.CheckpointInterval), DeadLetter: stream.DeadTopic(w.topic.Name),
		Until: func(int32) bool { return true }, Logger: w.Log,
		Clock: w.Clock, Go: w.Go,
	}
}

// countHere counts partitions up to their present end, as `ingest run` would: whoever else does the same writes the same. Those
// that hold nothing more than when they were counted last are left out.
func (w *work) countHere(ctx context.Context, partitions []int32) error {
	offsets, err := w.conn.Offsets(ctx)
	if err != nil {
		return err
	}
	var grown []int32
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

func list(partitions []int32) string {
	const shown = 8
	var b strings.Builder
	for i, p := range partitions {
		if i == shown {
			fmt.Fprintf(&b, " … (%d)", len(partitions))
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, p)
	}
	return b.String()
}
