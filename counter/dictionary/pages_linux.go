//go:build !race

package dictionary

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20

// mapRegion returns a region's memory, on huge pages where the system grants them.
func mapRegion() []byte {
	// One huge page more, so that the region can begin with one.
	memory, err := unix.Mmap(-1, 0, regionBytes+hugePage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, regionBytes)
	}
	skip := -uintptr(unsafe.Pointer(&memory[0])) % hugePage
	memory = memory[skip : skip+regionBytes]
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE) // a wish
	return memory
}

// giveBack lets the system have what memory holds; it reads as zeros then.
func giveBack(memory []byte) { _ = unix.Madvise(memory, unix.MADV_DONTNEED) }
