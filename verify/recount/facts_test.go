package recount

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
)

// TestFactsOnDisk: facts that do not fit the map come back as those of a map that has room, each once and in order.
func TestFactsOnDisk(t *testing.T) {
	for _, most := range []int{1, 7, 100, 1 << 20} {
		rnd := rand.New(rand.NewPCG(1, uint64(most)))
		f := newFacts(most, t.TempDir())
		want := map[fact]uint32{}
		for range 5000 {
			x := fact{group: uint8(rnd.IntN(2)), late: uint8(rnd.IntN(2)), kind: uint8(rnd.IntN(3)), partition: int32(rnd.IntN(3)), app: fmt.Sprint("app-", rnd.IntN(12))}
			x.who[rnd.IntN(2)] = byte(rnd.IntN(20))
			day := 1 + rnd.IntN(31)
			want[x] |= 1 << day
			if err := f.add(x, day); err != nil {
				t.Fatal(err)
			}
			if most == 1 && len(want) > 300 {
				break // a file each
			}
		}
		got := map[fact]uint32{}
		var last *fact
		err := f.each(func(x *fact, days uint32) error {
			if last != nil && compareFacts(last, x) >= 0 {
				return fmt.Errorf("%+v comes after %+v", *x, *last)
			}
			kept := *x
			last = &kept
			got[kept] = days
			return nil
		})
		f.close()
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("at most %d: %d facts, want %d: %v", most, len(got), len(want), err)
		}
		if most < 5000 && len(f.runs) == 0 {
			t.Errorf("at most %d: nothing went to disk", most)
		}
	}
}
