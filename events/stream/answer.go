package stream

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"headcount/events"
	"headcount/events/stream/batch"
	"headcount/events/stream/wire"
)

// complete takes what a fetch brought; nothing, where it failed. It returns the partition to begin with next: after the last that got
// something, as an answer has room for so much.
func (r *Reader) complete(f *inFlightFetch, pieces []piece) (first int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, p := range f.parts {
		p.inFlight = false
		got := pieceOf(pieces, i, p.id)
		if got != nil && len(got.data) > 0 {
			first = int(p.id) + 1
		}
		switch {
		case got == nil:
			if pieces != nil && !p.closed {
				r.delay(p, fmt.Errorf("%s is missing from the broker's answer", wire.PartitionName(f.topic, p.id)))
			}
		case p.closed || p.turn != f.turns[i]:
			r.recycleLocked(got.data)
		case got.code != wire.CodeNone || got.diverged:
			r.recycleLocked(got.data)
			r.refused(p, got)
		default:
			r.accept(p, got)
		}
	}
	if n := len(f.parts); n > 0 && first == int(f.parts[n-1].id)+1 {
		first = int(f.parts[0].id) + 1 // there was room for all: a batch too large for its share still waits to be the first
	}
	return first
}

// pieceOf finds a partition's piece. Brokers answer in the order they were asked.
func pieceOf(pieces []piece, i int, partition events.Partition) *piece {
	if i < len(pieces) && pieces[i].partition == partition {
		return &pieces[i]
	}
	if j := slices.IndexFunc(pieces, func(p piece) bool { return p.partition == partition }); j >= 0 {
		return &pieces[j]
	}
	return nil
}

// accept takes a partition's data and finds where to fetch next.
func (r *Reader) accept(p *PartitionReader, got *piece) {
	p.stable = got.stable
	if len(got.data) == 0 {
		r.recycleLocked(got.data)
		p.pause.Reset()
		return
	}
	var h batch.Header
	var err error
	useful := false
	for rest := got.data; ; rest = rest[h.Size:] {
		if err = batch.ReadHeader(rest, &h); err != nil {
			break
		}
		if h.Next() > p.ahead.Offset {
			p.ahead, useful = Position{h.Next(), h.Base, h.CRC, h.Epoch}, true
		}
	}
	if errors.Is(err, batch.ErrPartial) && !useful {
		// Less than a batch, or only ones that were read: it comes first another time. A broker that insists is paced, and shown.
		r.recycleLocked(got.data)
		r.delay(p, fmt.Errorf("answered with %d bytes, in which no batch that is to be read is whole", len(got.data)))
		return
	}
	p.pause.Reset()
	p.waiting = &chunk{data: got.data, aborted: got.aborted, turn: p.turn}
	p.signal()
}

// refused deals with a partition's error.
func (r *Reader) refused(p *PartitionReader, got *piece) {
	subject := wire.PartitionName(r.log.config.Topic, p.id)
	switch err := wire.Refusal(got.code, "fetch from", subject, ""); {
	case got.diverged || got.code == wire.CodeOutOfRange:
		if err == nil {
			err = errDiverged
		}
		p.inFlight = true // until it is known what happened
		t := r.topic
		m, _ := t.partition(p.id)
		r.wg.Go(func() { r.check(p, t, m.LeaderEpoch, err) })
	case got.code.Class() == wire.Fatal:
		r.failLocked(p, err)
	default:
		if got.code.Class() == wire.Refresh {
			r.ask()
		}
		r.delay(p, err)
	}
}

// delay has a partition wait before it is fetched again, and shows why, where it is not the first time.
func (r *Reader) delay(p *PartitionReader, err error) {
	p.resumeAt = time.Now().Add(p.pause.Next())
	if p.pause.Tries > 2 {
		r.log.warn("fetching again", err, "partition", p.id)
	}
}
