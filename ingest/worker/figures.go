package worker

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"headcount/counter"
	"headcount/events"
)

// Figures are what a crew is at: kept by its workers as they go, read at any time by whoever shows it. A nil *Figures keeps nothing.
// One is of one Run.
type Figures struct {
	mu     sync.Mutex
	joined bool
	live   map[events.Partition]*figure
	totals Totals
}

// Totals count what all workers of this process did since its start, those that have given their partition up among them. What is
// read again after a partition came back counts again: they are for rates, not for bills.
type Totals struct {
	Records, Bytes      uint64 // read, of whatever outcome
	Skewed, Unknown     uint64 // of them, with a wrong device clock, and of unknown types
	Dead                map[events.Reason]uint64
	Checkpoints         uint64
	CheckpointBytes     uint64
	CheckpointTime      time.Duration
	Seals, InvalidSeals uint64
	Halts               uint64
}

// Phase is what a worker is about.
type Phase string

// The phases of a worker.
const (
	Restoring Phase = "restoring"
	Counting  Phase = "counting"
	Ended     Phase = "ended"  // its end is reached (Config.Until)
	Standing  Phase = "halted" // it needs an operator; Partition.Why says what for
)

// PartitionFigures are those of a partition that this process has.
type PartitionFigures struct {
	Partition events.Partition
	Phase     Phase
	Why       error // that it stands; nil: it does not

	Next   events.Offset // to be counted next
	End    events.Offset // of the log, as last heard; −1: nothing was heard yet
	Newest time.Time     // the timestamp of the record counted last; zero: none was, or it has none

	Durable         events.Offset // next offset of the newest checkpoint
	Undurable       time.Time     // when the first record was counted that no checkpoint has; zero: there is none
	CheckpointBytes int64         // written by the newest checkpoint of this worker

	counter.Glance
	Deviation float64 // counter.Shard.Deviation, as of the newest checkpoint
}

// Lag is how many records lie in the log and are not counted yet, as far as is known.
func (p *PartitionFigures) Lag() int64 { return max(0, int64(p.End-p.Next)) }

// Snapshot returns what the crew is at: whether it has heard which partitions are its own, those partitions in order, and the totals.
func (f *Figures) Snapshot() (joined bool, live []PartitionFigures, totals Totals) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range slices.Sorted(maps.Keys(f.live)) {
		live = append(live, f.live[p].PartitionFigures)
	}
	totals = f.totals
	totals.Dead = maps.Clone(totals.Dead)
	return f.joined, live, totals
}

// figure is a partition's, of the worker that has it; nil keeps nothing.
type figure struct {
	of *Figures
	PartitionFigures
}

// assigned begins a partition's figures.
func (f *Figures) assigned(p events.Partition) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live == nil {
		f.live = map[events.Partition]*figure{}
	}
	f.live[p] = &figure{of: f, PartitionFigures: PartitionFigures{Partition: p, Phase: Restoring, End: -1}}
}

// joinedGroup says that the crew has heard what is its own, be it nothing.
func (f *Figures) joinedGroup() {
	if f != nil {
		f.mu.Lock()
		f.joined = true
		f.mu.Unlock()
	}
}

// revoked ends a partition's figures.
func (f *Figures) revoked(p events.Partition) {
	if f != nil {
		f.mu.Lock()
		delete(f.live, p)
		f.mu.Unlock()
	}
}

// of returns a partition's figures; nil where nobody asked for them.
func (f *Figures) of(p events.Partition) *figure {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.live[p]
}

// set changes a partition's figures and the totals.
func (g *figure) set(change func(*figure, *Totals)) {
	if g != nil {
		g.of.mu.Lock()
		change(g, &g.of.totals)
		g.of.mu.Unlock()
	}
}

// glance takes what is new of a shard.
func (g *figure) glance(now counter.Glance, t *Totals) {
	t.Skewed += now.Skewed - min(g.Skewed, now.Skewed)
	t.Unknown += now.Unknown - min(g.Unknown, now.Unknown)
	t.InvalidSeals += now.InvalidSeals - min(g.InvalidSeals, now.InvalidSeals)
	g.Glance = now
}

// restoring says that a worker begins.
func (g *figure) restoring() { g.set(func(g *figure, _ *Totals) { g.Phase = Restoring }) }

// restored says from where a worker goes on; the shard is as its checkpoint left it.
func (g *figure) restored(at counter.Position, s *counter.Shard) {
	g.set(func(g *figure, _ *Totals) {
		g.Phase, g.Next, g.Durable, g.Undurable = Counting, at.Next, at.Next, time.Time{}
		g.Glance = s.Glance()
	})
}

// counted says that a batch is counted.
func (g *figure) counted(w *Worker, records, bytes int, newest int64, end events.Offset) {
	if g == nil {
		return
	}
	glance, now := w.shard.Glance(), w.cfg.Clock.Now()
	g.set(func(g *figure, t *Totals) {
		g.glance(glance, t)
		t.Records, t.Bytes = t.Records+uint64(records), t.Bytes+uint64(bytes)
		g.Next, g.End = w.pos.Next, max(g.End, end)
		if newest > 0 {
			g.Newest = time.UnixMilli(newest)
		}
		if g.Undurable.IsZero() {
			g.Undurable = now
		}
	})
}

// rejected counts dead letters.
func (g *figure) rejected(why events.Reason, n uint64) {
	g.set(func(_ *figure, t *Totals) {
		if t.Dead == nil {
			t.Dead = map[events.Reason]uint64{}
		}
		t.Dead[why] += n
	})
}

// cut says what a checkpoint begins with.
func (g *figure) cut(deviation float64) {
	g.set(func(g *figure, _ *Totals) { g.Deviation = deviation })
}

// saved says that a checkpoint up to an offset is durable, which was begun at a time.
func (g *figure) saved(next events.Offset, bytes int64, began time.Time, took time.Duration) {
	g.set(func(g *figure, t *Totals) {
		t.Checkpoints, t.CheckpointBytes, t.CheckpointTime = t.Checkpoints+1, t.CheckpointBytes+uint64(bytes), t.CheckpointTime+took
		g.Durable, g.CheckpointBytes = next, bytes
		g.Undurable = time.Time{}
		if g.Next > next { // counted while it was written
			g.Undurable = began
		}
	})
}

// sealed says that a month is durable.
func (g *figure) sealed() { g.set(func(_ *figure, t *Totals) { t.Seals++ }) }

// ended says that a worker has left its partition, and why it stands.
func (g *figure) ended(halted error) {
	g.set(func(g *figure, t *Totals) {
		g.Phase = Ended
		if halted != nil {
			g.Phase, g.Why = Standing, halted
			t.Halts++
		}
	})
}

// heard takes where the log ends.
func (f *Figures) heard(p events.Partition, end events.Offset) {
	f.of(p).set(func(g *figure, _ *Totals) { g.End = max(g.End, end) })
}

// heardEvery is how often a crew asks where the log ends, for its figures: what lies behind an open transaction, or behind a
// partition that stands, comes with no batch.
const heardEvery = 10 * time.Second

// listen keeps the figures told where the log ends.
func (c *Crew) listen(ctx context.Context) {
	for {
		if all, err := c.cfg.Group.Offsets(ctx); err == nil { // else the readers say what is wrong
			for _, p := range c.partitions() {
				if o, ok := all[p]; ok {
					c.cfg.Figures.heard(p, o.End)
				}
			}
		}
		if c.cfg.Clock.Sleep(ctx, heardEvery) != nil {
			return
		}
	}
}
