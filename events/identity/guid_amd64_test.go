//go:build !purego

package identity

import (
	"math/rand/v2"
	"testing"

	"headcount/endtoend/guard"
)

// TestHyphenated holds the vectors against the plain code, on UUIDs of which any bytes are changed and on those with every byte at
// every place.
func TestHyphenated(t *testing.T) {
	if !wide {
		t.Skip("this machine has no vectors of 64 bytes")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	const digits = "0123456789abcdefABCDEF"
	same := func(b []byte) bool {
		var want, got [16]byte
		b = guard.Copy(b)
		ok := hyphenatedPlain(&want, b)
		if hyphenatedVector(&got, &b[0]) != ok || ok && got != want {
			t.Fatalf("%q: plain code says %t %x, vectors %x", b, ok, want, got)
		}
		return ok
	}
	random := func() []byte {
		b := make([]byte, 36)
		for i := range b {
			b[i] = digits[r.IntN(len(digits))]
		}
		b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
		return b
	}
	for range 100_000 {
		b := random()
		if !same(b) {
			t.Fatalf("%q is a UUID", b)
		}
		for range 1 + r.IntN(2) {
			b[r.IntN(len(b))] = byte(r.Uint32())
		}
		same(b)
	}
	for at := range 36 {
		for c := range 256 {
			b := random()
			b[at] = byte(c)
			same(b)
		}
	}
}
