//go:build !purego

package batch

import "golang.org/x/sys/cpu"

// extentReads is how many bytes from its beginning on findExtents looks at of any record: 2 of size, 1 of attributes, 5 of time, and
// the 8 after them.
const extentReads = 2 + 1 + 5 + 8

var gathersBits = cpu.X86.HasBMI1 && cpu.X86.HasBMI2

// readExtents finds the extents of records from b[i:] on, one at least and as many as there is room for in to. The error is the first
// record's.
func readExtents(b []byte, i int, to []extent) (n int, err error) {
	if gathersBits && len(b)-i >= extentReads {
		n = findExtents(&b[0], len(b), i, &to[0], len(to))
	}
	if n == 0 {
		to[0], err = readExtent(b, i)
		n = 1
	}
	return n, err
}

// findExtents finds the extents of at most n records from b[at] on, up to one without a value or with a number that is long, and
// returns how many it found. It reads nothing behind b[size].
//
//go:noescape
func findExtents(b *byte, size, at int, to *extent, n int) int
