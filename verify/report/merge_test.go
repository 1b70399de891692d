package report

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestMerge: what several reports say, put together, counts what one would that had been told all of it.
func TestMerge(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		one, together := New("2026-10"), New("2026-10")
		for part := range 3 {
			own := New("2026-10")
			for i := range rnd.IntN(60) {
				what := fmt.Sprint("check ", rnd.IntN(2))
				got := rnd.IntN(3)
				for _, r := range []*Report{one, own} {
					r.Same(what, got, 1, "part %d, place %d", part, i)
					r.Remark("%d", got)
				}
			}
			own.LogCut = rnd.IntN(2) == 0
			one.LogCut = one.LogCut || own.LogCut
			together.Merge(own)
		}
		want, _ := json.Marshal(one.Checks)
		got, _ := json.Marshal(together.Checks)
		if string(got) != string(want) || one.More+len(one.Differences) != together.More+len(together.Differences) || one.LogCut != together.LogCut || len(one.Notes) != len(together.Notes) {
			t.Fatalf("seed %d: %s and %d more, want %s and %d more", seed, got, together.More, want, one.More)
		}
		if len(together.Differences) > 2*listed {
			t.Errorf("%d differences are listed", len(together.Differences))
		}
	}
}
