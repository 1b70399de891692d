//go:build !purego

package batch

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"headcount/endtoend/guard"
)

// TestCastagnoli holds castagnoliSum against the standard library's, in memory that ends where the bytes do, or begins there.
func TestCastagnoli(t *testing.T) {
	memory, free := guard.Memory(1 << 20)
	defer free()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range memory {
		memory[i] = byte(random.Uint32())
	}
	lengths := []int{len(memory), len(memory) - 1}
	for n := range 9 * crcBlock {
		lengths = append(lengths, n)
	}
	for _, n := range lengths {
		for _, b := range [][]byte{memory[:n:n], memory[len(memory)-n:]} {
			if got, want := castagnoliSum(b), crc32.Checksum(b, castagnoli); got != want {
				t.Fatalf("%d bytes: %08x, the library has %08x", n, got, want)
			}
		}
	}
	if got := castagnoliSum([]byte("123456789")); got != 0xe3069283 {
		t.Fatalf("check value: %08x", got)
	}
}

func FuzzCastagnoli(f *testing.F) {
	f.Add([]byte("123456789"), uint16(3))
	f.Fuzz(func(t *testing.T, b []byte, times uint16) {
		long := make([]byte, 0, 4096)
		for range times % 4096 {
			if len(long) < 64<<10 {
				long = append(long, b...)
			}
		}
		if got, want := castagnoliSum(long), crc32.Checksum(long, castagnoli); got != want {
			t.Fatalf("%x, %d times: %08x, the library has %08x", b, times, got, want)
		}
	})
}

func BenchmarkCRC(b *testing.B) {
	for _, n := range []int{512, 4 << 10, 16 << 10, 1 << 20} {
		bytes := make([]byte, n)
		b.Run(fmt.Sprint("bytes=", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				castagnoliSum(bytes)
			}
		})
	}
}
