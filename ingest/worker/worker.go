// Package worker counts partitions: one goroutine owns one shard and moves it from the log to the state store.
//
// The order that everything hangs on: records are counted; their dead letters are written to the log; a sealed month's index is
// durable; only then is the checkpoint that passes them committed; only after that is the offset committed to the group. A
// worker that dies anywhere leaves a checkpoint that is older than what it read, and the next one reads that part again. A
// worker that lost its partition and does not know it writes what its successor would have written, or loses the race for the
// manifest's name and stops.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
)

// Config is what workers are told. All fields are required except where said.
type Config struct {
	Log        Log
	Group      Group // of Run, unless Alone
	Topic      *stream.Topic
	State      *checkpoint.Topic
	Template   *events.Template
	Keys       *identity.Keyring
	Interval   time.Duration                 // between checkpoints
	DeadLetter string                        // topic
	Buried     func(m *stream.Message) bool  // says of a dead letter that it was written before; nil: none was. Called by many goroutines
	AcceptGap  bool                          // go on where the log was lost, on the record
	Former     string                        // what was lost with a former topic of the name, accepted; empty: nothing
	Alone      bool                          // read every partition, group or not
	Until      func(p events.Partition) bool // nil: no end. Says whether the partition is to be read up to its present end and then left
	Logger     *slog.Logger
	Read       func(records, bytes int) // nil: none; called for each batch, by many goroutines
	Figures    *Figures                 // of Run; nil: nobody asks for them
	Clock      Clock                    // nil: the host's
	Go         func(func() error) Task  // begins what goes on beside a worker; nil: in a goroutine

	starts chan struct{} // holds one for each worker that is being restored; nil: no bound
	mute   *atomic.Int64 // until then no worker asks for the group's offset, one having waited in vain: Unix milliseconds; nil: each asks
}

func (c Config) filled() Config {
	if c.Clock == nil {
		c.Clock = Host{}
	}
	if c.Go == nil {
		c.Go = Host{}.Go
	}
	return c
}

// Worker counts one partition.
type Worker struct {
	cfg       Config
	partition events.Partition
	log       *slog.Logger
	part      *checkpoint.Partition

	shard     *counter.Shard
	pos       counter.Position
	from      events.Offset    // offset of the first record that it reads
	cut       events.Offset    // next offset of the last checkpoint begun; −1: none yet
	dead      []stream.Message // written to the log before the next checkpoint
	deadBytes int              // of their keys and values
	over      over             // of limits, since the last checkpoint
	sealing   Task             // nil: no seal is being written
	saving    Task             // nil: no checkpoint is being written
	end       events.Offset    // stop here; −1: never
	told      context.Context  // ended: stop
	fail      func()           // stops the counting: what is written beside it has failed
	ignored   uint64           // seals that were not valid, as far as was said
	unknown   bool             // a loss of log is on record, and what was lost cannot be read
	began     time.Time        // of its assignment; zero: the first records are counted
	figure    *figure          // nil: nobody asks
	newest    int64            // timestamp of the record counted last; 0: it has none
}

// New returns a worker for a partition; Run does the work.
func New(cfg Config, partition events.Partition) *Worker {
	cfg = cfg.filled()
	id := counter.Identity{Cluster: cfg.Topic.Cluster, TopicID: cfg.Topic.ID, Partition: partition}
	return &Worker{
		cfg: cfg, partition: partition, cut: -1, end: -1, began: cfg.Clock.Now(), fail: func() {},
		log:  cfg.Logger.With("partition", partition),
		part: cfg.State.Partition(id), figure: cfg.Figures.of(partition),
	}
}

// Halted is an error of one partition that needs an operator: its shard stops, the others go on.
type Halted struct{ Err error }

func (h *Halted) Error() string { return h.Err.Error() }
func (h *Halted) Unwrap() error { return h.Err }

// Run restores the shard and counts until ctx ends, the partition's end is reached (Config.Until), or something fails. What was
// counted by then is checkpointed in every case but a failure: after one, part of a batch may be counted.
func (w *Worker) Run(ctx context.Context, reader Reader) error {
	w.told = ctx
	longer, release := w.cfg.Clock.Outlive(ctx, grace)
	defer release()
	w.figure.restoring()
	if err := w.restore(ctx, longer); err != nil {
		if ctx.Err() != nil && !errors.Is(err, checkpoint.ErrFatal) {
			return nil // nothing was counted
		}
		return fmt.Errorf("partition %d: %w", w.partition, err)
	}
	w.from = w.pos.Next
	w.figure.restored(w.pos, w.shard)
	in := reader.Open(w.partition, LogPosition(w.pos))
	defer in.Close()
	if err := w.count(ctx, longer, in); err != nil {
		return fmt.Errorf("partition %d: %w", w.partition, errors.Join(err, w.saved(), w.sealed()))
	}
	if err := w.lastCheckpoint(longer); err != nil {
		return fmt.Errorf("partition %d: last checkpoint: %w", w.partition, err)
	}
	return nil
}

