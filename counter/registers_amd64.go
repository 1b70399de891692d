//go:build !purego

package counter

import "golang.org/x/sys/cpu"

// vectors says whether the machine compares the registers of a cache line at once.
var vectors = cpu.X86.HasAVX512F

// lookAtRegisters finds out which of so many registers are as high as they would be raised, few of them in tables.
func (b *batch) lookAtRegisters(rises, few int) {
	if !vectors {
		b.lookPlain(rises, few)
		return
	}
	if rises > 0 {
		lookAtDense(&b.rises[0], rises, &b.found)
	}
	if few > 0 {
		lookAtFew(&b.few[0], few, &b.found)
	}
}

// lookAtDense says which registers are as high as they would be raised.
//
//go:noescape
func lookAtDense(r *rise, n int, found *[batchRecords]uint8)

// lookAtFew is lookAtDense for those in tables.
//
//go:noescape
func lookAtFew(r *rise, n int, found *[batchRecords]uint8)
