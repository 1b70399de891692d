package worker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"headcount/counter/checkpoint"
	"headcount/events"
)

// Crew runs one worker for each partition that this process is given, and stops it before the partition is given up.
type Crew struct {
	cfg    Config
	ctx    context.Context
	stop   context.CancelCauseFunc
	reader Reader

	mu       sync.Mutex
	workers  map[events.Partition]*running
	assigned bool // at least one assignment was heard
	awaiting bool // what others of the group read
	others   Task // that waits for it; nil: none ever did
	halted   []error
	failed   []error // at the end: what was counted last is in no checkpoint
}

type running struct {
	cancel context.CancelFunc
	task   Task
	ended  bool // it reached its end, or is halted
}

// errEnd is the cause with which a crew stops when every partition is read.
var errEnd = errors.New("every partition is read")

// Run counts until ctx ends or, with Config.Until, every partition is read. It returns the first failure of a worker; a halted
// partition does not stop the others, but is returned at the end.
func Run(ctx context.Context, cfg Config) error {
	cfg = cfg.filled()
	defer cfg.State.Attend()()
	work, stop := context.WithCancelCause(ctx)
	cfg.starts, cfg.mute = make(chan struct{}, 8), &atomic.Int64{}
	crew := &Crew{cfg: cfg, ctx: work, stop: stop, workers: map[events.Partition]*running{}}
	crew.reader = cfg.Log.NewReader(context.WithoutCancel(ctx)) // until the workers have stopped: they hear of the end first
	watching := cfg.Go(func() error {
		crew.watch(work)
		return nil
	})
	var listening Task
	if cfg.Figures != nil {
		listening = cfg.Go(func() error {
			crew.listen(work)
			return nil
		})
	}
	defer func() {
		stop(nil)
		_ = watching.Wait()
		_ = wait(listening)
		crew.mu.Lock()
		others := crew.others
		crew.mu.Unlock()
		if others != nil {
			_ = others.Wait()
		}
	}()
	var err error
	if cfg.Alone {
		err = crew.all(work)
	} else {
		err = cfg.Group.Assign(work, crew)
	}
	crew.Revoked(crew.partitions())
	crew.reader.Close()
	cause := context.Cause(work)
	switch {
	case ctx.Err() == nil && errors.As(cause, new(*UnreadError)):
		return errors.Join(append(append(crew.halted, crew.failed...), cause)...)
	case ctx.Err() == nil && cause != nil && !errors.Is(cause, errEnd) && !errors.Is(cause, context.Canceled):
		return cause
	case err != nil && work.Err() == nil:
		return err
	}
	crew.mu.Lock()
	defer crew.mu.Unlock()
	return errors.Join(append(crew.halted, crew.failed...)...)
}

// all takes every partition that the topic has, whatever the group says.
func (c *Crew) all(ctx context.Context) error {
	var partitions []events.Partition
	for _, p := range c.cfg.Topic.Partitions {
		partitions = append(partitions, p.ID)
	}
	c.Assigned(partitions)
	for c.cfg.Clock.Sleep(ctx, time.Hour) == nil {
	}
	return nil
}

func (c *Crew) partitions() []events.Partition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.workers))
}

// Assigned starts a worker for each partition.
func (c *Crew) Assigned(partitions []events.Partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.assigned = true
	c.cfg.Figures.joinedGroup()
	for _, p := range partitions {
		if c.workers[p] != nil {
			continue
		}
		ctx, cancel := context.WithCancel(c.ctx)
		r := &running{cancel: cancel}
		c.workers[p] = r
		c.cfg.Figures.assigned(p)
		r.task = c.cfg.Go(func() error {
			c.work(ctx, p, r)
			return nil
		})
	}
	c.endIfRead()
}

func (c *Crew) work(ctx context.Context, p events.Partition, r *running) {
	err := c.count(ctx, p)
	c.mu.Lock()
	defer c.mu.Unlock()
	var halted *Halted
	switch {
	case err == nil && ctx.Err() == nil:
		r.ended = true
		c.cfg.Figures.of(p).ended(nil)
	case errors.As(err, &halted):
		c.halted = append(c.halted, err)
		r.ended = true
		c.cfg.Figures.of(p).ended(err)
		c.cfg.Go(func() error { return c.shout(err) })
	case err != nil && ctx.Err() == nil:
		c.stop(err)
	case err != nil:
		c.cfg.Logger.Error("worker stopped badly", "error", err)
		c.failed = append(c.failed, err)
		c.stop(err)
	}
	c.endIfRead()
}

// count runs a worker. Where another process has gone on with the partition, a close that counted it or a successor that this
// process has not heard of, it begins again from what that one wrote.
func (c *Crew) count(ctx context.Context, p events.Partition) error {
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		err := New(c.cfg, p).Run(ctx, c.reader)
		if !errors.Is(err, checkpoint.ErrLost) || errors.Is(err, checkpoint.ErrFatal) {
			return err
		}
		c.cfg.Logger.Warn("another process counts this partition too; what it wrote stands", "partition", p, "error", err)
		if c.cfg.Clock.Sleep(ctx, pause) != nil {
			return nil
		}
	}
}

// shout repeats that a partition is halted until the process ends.
func (c *Crew) shout(err error) error {
	for {
		c.cfg.Logger.Error("partition halted; the others go on", "error", err)
		if c.cfg.Clock.Sleep(c.ctx, time.Minute) != nil {
			return nil
		}
	}
}

// endIfRead stops the crew once every worker reached its end, and every other one in the group. Called with the lock held.
func (c *Crew) endIfRead() {
	if c.cfg.Until == nil || !c.assigned || c.awaiting {
		return
	}
	for _, r := range c.workers {
		if !r.ended {
			return
		}
	}
	if c.cfg.Alone || len(c.workers) >= len(c.cfg.Topic.Partitions) {
		c.stop(errEnd)
		return
	}
	c.awaiting = true
	c.others = c.cfg.Go(c.awaitOthers)
}

// Revoked stops the partitions' workers and returns when each has written its last checkpoint.
func (c *Crew) Revoked(partitions []events.Partition) {
	var wait []*running
	c.mu.Lock()
	for _, p := range partitions {
		if r := c.workers[p]; r != nil {
			r.cancel()
			wait = append(wait, r)
		}
	}
	c.mu.Unlock()
	for _, r := range wait {
		_ = r.task.Wait()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range partitions {
		delete(c.workers, p)
		c.cfg.Figures.revoked(p)
	}
}
