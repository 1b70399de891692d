package counter

import (
	"errors"
	"slices"

	"headcount/events"
	"headcount/events/identity"
)

// window holds the facts of one app in one month in one partition, on time or late: devices and facts in the flat or the large
// form, a sketch per kind, counters, quantities; and what of them is new since the last cut.
type window struct {
	WindowID
	precision uint8
	in        *month                   // that it is a window of
	flat      *flat                    // nil from flatDevices devices on
	large     *large                   // nil before
	makes     identity.App             // its fingerprints
	salt      identity.Salt            // of its sketches; late: none
	sketches  [events.MaxKinds]*sketch // nil: no event of that kind, or late
	counters  Counters
	reported  quantities

	dirty bool     // something is new since the last cut
	cut   uint32   // devices at the last cut
	noted [][]Fact // full blocks of facts that are in no run
	facts []Fact   // the block being filled
	risen []Register
	moved []totalKey // quantities that changed; a repeat does no harm
}

type totalKey struct {
	meter, source string
	day           events.Day
}

func newWindow(id WindowID, in *month) *window {
	w := &window{WindowID: id, precision: uint8(in.rules.Precision), in: in, flat: &flat{}, makes: in.key.App(id.App)}
	if !id.Late {
		w.salt = in.key.Salt(id.App, id.Month.String())
	}
	return w
}

func (w *window) devices() uint32 {
	if w.large != nil {
		return w.large.Len()
	}
	return uint32(len(w.flat.prints))
}

// count counts an event of a device or user. dictionary.ErrFull, errOverLimit: it was not. Ordinal is the device's; noOrdinal: it is not
// known. Low: its register is known to be as high already.
func (w *window) count(e *events.Event, print *identity.Fingerprint, ordinal uint32, low bool) error {
	if ordinal == noOrdinal {
		var err error
		if ordinal, err = w.device(print, true); err != nil {
			return err
		}
	}
	w.counters.Events++
	if e.Skewed {
		w.counters.Skewed++
	}
	if !w.learn(ordinal, e.Day, e.Kind) {
		w.counters.Duplicates++
	}
	if low {
		return nil
	}
	// The sketches are fed by every event, whatever the dictionary thinks of it: they are to notice where it errs.
	if !w.Late {
		s := w.sketch(e.Kind)
		if index, value := w.registerOf(print); s.raise(index, value) {
			if len(w.risen) == cap(w.risen) {
				w.risen = slices.Grow(w.risen, max(4, len(w.risen)))
			}
			w.risen = append(w.risen, Register{Kind: e.Kind, Index: uint16(index), Value: value})
		}
	}
	return nil
}

// errOverLimit says that a device is new, and that its window or all of the month have as many as the rules allow.
var errOverLimit = errors.New("over limit")

// device returns the ordinal of a fingerprint, a new one where it is new and, if limited, within the limits.
func (w *window) device(print *identity.Fingerprint, limited bool) (uint32, error) {
	if l := w.large; l != nil {
		if ordinal, ok := l.Find(print); ok {
			return ordinal, nil
		}
		if limited && w.full() {
			return 0, errOverLimit
		}
		ordinal, err := l.Insert(print)
		if err == nil {
			w.in.devices++
		}
		return ordinal, err
	}
	if ordinal, ok := w.flat.find(print); ok {
		return ordinal, nil
	}
	if limited && w.full() {
		return 0, errOverLimit
	}
	ordinal := w.flat.insert(print)
	w.in.devices++
	if ordinal+1 == flatDevices {
		w.large, w.flat = newLarge(w.flat), nil
	}
	return ordinal, nil
}

// full says whether the limits allow no further device.
func (w *window) full() bool {
	limit := w.in.rules.Limits.DevicesPerApp
	return limit > 0 && int(w.devices()) >= limit || w.in.full()
}

// learn adds a fact, and says whether it is new. What is new the next cut will hold.
func (w *window) learn(ordinal uint32, day events.Day, kind events.Kind) (isNew bool) {
	inRun := false
	if w.large != nil {
		isNew, inRun = w.large.learn(ordinal, day, kind)
	} else {
		isNew = w.flat.learn(ordinal, day, kind)
	}
	if isNew && !inRun {
		w.note(Fact{Ordinal: ordinal, Day: day, Kind: kind})
	}
	return isNew
}

// registerOf returns what a device or user does to the sketches: register index is at least value.
func (w *window) registerOf(print *identity.Fingerprint) (index uint32, value uint8) {
	return registerOf(w.salt.Hash(print), w.precision)
}

func (w *window) sketch(kind events.Kind) *sketch {
	if w.sketches[kind] == nil {
		w.sketches[kind] = newSketch(w.precision)
	}
	return w.sketches[kind]
}

// report takes a reported quantity; false: its meter has too many sources.
func (w *window) report(q *events.Quantity, limit int) bool {
	changed, ok := w.reported.report(q, limit)
	if changed {
		w.moved = append(w.moved, totalKey{q.Meter, q.Source, q.Day})
	}
	return ok
}