// count counts whole batches until ctx ends or the end is reached, or what is written beside fails; longer is for what must not be
// left half done.
func (w *Worker) count(ctx, longer context.Context, in PartitionReader) error {
	ctx, w.fail = context.WithCancel(ctx)
	defer w.fail()
	next := w.cfg.Clock.Now().Add(w.cfg.Interval)
	for {
		if w.end >= 0 && w.pos.Next >= w.end {
			return nil
		}
		wait, cancel := w.cfg.Clock.Until(ctx, next)
		batch, err := in.Next(wait)
		cancel()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				batch.Release()
			}
			if w.told.Err() != nil {
				return nil // the last checkpoint says what failed
			}
			return errors.Join(w.saved(), w.sealed())
		case err == nil:
			err = w.countBatch(longer, batch)
			batch.Release()
			if err != nil {
				return err
			}
		case !errors.Is(err, context.DeadlineExceeded):
			return halt(err)
		}
		if w.cfg.Clock.Now().After(next) {
			if err := w.checkpoint(longer); err != nil {
				return err
			}
			next = w.cfg.Clock.Now().Add(w.cfg.Interval)
		}
	}
}

// countBatch counts a batch whole, however many pieces it comes in; the position moves past it only when all of it is counted, so that no
// checkpoint lies within.
func (w *Worker) countBatch(ctx context.Context, batch *stream.Batch) error {
	records := 0
	for more := true; more; {
		if err := w.countRecords(ctx, batch.Records); err != nil {
			return err
		}
		records += len(batch.Records)
		if n := len(batch.Records); n > 0 {
			w.newest = batch.Records[n-1].Timestamp
		}
		if x := batch.Refused; x != nil {
			w.refuse(x)
		}
		if len(w.dead) >= mostDead || w.deadBytes >= mostDeadBytes {
			if err := w.writeDead(ctx, w.takeDead()); err != nil {
				return err
			}
		}
		var err error
		if more, err = batch.More(); err != nil {
			return halt(err)
		}
	}
	w.pos = counter.Position{Next: batch.Next, BatchOffset: batch.Base, BatchCRC: batch.CRC, LeaderEpoch: batch.LeaderEpoch}
	if w.cfg.Read != nil {
		w.cfg.Read(records, batch.Bytes)
	}
	w.figure.counted(w, records, batch.Bytes, w.newest, batch.End)
	if !w.began.IsZero() && records > 0 {
		w.log.Info("first records counted", "offset", batch.Base, "after", w.cfg.Clock.Now().Sub(w.began))
		w.began = time.Time{}
	}
	return nil
}

func (w *Worker) countRecords(ctx context.Context, recs []events.Record) error {
	for len(recs) > 0 {
		n, sealed, err := w.shard.Count(recs)
		w.addDeadLetters(recs[:n])
		if err != nil {
			return fmt.Errorf("count after offset %d: %w", w.pos.Next, err)
		}
		if sealed != nil {
			if err := w.seal(ctx, sealed); err != nil {
				return err
			}
		}
		recs = recs[n:]
	}
	return nil
}

// seal makes a sealed month durable in the background: sorting and writing take long, and counting goes on. The next
// checkpoint waits for it.
func (w *Worker) seal(ctx context.Context, sealed *counter.Sealed) error {
	if err := w.sealed(); err != nil {
		return err
	}
	w.log.Info("sealing", "month", sealed.Month, "offset", sealed.Offset)
	ctx = context.WithoutCancel(ctx)
	if w.unknown || len(w.shard.State().Gaps) > 0 {
		// What was sealed before the loss holds more than the log does now.
		index, err := w.part.Index(ctx, sealed.Month)
		if err == nil && index.SealHash == sealed.SealHash {
			w.log.Warn("sealed before records were lost: that stands", "month", sealed.Month, "offset", sealed.Offset)
			return nil
		}
		if err != nil && !errors.Is(err, checkpoint.ErrNotSealed) {
			return err
		}
	}
	if w.cfg.AcceptGap { // at once: what is found may be a loss, which is on record before anything behind it is read
		err := w.writeSealed(ctx, sealed)
		if errors.Is(err, checkpoint.ErrDiffers) {
			return w.sealedOtherwise(ctx, sealed, err)
		}
		return err
	}
	w.sealing = w.beside(func() error { return w.writeSealed(ctx, sealed) })
	return nil
}

