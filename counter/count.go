package counter

import (
	"errors"
	"fmt"
	"sync"

	"headcount/counter/dictionary"
	"headcount/events"
	"headcount/events/identity"
)

// batchRecords is how many records are decoded before the first of them is counted, so that the cache misses of one overlap
// with those of the others.
const batchRecords = dictionary.BatchSize

// batch is the scratch of Count. It is lent: of a thousand shards, a few count at a time.
type batch struct {
	events  [batchRecords]events.Event
	windows [batchRecords]*window              // nil: look it up
	prints  [batchRecords]identity.Fingerprint // of those that have a window
	known   [batchRecords]uint32               // the devices' ordinals, where they have one as far as was seen
	found   [batchRecords]uint8                // isRepeat, isLow

	devices dictionary.Batch
	rises   [batchRecords]rise
	few     [batchRecords]rise
	rest    [batchRecords]uint8 // events that may change more than counters
	repeats [batchRecords]uint8 // the others
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// forget lets go of windows that may have left the shard.
func (b *batch) forget() {
	if b != nil {
		clear(b.windows[:])
	}
}

const noOrdinal = dictionary.None

// Count counts records in order. It stops after a record that seals a month, which it returns: the rest is for the next call.
// An error is the rulebook's or the chain's, or says that a GUID key is missing or a window full (dictionary.ErrFull): recs[n] and what follows was not counted,
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
	s.prefetch(len(recs))
	rest, repeats := s.batch.divide(len(recs))
	for _, i := range rest {
		if s.batch.events[i].Outcome == events.Control {
			repeats = s.repeat(repeats, int(i))
		}
		sealed, err = s.countOne(&recs[i], int(i))
		if err != nil {
			n, decodeErr = int(i), err
			break
		}
	}
	s.repeat(repeats, n)
	s.state.Records += uint64(n)
	return n, sealed, decodeErr
}

// divide tells the events that change counters alone from the rest.
func (b *batch) divide(n int) (rest, repeats []uint8) {
	r := 0
	for i, found := range b.found[:n] {
		b.rest[r], b.repeats[i-r] = uint8(i), uint8(i)
		if found != isRepeat|isLow {
			r++
		}
	}
	return b.rest[:r], b.repeats[:n-r]
}

// repeat counts those of the repeats that come before the event n, and returns the others.
func (s *Shard) repeat(repeats []uint8, n int) []uint8 {
	for at, i := range repeats {
		if int(i) >= n {
			return repeats[at:]
		}
		w := s.batch.windows[i]
		w.counters.Events++
		w.counters.Duplicates++
		if s.batch.events[i].Skewed {
			w.counters.Skewed++
			s.remark(s.batch.events[i].App, Skewed, s.batch.events[i].Clock.String(), 1)
			s.skewed++
		}
		s.touch(w)
	}
	return nil
}

// countOne counts the i-th event of the batch. On an error nothing has changed.
func (s *Shard) countOne(r *events.Record, i int) (*Sealed, error) {
	switch e := &s.batch.events[i]; e.Outcome {
	case events.Tombstone:
		s.state.Tombstones++
	case events.Counted:
		w, print := s.batch.windows[i], &s.batch.prints[i]
		if w == nil {
			var err error
			if w, err = s.window(e.Month, string(e.App), (*month).takesDevice); err != nil {
				return nil, err
			}
			if w == nil {
				s.overflow(r, e)
				return nil, nil
			}
			*print = w.makes.Fingerprint(&e.ID)
		}
		err := w.count(e, print, s.batch.known[i], s.batch.found[i]&isLow != 0)
		if errors.Is(err, errOverLimit) {
			s.overflow(r, e)
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if e.Skewed {
			s.remark(e.App, Skewed, e.Clock.String(), 1)
			s.skewed++
		}
		s.touch(w)
	case events.Reported:
		return nil, s.report(r, e)
	case events.Unknown:
		s.state.Unknown++
		s.remarkType(e)
	case events.Control:
		return s.control(r, e)
	case events.Expired:
		s.attribute(e.App, Stretch{Expired: 1})
		s.remark(e.App, Expired, e.Month.String(), 1)
	case events.BeforeBooks:
		s.attribute(e.App, Stretch{BeforeBooks: 1})
		s.remark(e.App, BeforeBooks, e.Month.String(), 1)
	case events.Rejected:
		s.reject(r, e, e.Reason, len(e.App) == 0 && e.Reason == events.OverLimit && !e.FarOff)
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
	why := events.OverLimit
	if w != nil {
		why = w.report(e.Quantity, in.rules.Limits.QuantitySources)
	}
	switch why {
	case "":
	case events.OverLimit:
		s.overflow(r, e)
		return nil
	default:
		s.reject(r, e, why, false)
		return nil
	}
	s.touch(w)
	return nil
}

// overflow rejects a record that found no room: what could be counted but for those before it.
func (s *Shard) overflow(r *events.Record, e *events.Event) { s.reject(r, e, events.OverLimit, true) }

// Refuse counts n records that nobody could read, of no known app, in their place among the others.
func (s *Shard) Refuse(n uint64, why events.Reason) {
	add := Stretch{Rejected: n}
	if why == events.OverLimit {
		add.OverLimit = n
	}
	s.attribute(nil, add)
	s.remark(nil, Rejected, string(why), n)
	s.state.TotalRejected += n
	s.state.Records += n
}

// reject makes a dead letter of a record. Past a limit is one that found no room, or that is too large to say whose it is; one that is
// itself past a limit, too large or of a month too far off, is its sender's mistake, as any other that is rejected.
func (s *Shard) reject(r *events.Record, e *events.Event, why events.Reason, past bool) {
	add := Stretch{Rejected: 1}
	if past {
		add.OverLimit = 1
	}
	s.attribute(e.App, add)
	name := string(why)
	if e.FarOff {
		name = fmt.Sprintf("%s: dated %04d", why, e.Month.Year())
	}
	s.remark(e.App, Rejected, name, 1)
	s.state.TotalRejected++
	s.dead = append(s.dead, DeadLetter{Offset: r.Offset, Reason: why, App: string(e.App)})
}
