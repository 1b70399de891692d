package checkpoint

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSorterSorts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var kept sorter // one for all: what it kept of the last does not show in the next
	for _, n := range []int{0, 100_000, 1, 2, small - 1, small, small + 1, 3 * small} {
		for _, mask := range []uint64{0, 0xff, 1<<22 - 1, 0x1f_ffff_0000, 1<<41 - 1, ^uint64(0)} {
			keys := kept.room(n)
			for i := range keys {
				keys[i] = r.Uint64() & mask
			}
			want := slices.Clone(keys)
			slices.Sort(want)
			kept.sort(keys)
			if !slices.Equal(keys, want) {
				t.Fatalf("%d keys under %x are not sorted", n, mask)
			}
		}
	}
}

func BenchmarkSorter(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	from := make([]uint64, 1<<20)
	for i := range from {
		from[i] = r.Uint64N(1<<20) | r.Uint64N(31)<<36 | r.Uint64N(4)<<32
	}
	keys := make([]uint64, len(from))
	for _, way := range []struct {
		name string
		sort func([]uint64)
	}{{"digits", new(sorter).sort}, {"comparing", slices.Sort[[]uint64]}} {
		b.Run(way.name, func(b *testing.B) {
			for b.Loop() {
				copy(keys, from)
				way.sort(keys)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(keys)), "ns/key")
		})
	}
}
