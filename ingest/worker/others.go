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
)

// UnreadError says that partitions which others of the group have were not read to their end (Config.Until), and that nobody went on
// with them for a while.
type UnreadError struct {
	Partitions []events.Partition
	Waited     time.Duration
}

func (e *UnreadError) Error() string {
	return fmt.Sprintf("partitions %v belong to others of the group and are not read to their end; for %s nobody went on with them", e.Partitions, e.Waited)
}

// How long what others read is waited for that stands still, at least; and how often it is looked at.
const (
	leastStandstill = time.Minute
	glanceInterval  = 500 * time.Millisecond
)

// awaitOthers ends the crew, whose own partitions are read, once those that others of the group have are read and checkpointed up to
// where they end now. What a process that is gone leaves unread comes to this one: then it begins anew.
func (c *Crew) awaitOthers() error {
	patience := max(leastStandstill, 6*c.cfg.Interval)
	var ends map[events.Partition]events.Offset
	var before events.Offset
	deadline := c.cfg.Clock.Now().Add(patience)
	for {
		if !c.ownRead() {
			return nil
		}
		if ends == nil {
			ends = c.endsOfOthers()
		}
		unread, sum := c.unread(ends)
		switch now := c.cfg.Clock.Now(); {
		case ends != nil && len(unread) == 0:
			c.stop(errEnd)
			return nil
		case sum != before:
			before, deadline = sum, now.Add(patience)
		case now.After(deadline):
			c.stop(&UnreadError{Partitions: unread, Waited: patience})
			return nil
		}
		if c.cfg.Clock.Sleep(c.ctx, glanceInterval) != nil {
			return nil
		}
	}
}

// ownRead says whether every partition that this process has is read; where one is not, nobody awaits the others any more.
func (c *Crew) ownRead() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.workers {
		if !r.ended {
			c.awaiting = false
			return false
		}
	}
	return true
}

// endsOfOthers returns where the partitions end that hold anything; nil where the log does not tell.
func (c *Crew) endsOfOthers() map[events.Partition]events.Offset {
	offsets, err := c.cfg.Group.Offsets(c.ctx)
	if err != nil {
		c.cfg.Logger.Warn("asking where the partitions end", "error", err)
		return nil
	}
	ends := map[events.Partition]events.Offset{}
	for p, o := range offsets {
		if o.Stable > o.Start {
			ends[p] = o.Stable
		}
	}
	return ends
}

// unread returns which of the partitions that others have lie before their ends in the state store, and the sum of where they stand.
func (c *Crew) unread(ends map[events.Partition]events.Offset) (unread []events.Partition, sum events.Offset) {
	ours := c.partitions()
	for p, end := range ends {
		if slices.Contains(ours, p) {
			continue
		}
		at, err := c.checkpointed(p)
		if err != nil {
			c.cfg.Logger.Warn("asking how far a partition is counted", "partition", p, "error", err)
		}
		if sum += at; at < end {
			unread = append(unread, p)
		}
	}
	slices.Sort(unread)
	return unread, sum
}

// checkpointed returns how far a partition is counted in the state store; 0: it is not.
func (c *Crew) checkpointed(p events.Partition) (events.Offset, error) {
	id := counter.Identity{Cluster: c.cfg.Topic.Cluster, TopicID: c.cfg.Topic.ID, Partition: p}
	at, _, err := c.cfg.State.Partition(id).Glance(context.WithoutCancel(c.ctx))
	if errors.Is(err, checkpoint.ErrNone) {
		return 0, nil
	}
	return at.Next, err
}