func (w *Worker) writeSealed(ctx context.Context, sealed *counter.Sealed) error {
	index, err := w.part.Seal(ctx, sealed)
	if err != nil {
		return fmt.Errorf("write sealed month: %w", halt(err))
	}
	w.figure.sealed()
	w.log.Info("sealed", "month", sealed.Month, "offset", sealed.Offset, "apps", index.Apps, "rows", index.Rows)
	return nil
}

// sealedOtherwise goes on where the month was sealed by the same seal with another content, differs: the log was replaced before the
// seal, and nothing else tells it to who counts from before that place.
func (w *Worker) sealedOtherwise(ctx context.Context, sealed *counter.Sealed, differs error) error {
	index, err := w.part.Index(ctx, sealed.Month)
	if err != nil {
		return err
	}
	if index.SealHash != sealed.SealHash {
		return differs
	}
	lost := counter.Gap{From: w.from, To: max(index.Offset, w.from+1), Reason: fmt.Sprintf("the log no longer makes what %s was sealed with at offset %d", sealed.Month, index.Offset)}
	w.log.Warn("loss accepted: the log was replaced where it was counted, what was sealed stands, the next month's invoices will be held", "month", sealed.Month, "from", lost.From, "to", lost.To)
	return w.accept(ctx, lost)
}

// sealed waits until no seal is being written.
func (w *Worker) sealed() error {
	err := wait(w.sealing)
	w.sealing = nil
	return err
}

// saved waits until no checkpoint is being written.
func (w *Worker) saved() error {
	err := wait(w.saving)
	w.saving = nil
	return err
}

func wait(t Task) error {
	if t == nil {
		return nil
	}
	return t.Wait()
}

// checkpoint begins to commit what was counted since the last one. The shard's part, to hand over what is new, is short; the
// rest is done in the background while counting goes on. Where the checkpoint before is still being written, this one is left
// out.
func (w *Worker) checkpoint(ctx context.Context) error {
	if w.saving != nil {
		if !w.saving.Ended() {
			return nil
		}
		if err := w.saved(); err != nil {
			return err
		}
	}
	if w.pos.Next == w.cut {
		return nil
	}
	if w.figure != nil {
		w.figure.cut(w.shard.Deviation())
	}
	delta, dead, sealing := w.shard.Cut(w.pos), w.takeDead(), w.sealing
	w.alarm()
	if n := delta.State.InvalidSeals; n > w.ignored {
		w.log.Warn("seals ignored: of another key, place, order or rules; a close that wrote them waits in vain", "new", n-w.ignored, "ignored", n)
		w.ignored = n
	}
	w.cut, w.sealing = w.pos.Next, nil
	begun := w.cfg.Clock.Now()
	w.saving = w.beside(func() error { return w.save(ctx, begun, delta, dead, sealing) })
	return nil
}

// beside begins what is written beside the counting, which ends at once where it fails: nothing that is counted from then on could
// be made to last.
func (w *Worker) beside(f func() error) Task {
	fail := w.fail
	return w.cfg.Go(func() error {
		err := f()
		if err != nil {
			fail()
		}
		return err
	})
}

// grace is how long what is being written may go on after the worker was told to stop.
const grace = 30 * time.Second

// lastCheckpoint commits all that was counted and returns when it is durable.
func (w *Worker) lastCheckpoint(ctx context.Context) error {
	if err := w.saved(); err != nil {
		return err
	}
	if err := w.checkpoint(ctx); err != nil {
		return err
	}
	return errors.Join(w.saved(), w.sealed())
}

// save commits, in this order: dead letters, sealed months, the checkpoint, the group's offset. What was counted before begun is in it.
func (w *Worker) save(ctx context.Context, begun time.Time, delta *counter.Delta, dead []stream.Message, sealing Task) error {
	if err := w.writeDead(ctx, dead); err != nil {
		return err
	}
	if err := wait(sealing); err != nil {
		return err
	}
	began, next := w.cfg.Clock.Now(), delta.Position.Next
	saved, err := w.part.Save(ctx, delta)
	if err != nil {
		return fmt.Errorf("checkpoint at offset %d: %w", next, err)
	}
	took := w.cfg.Clock.Now().Sub(began)
	w.figure.saved(next, saved.Bytes, begun, took)
	w.log.Debug("checkpoint", "offset", next, "generation", saved.Generation, "bytes", saved.Bytes, "took", took)
	if err := w.cfg.Log.Commit(ctx, map[events.Partition]events.Offset{w.partition: next}); err != nil && ctx.Err() == nil {
		w.log.Warn("the group's offset was not committed: lag dashboards are behind, counts are not", "error", err)
	}
	return nil
}
