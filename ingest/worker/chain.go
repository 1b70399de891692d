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
	"headcount/events/signed"
)

// chain tells a worker's shard of seals that the log has lost: it was cut before them, and the shard goes back to before the cut.
// Where the shard went on from a later state it followed them, and the cut is found otherwise (replaced).
type chain struct {
	w        *Worker
	ctx      context.Context
	unsealed map[events.Month]time.Time // when it was asked for: copies of a seal ask again and again
}

func (c *chain) Sealed(m events.Month) (bool, error) {
	now := c.w.cfg.Clock.Now()
	if asked, ok := c.unsealed[m]; ok && now.Sub(asked).Abs() < time.Minute {
		return false, nil
	}
	_, err := c.index(m)
	if errors.Is(err, checkpoint.ErrNotSealed) {
		if c.unsealed == nil {
			c.unsealed = map[events.Month]time.Time{}
		}
		c.unsealed[m] = now
		return false, nil
	}
	return err == nil, err
}

func (c *chain) index(m events.Month) (*checkpoint.Index, error) {
	index, err := c.w.part.Index(c.ctx, m)
	if errors.Is(err, checkpoint.ErrDamaged) {
		err = &Halted{fmt.Errorf("topic %s partition %d: %w", c.w.cfg.Topic.Name, c.w.partition, err)}
	}
	return index, err
}

// Accept puts the loss on record, or halts the partition before the seal. Who comes to the seal from before it again finds that record, and
// goes on as the first did.
func (c *chain) Accept(seal *signed.Seal, offset events.Offset) error {
	before, err := c.index(seal.Previous.Month)
	if err != nil {
		return err
	}
	lost, err := c.loss(seal, offset, before)
	if err != nil || slices.Contains(c.w.shard.State().Gaps, lost) {
		return err
	}
	recorded, _, err := c.w.part.Gaps(c.ctx)
	if err != nil {
		return err
	}
	if slices.Contains(recorded, lost) { // by another process, since this one started
		c.w.shard.AcceptGap(lost)
		return nil
	}
	if !c.w.cfg.AcceptGap {
		return &Halted{&SealLostError{Topic: c.w.cfg.Topic.Name, Partition: c.w.partition, Seal: seal.Month, At: offset, Lost: before.Month, LostAt: before.Offset}}
	}
	c.w.log.Warn("loss accepted: the log has lost a seal, the month sealed in the state store stands, the next months' invoices will be held",
		"month", before.Month, "seal", offset, "from", lost.From, "to", lost.To)
	return c.w.accept(c.ctx, lost)
}

// SealLostError says that a seal follows one that the log no longer has.
type SealLostError struct {
	Topic      string
	Partition  events.Partition
	Seal, Lost events.Month  // that is there; that it follows
	At, LostAt events.Offset // where that one lies, and where the other lay
}

func (e *SealLostError) Error() string {
	return fmt.Sprintf("topic %s partition %d: the seal of %s at offset %d follows that of %s, which lay at offset %d and is gone: the log was cut before it (unclean leader election, restored backup?), and the state is older than the cut: "+
		"restore one of the two, or accept the loss: the month that was sealed stands, the loss is recorded and holds invoices",
		e.Topic, e.Partition, e.Seal, e.At, e.Lost, e.LostAt)
}

// loss is what is on record where a seal is followed although the log has lost the one before it: a function of what does not change.
// What lay in the log when it was cut may be of the month now sealed, and of the one after. So it reaches past the seals from which on
// the log of those two is looked at (closing.Losses), wherever in the former log they lay.
func (c *chain) loss(seal *signed.Seal, offset events.Offset, before *checkpoint.Index) (counter.Gap, error) {
	to := max(offset, before.Offset+1)
	early, err := c.index(seal.Month - 2)
	switch {
	case err == nil:
		to = max(to, early.Offset+1)
	case !errors.Is(err, checkpoint.ErrNotSealed):
		return counter.Gap{}, err
	}
	return counter.Gap{From: min(before.Offset, offset), To: to,
		Reason: fmt.Sprintf("the log has lost the seal of %s at offset %d, and goes on with that of %s at offset %d", before.Month, before.Offset, seal.Month, offset)}, nil
}
