//go:build !purego

package dictionary

import "golang.org/x/sys/cpu"

// vectors says whether the machine compares the slots of a cache line at once.
var vectors = cpu.X86.HasAVX512F && cpu.X86.HasBMI1 && cpu.X86.HasBMI2

// Seek finds what may be the devices, and asks for their cache lines. What is done before Find overlaps with their way.
func (b *Batch) Seek() {
	if !vectors {
		b.seekPlain()
	} else if b.n > 0 {
		askForSlots(&b.probes[0], b.n)
		seekEntries(&b.probes[0], b.n)
	}
}

// Find says which devices are known, by their ordinal (None: not known as far as was seen, which Dictionary.Find says for sure), and
// adds Repeat to what was found of them. Events that were not added keep what they have.
func (b *Batch) Find(found *[BatchSize]uint8, known *[BatchSize]uint32) {
	if !vectors {
		b.findPlain(found, known)
	} else if b.n > 0 {
		lookAtEntries(&b.probes[0], b.n, found, known)
	}
}

// askForSlots asks for the cache lines of the probes' home slots.
//
//go:noescape
func askForSlots(p *Probe, n int)

// seekEntries finds the entries that may be the probes' devices, and asks for their cache lines.
//
//go:noescape
func seekEntries(p *Probe, n int)

// lookAtEntries says which devices are known, and which of them did today what they do now.
//
//go:noescape
func lookAtEntries(p *Probe, n int, found *[BatchSize]uint8, known *[BatchSize]uint32)
