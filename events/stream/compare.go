package stream

import (
	"context"
	"errors"

	"headcount/events/stream/wire"
)

// mostChecks is how many partitions are compared with their leaders' logs at a time: many may change leader at once.
const mostChecks = 16

var errDiverged = errors.New("the leader's log diverges from what was read")

// check compares what was fetched with the log of the leader of an epoch, as t has it. What was fetched and not handed on is dropped
// where the leader lacks it: it was not counted. What was handed on and is lacking is lost. refused is what the leader said to a
// fetch; nil: nothing, it is new.
func (r *Reader) check(p *PartitionReader, t *Topic, epoch int32, refused error) {
	r.checks <- struct{}{}
	defer func() { <-r.checks }()
	r.mu.Lock()
	ahead := p.ahead
	r.mu.Unlock()
	err := r.compare(p, t, ahead, &epoch)
	if _, truncated := errors.AsType[*TruncatedError](err); truncated {
		r.mu.Lock()
		r.rewindLocked(p)
		position := p.position
		r.mu.Unlock()
		if position != ahead {
			err = r.compare(p, t, position, &epoch)
		}
	}
	r.mu.Lock()
	p.inFlight = false
	switch {
	case r.ctx.Err() != nil || p.closed:
	case err != nil:
		r.failLocked(p, err)
	default:
		p.checked = epoch
		if refused != nil { // and now says otherwise
			r.delay(p, refused)
		}
	}
	r.mu.Unlock()
	r.wake()
}

// compare is Log.compare until it has an answer. The layout t is for the first try; epoch becomes that of the leader that answered.
func (r *Reader) compare(p *PartitionReader, t *Topic, at Position, epoch *int32) error {
	return r.log.persist(r.ctx, "compare what was read with the log of "+wire.PartitionName(r.log.config.Topic, p.id), func(ctx context.Context) (err error) {
		if t == nil {
			if t, err = r.log.metadata(ctx, r.log.config.Topic); err != nil {
				return err
			}
		}
		now := t
		t = nil // who refuses may not lead any more
		if err := r.log.compare(ctx, now, p.id, at); err != nil {
			return err
		}
		m, _ := now.partition(p.id)
		*epoch = m.LeaderEpoch
		return nil
	})
}
