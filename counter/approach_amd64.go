//go:build !purego

package counter

import "golang.org/x/sys/cpu"

// vectors says whether the machine compares the slots of a cache line at once.
var vectors = cpu.X86.HasAVX512F && cpu.X86.HasBMI1 && cpu.X86.HasBMI2

// look finds out what is known of the devices of so many probes and the registers of so many rises, few of them in
// tables.
func (b *batch) look(probes, rises, few int) {
	if !vectors {
		b.lookPlain(probes, rises, few)
		return
	}
	if probes > 0 {
		askForSlots(&b.probes[0], probes)
		seekEntries(&b.probes[0], probes)
	}
	if rises > 0 {
		lookAtRegisters(&b.rises[0], rises, &b.found)
	}
	if few > 0 {
		lookAtFew(&b.few[0], few, &b.found)
	}
	if probes > 0 {
		lookAtEntries(&b.probes[0], probes, &b.found, &b.known)
	}
}

// askForSlots asks for the cache lines of the probes' home slots.
//
//go:noescape
func askForSlots(p *probe, n int)

// seekEntries finds the entries that may be the probes' devices, and asks for their cache lines.
//
//go:noescape
func seekEntries(p *probe, n int)

// lookAtEntries says which devices are known, and which of them did today what they do now.
//
//go:noescape
func lookAtEntries(p *probe, n int, found *[batchRecords]uint8, known *[batchRecords]uint32)

// lookAtRegisters says which registers are as high as they would be raised.
//
//go:noescape
func lookAtRegisters(r *rise, n int, found *[batchRecords]uint8)

// lookAtFew is lookAtRegisters for those in tables.
//
//go:noescape
func lookAtFew(r *rise, n int, found *[batchRecords]uint8)
