package dictionary

import (
	"runtime"
	"unsafe"

	"headcount/events/identity"
)

// BatchSize is how many fingerprints are looked up at once, so that the cache misses of one overlap with those of the others.
const BatchSize = 128

// Repeat is found out of a device that did on its last day what it is looked up with.
const Repeat = 1

// None is the ordinal of a device that is not known.
const None = 1<<32 - 1

// Batch looks up many fingerprints, of any dictionaries: Add and Probe.In for each, Seek, and Find. Until then the dictionaries are
// kept by whoever has them, and none may change. What was found stays so: ordinals are for ever, and so is what a device did.
type Batch struct {
	n      int
	probes [BatchSize]Probe
}

// Probe is what is looked up of a fingerprint. Addresses are numbers here: a pointer that is stored costs more than one that is
// not. 64 bytes: a cache line.
type Probe struct {
	print  identity.Fingerprint
	slot   uintptr // of the home slot
	end    uintptr // behind the segment's last slot
	chunks uintptr // of the dictionary's first chunk pointer
	width  uint8   // of the segment
	event  uint8   // in the batch
	now    Seen

	at      uintptr // of the dictionary; assembly puts that of the entry there which may be the device's, with its ordinal
	ordinal uint32
}

// Reset empties the batch.
func (b *Batch) Reset() { b.n = 0 }

// Add adds the fingerprint of the caller's event with that number, below BatchSize, of a device that does now; In must follow. They
// are two so that both are inlined.
func (b *Batch) Add(print *identity.Fingerprint, event uint8, now Seen) *Probe {
	p := &b.probes[b.n]
	p.print, p.event, p.now = *print, event, now
	b.n++
	return p
}

// In says in which dictionary the fingerprint is looked up.
func (p *Probe) In(d *Dictionary) {
	h := p.print.Hash()
	g := d.segment(h)
	p.slot = uintptr(unsafe.Pointer(&g.slots[g.home(h)]))
	p.end = uintptr(unsafe.Pointer(unsafe.SliceData(g.slots))) + 4*uintptr(len(g.slots))
	p.chunks = uintptr(unsafe.Pointer(unsafe.SliceData(d.chunks)))
	p.width, p.at = g.width, uintptr(unsafe.Pointer(d))
}

// in is the dictionary, before Seek.
func (p *Probe) in() *Dictionary { return *(**Dictionary)(unsafe.Pointer(&p.at)) }

// seekPlain is Seek in Go: it reads the slots of all, then the entries of all.
func (b *Batch) seekPlain() {
	sink := uint32(0) // so that the reads are not left out
	for i := range b.probes[:b.n] {
		h := b.probes[i].print.Hash()
		g := b.probes[i].in().segment(h)
		sink += g.slots[g.home(h)]
	}
	for i := range b.probes[:b.n] {
		p := &b.probes[i]
		d := p.in()
		h := p.print.Hash()
		p.ordinal, _ = d.segment(h).candidate(h)
		sink += uint32(d.At(p.ordinal).Seen)
	}
	runtime.KeepAlive(sink)
}

// findPlain is Find in Go.
func (b *Batch) findPlain(found *[BatchSize]uint8, known *[BatchSize]uint32) {
	for i := range b.probes[:b.n] {
		p := &b.probes[i]
		known[p.event] = None
		if e := p.in().At(p.ordinal); e.Print == p.print {
			known[p.event] = p.ordinal
			if e.Seen.Day() == p.now.Day() && e.Seen|p.now == e.Seen {
				found[p.event] |= Repeat
			}
		}
	}
}
