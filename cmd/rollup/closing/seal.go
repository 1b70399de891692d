package closing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/ingest/worker"
	"headcount/cmd/site"
	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
)

func (w *work) partition(p int32) *checkpoint.Partition {
	return w.state.Partition(counter.Identity{Cluster: w.topic.Cluster, TopicID: w.topic.ID, Partition: p})
}

// unsealed returns the closing's partitions that have no sealed index yet.
func (w *work) unsealed(ctx context.Context) ([]int32, error) {
	var open []int32
	for _, p := range w.closing.Partitions {
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
	open, err := w.unsealed(ctx)
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
		messages = append(messages, stream.Message{Partition: p, Value: s.Sign(w.SealKey), Time: w.Now()})
	}
	if len(messages) == 0 {
		return nil
	}
	if err := w.conn.Produce(ctx, messages); err != nil {
		return cli.Fail(cli.Unreachable, "seal %s: %w; run the close again", w.month, err)
	}
	w.Log.Info("seals written", "month", w.month, "partitions", len(messages))
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
	progress := w.Program.NewProgress("sealed", "partitions", int64(len(w.closing.Partitions)))
	began, said := time.Now(), time.Now()
	for {
		open, err := w.unsealed(ctx)
		if err != nil {
			return err
		}
		progress.Set(int64(len(w.closing.Partitions) - len(open)))
		if len(open) == 0 {
			progress.End()
			return nil
		}
		own, why := w.unowned(ctx, open, time.Since(began))
		if time.Since(said) > 5*time.Second {
			said = time.Now()
			w.Log.Info("waiting for sealed partitions", "month", w.month, "partitions", list(open), "why", why)
		}
		if len(own) > 0 {
			if err := w.countHere(ctx, own); err != nil && ctx.Err() == nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return cli.Fail(cli.Unreachable, "waited %s for partitions %s of %s to be sealed (%s): see that `ingest run` is up and reads them, then run the close again", w.Timeout, list(open), w.month, why)
			}
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
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
	return own, "being read: " + strings.Join(readers, ", ")
}

// countHere counts partitions up to their present end, as `ingest run` would: whoever else does the same writes the same.
func (w *work) countHere(ctx context.Context, partitions []int32) error {
	reader := w.conn.NewReader(ctx)
	defer reader.Close()
	cfg := worker.Config{
		Log: w.conn.Log, Topic: w.topic, State: w.state, Template: w.template, Keys: w.Keys,
		Interval: time.Duration(w.Config.Ingest.CheckpointInterval), DeadLetter: site.DeadLetterTopic(w.topic.Name),
		Until: func(int32) bool { return true }, Logger: w.Log,
	}
	errs := make(chan error, len(partitions))
	for _, p := range partitions {
		w.Log.Info("nobody reads this partition: the close counts it", "partition", p)
		go func() { errs <- worker.New(cfg, p).Run(ctx, reader) }()
	}
	var failed error
	for range partitions {
		if err := <-errs; err != nil && !errors.Is(err, checkpoint.ErrLost) && failed == nil {
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
