// Package wiretest tries decoders on what no broker should send.
package wiretest

import (
	"math"
	"runtime"
	"testing"
)

// A Decoder reads an answer. take gives memory for bytes that the answer announces.
type Decoder func(b []byte, take func(n int) []byte) error

// mostPerByte is what a decoder may allocate for a byte of its answer: an error for each partition of a commit's is the most.
const mostPerByte = 100

// FuzzAnswers tries decoders on any bytes: none may panic, or allocate out of proportion to what the answer holds. f has its seeds
// already, each with the index of a decoder; lies are added to them for each.
func FuzzAnswers(f *testing.F, decoders []Decoder) {
	for i := range decoders { // a throttle time, no error, and a count of elements that is a lie
		f.Add([]byte{0, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 1, 't'}, uint8(i))
		f.Add([]byte{0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 1, 't', 0x7f, 0xff, 0xff, 0xff}, uint8(i))
	}
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		taken := 0
		take := func(n int) []byte { taken += n; return make([]byte, n) }
		n := Allocated(func() {
			taken = 0
			_ = decoders[int(which)%len(decoders)](b, take)
		})
		if taken > len(b) {
			t.Errorf("%d bytes taken for an answer of %d", taken, len(b))
		}
		if n > uint64(64<<10+mostPerByte*len(b)) {
			t.Errorf("%d bytes allocated for an answer of %d", n, len(b))
		}
	})
}

// Allocated is how many bytes a function allocates, which does the same each time: the least of three, since what earlier tests left
// behind may allocate meanwhile.
func Allocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}
