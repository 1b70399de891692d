package counter

import (
	"runtime"
	"unsafe"

	"headcount/events"
	"headcount/events/identity"
)

// What approach found out of an event, before any of its batch was counted. It stays so: ordinals and facts are for ever, and
// registers only rise.
const (
	isRepeat = 1 << iota // the device did that before, on its last day
	isLow                // its register is as high already, or there is none to raise
)

// probe is what is looked up of an event in a large window. Addresses are numbers here: what they point to is held by the
// batch's windows, and a pointer that is stored costs more than one that is not.
type probe struct {
	print  identity.Fingerprint
	slot   uintptr // of the home slot
	end    uintptr // behind the segment's last slot
	chunks uintptr // of the dictionary's first chunk pointer
	width  uint8   // of the segment
	event  uint8   // in the batch
	now    seen

	entry   uintptr //nolint:unused // of what may be the device: assembly sets it, with its ordinal
	ordinal uint32
}

// rise is a register that an event may raise: at its address, or in a line of the table of few that it may be in.
type rise struct {
	at    uintptr
	value uint32 // in a table: with the index, as it stands there
	event uint8  // in the batch
}

// approach looks up the windows of the batch's events, and then all that is known of their devices and registers: each step for
// all events before the next one, so that many cache misses are under way at once.
func (s *Shard) approach(n int) {
	b := s.batch
	clear(b.found[:n])
	probes, rises, few := 0, 0, 0
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
		h := e.Fingerprint.Hash()
		g := w.large.segment(h)
		p := &b.probes[probes]
		p.print = e.Fingerprint
		p.slot = uintptr(unsafe.Pointer(&g.slots[g.home(h)]))
		p.end = uintptr(unsafe.Pointer(unsafe.SliceData(g.slots))) + 4*uintptr(len(g.slots))
		p.chunks = uintptr(unsafe.Pointer(unsafe.SliceData(w.large.chunks)))
		p.width, p.event, p.now = g.width, uint8(i), sawOn(e.Day, e.Kind)
		probes++
	}
	b.look(probes, rises, few)
}

// lookPlain is look in Go: it reads the slots of all, then the entries of all, and says no less.
func (b *batch) lookPlain(probes, rises, few int) {
	sink := uint32(0) // so that the reads are not left out
	for j := range b.probes[:probes] {
		p := &b.probes[j]
		h := p.print.Hash()
		g := b.windows[p.event].large.segment(h)
		sink += g.slots[g.home(h)]
	}
	for _, r := range b.rises[:rises] {
		w, e := b.windows[r.event], &b.events[r.event]
		index, value := registerOf(e.Fingerprint.SketchHash(), w.precision)
		if w.sketches[e.Kind].dense[index] >= value {
			b.found[r.event] |= isLow
		}
	}
	for _, r := range b.few[:few] {
		for _, slot := range b.windows[r.event].sketches[b.events[r.event].Kind].line(r.value >> 8) {
			if slot>>8 == r.value>>8 && slot >= r.value {
				b.found[r.event] |= isLow
			}
		}
	}
	for j := range b.probes[:probes] {
		p := &b.probes[j]
		h, l := p.print.Hash(), b.windows[p.event].large
		p.ordinal, _ = l.segment(h).candidate(h)
		sink += uint32(l.at(p.ordinal).seen)
	}
	for j := range b.probes[:probes] {
		p := &b.probes[j]
		if e := b.windows[p.event].large.at(p.ordinal); e.print == p.print {
			b.known[p.event] = p.ordinal
			if e.seen.day() == p.now.day() && e.seen|p.now == e.seen {
				b.found[p.event] |= isRepeat
			}
		}
	}
	runtime.KeepAlive(sink)
}
