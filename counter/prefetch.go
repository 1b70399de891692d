package counter

import (
	"unsafe"

	"headcount/counter/dictionary"
	"headcount/events"
)

// What prefetch found out of an event, before any of its batch was counted. It stays so: ordinals and facts are for ever, and
// registers only rise.
const (
	isRepeat = dictionary.Repeat      // the device did that before, on its last day
	isLow    = dictionary.Repeat << 1 // its register is as high already, or there is none to raise
)

// rise is a register that an event may raise: at its address, or in a line of the table of few that it may be in.
type rise struct {
	at    uintptr
	value uint32 // in a table: with the index, as it stands there
	event uint8  // in the batch
}

// prefetch looks up the windows of the batch's events, and then all that is known of their devices and registers: each step for
// all events before the next one, so that many cache misses are under way at once.
func (s *Shard) prefetch(n int) {
	b := s.batch
	clear(b.found[:n])
	b.devices.Reset()
	rises, few := 0, 0
	for i := range n {
		e := &b.events[i]
		b.windows[i], b.known[i] = nil, noOrdinal
		if e.Outcome != events.Counted {
			continue
		}
		w := s.find(e.Month, e.App)
		b.windows[i] = w
		if w == nil || w.large == nil {
			continue
		}
		if w.Late {
			b.found[i] = isLow
		} else if k := w.sketches[e.Kind]; k != nil {
			index, value := registerOf(e.Fingerprint.SketchHash(), w.precision)
			if k.dense != nil {
				b.rises[rises] = rise{uintptr(unsafe.Pointer(&k.dense[index])), uint32(value), uint8(i)}
				rises++
			} else {
				b.few[few] = rise{uintptr(unsafe.Pointer(&k.line(index)[0])), index<<8 | uint32(value), uint8(i)}
				few++
			}
		}
		b.devices.Add(&e.Fingerprint, uint8(i), dictionary.SeenOn(e.Day, e.Kind)).In(&w.large.Dictionary)
	}
	b.devices.Seek()
	b.lookAtRegisters(rises, few)
	b.devices.Find(&b.found, &b.known)
}
