package counter

import (
	"unsafe"

	"headcount/counter/dictionary"
	"headcount/events"
	"headcount/events/identity"
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

// prefetch looks up the windows of the batch's events, makes their fingerprints, and then looks up all that is known of their devices
// and registers: each step for all events before the next one, so that many cache misses are under way at once.
func (s *Shard) prefetch(n int) {
	s.findWindows(n)
	identity.Complete(s.batch.prints[:n])
	s.batch.lookUp(n)
}

// findWindows looks up the windows of the batch's events, whose secrets make their fingerprints.
func (s *Shard) findWindows(n int) {
	b := s.batch
	for i := range n {
		e := &b.events[i]
		b.windows[i] = nil
		if e.Outcome != events.Counted {
			continue
		}
		if w := s.find(e.Month, e.App); w != nil {
			b.windows[i] = w
			w.makes.Mask(&b.prints[i], &e.ID)
		}
	}
}

// lookUp looks up what is known of the devices and registers of events with a window.
func (b *batch) lookUp(n int) {
	clear(b.found[:n])
	b.devices.Reset()
	rises, few := 0, 0
	for i := range n {
		e, w := &b.events[i], b.windows[i]
		b.known[i] = noOrdinal
		if w == nil || w.large == nil {
			continue
		}
		if w.Late {
			b.found[i] = isLow
		} else if k := w.sketches[e.Kind]; k != nil {
			index, value := w.registerOf(&b.prints[i])
			if k.dense != nil {
				b.rises[rises] = rise{uintptr(unsafe.Pointer(&k.dense[index])), uint32(value), uint8(i)}
				rises++
			} else {
				b.few[few] = rise{uintptr(unsafe.Pointer(&k.line(index)[0])), index<<8 | uint32(value), uint8(i)}
				few++
			}
		}
		b.devices.Add(&b.prints[i], uint8(i), dictionary.SeenOn(e.Day, e.Kind)).In(&w.large.Dictionary)
	}
	b.devices.Seek()
	b.lookAtRegisters(rises, few)
	b.devices.Find(&b.found, &b.known)
}
