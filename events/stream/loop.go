package stream

import (
	"io"
	"math/bits"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events/stream/backoff"
	"headcount/events/stream/wire"
)

// inFlightFetch is a fetch request on its way.
type inFlightFetch struct {
	fetchRequest
	parts []*PartitionReader // as slices
	turns []int
}

// loop fetches from one broker.
func (r *Reader) loop(node int32, wake chan struct{}) {
	var pause backoff.Pause
	first := 0
	for r.ctx.Err() == nil {
		if err := r.log.throttles.wait(r.ctx, node, protocol.Fetch); err != nil {
			return
		}
		f, idle := r.build(node, first)
		if len(f.slices) == 0 {
			timer := time.NewTimer(idle)
			select {
			case <-wake:
			case <-timer.C:
			case <-r.ctx.Done():
			}
			timer.Stop()
			continue
		}
		pieces, err := r.fetch(node, f)
		if err != nil {
			r.complete(f, nil)
			first++
			if r.ctx.Err() != nil {
				return
			}
			r.log.warn("fetching again", err, "broker", node)
			if wire.CodeOf(err).Class() == wire.Fatal && wire.CodeOf(err) != wire.CodeNone {
				r.mu.Lock()
				for _, p := range f.parts {
					r.failLocked(p, err)
				}
				r.mu.Unlock()
			}
			r.log.forget(node)
			r.ask()
			pause.Wait(r.ctx)
			continue
		}
		pause.Reset()
		first = r.complete(f, pieces)
	}
}

const (
	leastShare = 16 << 10
	mostShare  = 4 << 20
	// mostAnswered is what a fetch asks for in all, whatever the number of partitions: what is read soon after it came is read from
	// the processor's cache, and memory that is used again is there already.
	mostAnswered = 4 << 20
	// fetchOverhead is what an answer may hold beside batches: a partition takes 50 bytes, an aborted transaction 16.
	fetchOverhead = 8 << 20
	briefWait     = 5 * time.Millisecond // of a broker, where a partition that is left out may soon be ready
)

// build makes a fetch request of the partitions to fetch from a broker: those it leads, for which nothing waits or is in flight. Where
// there are none, it says how long to sleep. The first in a request gets at least one batch however large, so each comes first in turn.
func (r *Reader) build(node int32, first int) (f *inFlightFetch, idle time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f = &inFlightFetch{}
	idle = time.Second
	t := r.topic
	if t == nil {
		return f, idle
	}
	f.topic, f.id, f.isolation = t.Name, t.id, committed
	// Two of each partition: one that is worked on, one that waits or is in flight.
	share := int32(1 << (bits.Len(uint(min(max(r.log.config.MaxBytes/(2*max(len(r.parts), 1)), leastShare), mostShare))) - 1))
	wait := r.log.config.MaxWait
	now := time.Now()
	n := len(t.Partitions)
	for i := range n {
		m := t.Partitions[(i+first)%n]
		p := r.parts[m.ID]
		if m.Leader != node || p == nil || p.err != nil || p.inFlight {
			continue
		}
		if p.waiting != nil {
			wait = min(wait, briefWait)
			continue
		}
		if d := p.resumeAt.Sub(now); d > 0 {
			wait, idle = min(wait, d), min(idle, d)
			continue
		}
		p.inFlight = true
		if p.checked != m.LeaderEpoch && p.ahead.BatchOffset >= 0 { // another leader, perhaps one that lacks what was read
			r.wg.Go(func() { r.check(p, t, m.LeaderEpoch, nil) })
			continue
		}
		p.checked = m.LeaderEpoch
		f.slices = append(f.slices, slice{partition: m.ID, leaderEpoch: m.LeaderEpoch, offset: p.ahead.Offset, lastEpoch: p.ahead.LeaderEpoch, maxBytes: share})
		f.parts = append(f.parts, p)
		f.turns = append(f.turns, p.turn)
	}
	f.maxBytes = int32(min(int64(share)*int64(len(f.slices)), mostAnswered))
	f.maxWaitMS = int32(max(wait, time.Millisecond) / time.Millisecond)
	return f, idle
}

// fetch does the exchange.
func (r *Reader) fetch(node int32, f *inFlightFetch) ([]piece, error) {
	version, err := r.log.version(r.ctx, node, protocol.Fetch, fetchVersions...)
	if err != nil {
		return nil, err
	}
	pieces := make([]piece, 0, len(f.slices))
	q := &request{key: protocol.Fetch, version: version, node: node, flexible: version >= 12, body: f.encode(version),
		// The first batch comes whole, however large.
		limit: int(f.maxBytes) + r.log.config.mostSent() + fetchOverhead}
	q.answer = func(rd io.Reader, size int) error {
		err := decodeFetch(rd, size, version, &f.fetchRequest, r.take, func(p piece) { pieces = append(pieces, p) })
		q.throttle = f.throttle
		return err
	}
	if err := r.log.send(r.ctx, q); err != nil {
		return nil, err // pieces may still be written to
	}
	return pieces, nil
}
