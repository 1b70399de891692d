package checkpoint

import (
	"math/rand/v2"
	"testing"
)

// Whatever the sizes, segments are few and bytes are rewritten about once a level.
func TestLevels(t *testing.T) {
	for name, size := range map[string]func(r *rand.Rand, i int) int64{
		"tiny":      func(*rand.Rand, int) int64 { return 200 },
		"equal":     func(*rand.Rand, int) int64 { return 50_000 },
		"any":       func(r *rand.Rand, _ int) int64 { return 100 << r.IntN(16) },
		"growing":   func(_ *rand.Rand, i int) int64 { return 100 + int64(i)*50 },
		"shrinking": func(_ *rand.Rand, i int) int64 { return 10_000_000/int64(i+1) + 100 },
		"bursts": func(_ *rand.Rand, i int) int64 {
			if i%500 == 0 {
				return 50_000_000
			}
			return 300
		},
	} {
		for _, seed := range seeds(t, 2) {
			r := rand.New(rand.NewPCG(seed, 4))
			var sizes []int64
			var total, written, units int64
			most := 0
			for i := range 20_000 {
				s := size(r, i)
				total += s
				written += s
				units++
				sizes = append(sizes, s)
				if from := plan(sizes); from < len(sizes)-1 {
					var sum int64
					for _, s := range sizes[from:] {
						sum += s
					}
					written += sum
					sizes = append(sizes[:from], sum)
				}
				most = max(most, len(sizes))
				for i := 1; i < len(sizes); i++ {
					if level(sizes[i]) > level(sizes[i-1]) {
						t.Fatalf("%s, seed %d: levels rise: %v", name, seed, sizes)
					}
				}
			}
			levels := int64(level(total)) + 1
			if most > (levelFactor-1)*int(levels) {
				t.Errorf("%s, seed %d: %d segments on %d levels", name, seed, most, levels)
			}
			if written > levels*total+units*levelUnit {
				t.Errorf("%s, seed %d: %d bytes written for %d on %d levels", name, seed, written, total, levels)
			}
			t.Logf("%s, seed %d: %d levels, at most %d segments, written %.2f times", name, seed, levels, most, float64(written)/float64(total))
		}
	}
}
