package counter

import (
	"errors"
	"sync"

	"headcount/events"
)

// batchRecords is how many records are decoded before the first of them is counted, so that the cache misses of one overlap
// with those of the others.
const batchRecords = 128

// batch is the scratch of Count. It is lent: of a thousand shards, a few count at a time.
type batch struct {
	events  [batchRecords]events.Event
	windows [batchRecords]*window // nil: look it up
	hints   [batchRecords]uint32  // ordinals that may be the devices'

	// Events of large windows, by number in the batch, and what counting them will read.
	large   [batchRecords]uint8
	parts   [batchRecords]*segment
	slots   [batchRecords]*uint32
	entries [batchRecords]*entry
	dense   [batchRecords]*uint8 // registers
	few     [batchRecords]*uint32
	sink    uint32
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// forget lets go of windows that may have left the shard.
func (b *batch) forget() {
	if b == nil {
		return
	}
	clear(b.windows[:])
	clear(b.parts[:])
	clear(b.slots[:])
	clear(b.entries[:])
	clear(b.dense[:])
	clear(b.few[:])
}

const noHint = 1<<32 - 1 // no ordinal

// Count counts records in order. It stops after a record that seals a month, which it returns: the rest is for the next call.
// An error is the rulebook's, or says that a GUID key is missing or a window full: recs[n] and what follows was not counted,
// and the call can be repeated with it.
func (s *Shard) Count(recs []events.Record) (n int, sealed *Sealed, err error) {
	if err := s.Ready(); err != nil {
		return 0, nil, err
	}
	s.batch = batches.Get().(*batch)
	for n < len(recs) && sealed == nil && err == nil {
		var done int
		done, sealed, err = s.countBatch(recs[n:min(len(recs), n+batchRecords)])
		n += done
	}
	clear(s.batch.events[:min(len(recs), batchRecords)]) // they alias the records
	s.batch.forget()
	batches.Put(s.batch)
	s.batch = nil
	return n, sealed, err
}

func (s *Shard) countBatch(recs []events.Record) (n int, sealed *Sealed, err error) {
	s.decoder.Reset()
	n, decodeErr := s.decoder.DecodeBatch(recs, s.batch.events[:])
	recs = recs[:n]
	s.approach(len(recs))
	for i := range recs {
		sealed, err = s.countOne(&recs[i], i)
		if err != nil {
			return i, nil, err
		}
		s.state.Records++
	}
	return len(recs), sealed, decodeErr
}

// approach looks up the windows of the batch's events, and reads the memory that counting them will need: the slots of all,
// then the entries of all. The loops that read do nothing else, so that many misses are under way at once. What is found are
// hints: counting may make them wrong.
func (s *Shard) approach(n int) {
	b := s.batch
	m, dense, few := 0, 0, 0
	for i := range n {
		e := &b.events[i]
		b.windows[i], b.hints[i] = nil, noHint
		if e.Outcome != events.Counted {
			continue
		}
		w := s.find(e.Month, e.App)
		b.windows[i] = w
		if w == nil {
			continue
		}
		if k := w.sketches[e.Kind]; k != nil {
			index, _ := registerOf(e.Fingerprint.SketchHash(), w.precision)
			if k.dense != nil {
				b.dense[dense] = &k.dense[index]
				dense++
			} else {
				b.few[few] = &k.few[k.home(index)]
				few++
			}
		}
		if w.large == nil {
			continue
		}
		h := e.Fingerprint.Hash()
		g := w.large.segment(h)
		b.large[m], b.parts[m], b.slots[m] = uint8(i), g, &g.slots[g.home(h)]
		m++
	}
	sink := b.sink // kept, so that the reads are not left out
	for _, slot := range b.slots[:m] {
		sink += *slot
	}
	for _, register := range b.dense[:dense] {
		sink += uint32(*register)
	}
	for _, slot := range b.few[:few] {
		sink += *slot
	}
	found := 0
	for j, i := range b.large[:m] {
		if ordinal, ok := b.parts[j].candidate(b.events[i].Fingerprint.Hash()); ok {
			b.hints[i] = ordinal
			b.entries[found] = b.windows[i].large.at(ordinal)
			found++
		}
	}
	for _, entry := range b.entries[:found] { // it may lie in two lines
		sink += uint32(entry.print[0]) + uint32(entry.seen)
	}
	b.sink = sink
}

// countOne counts the i-th event of the batch. On an error nothing has changed.
func (s *Shard) countOne(r *events.Record, i int) (*Sealed, error) {
	switch e := &s.batch.events[i]; e.Outcome {
	case events.Tombstone:
		s.state.Tombstones++
	case events.Counted:
		w := s.batch.windows[i]
		if w == nil {
			var err error
			if w, err = s.window(e.Month, string(e.App), (*month).takesDevice); err != nil {
				return nil, err
			}
			if w == nil {
				s.reject(r, e, events.OverLimit)
				return nil, nil
			}
		}
		err := w.count(e, s.batch.hints[i])
		if errors.Is(err, errOverLimit) {
			s.reject(r, e, events.OverLimit)
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		s.touch(w)
	case events.Reported:
		return nil, s.report(r, e)
	case events.Unknown:
		s.state.Unknown++
	case events.Control:
		return s.control(r, e)
	case events.Expired:
		s.attribute(e.App, Stretch{Expired: 1})
	case events.Rejected:
		s.reject(r, e, e.Reason)
	}
	return nil, nil
}

func (s *Shard) report(r *events.Record, e *events.Event) error {
	w, err := s.window(e.Month, string(e.App), (*month).takesApp)
	if err != nil {
		return err
	}
	in, err := s.month(e.Month)
	if err != nil {
		return err
	}
	if w == nil || !w.report(e.Quantity, in.rules.Limits.QuantitySources) {
		s.reject(r, e, events.OverLimit)
		return nil
	}
	s.touch(w)
	return nil
}

func (s *Shard) reject(r *events.Record, e *events.Event, why events.Reason) {
	add := Stretch{Rejected: 1}
	if why == events.OverLimit {
		add.OverLimit = 1
	}
	s.attribute(e.App, add)
	s.state.TotalRejected++
	s.dead = append(s.dead, DeadLetter{Offset: r.Offset, Reason: why, App: string(e.App)})
}
