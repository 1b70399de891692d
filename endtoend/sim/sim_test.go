package sim

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"headcount/endtoend/sim/mutant"
)

var (
	seeds = flag.Int("seeds", 400, "how many seeds to run")
	first = flag.Uint64("from", 1, "the first of them")
	seed  = flag.Uint64("seed", 0, "run this one alone, telling what happens")
	limit = flag.Duration("for", 0, "run no seed after this long; 0: all")
)

// enough is how many runs must have seen every fault take effect.
const enough = 5_000

func TestSimulation(t *testing.T) {
	mutant.Active = *active
	if *seed != 0 {
		if w := Run(*seed, t.Logf); w.failed != nil {
			t.Fatalf("seed %d: %v", *seed, w.failed)
		}
		return
	}
	if testing.Short() {
		*seeds = min(*seeds, 40)
	}
	sum := runAll(t, *first, *seeds, *limit)
	t.Log(sum)
	if sum.Runs < enough {
		return
	}
	for k, n := range sum.effect {
		if n == 0 {
			t.Errorf("no %s took effect in %d runs", faultNames[k], sum.Runs)
		}
	}
}

// runAll runs seeds on all cores, and stops with the first that fails.
func runAll(t *testing.T, from uint64, n int, most time.Duration) *Summary {
	var next atomic.Uint64
	var mu sync.Mutex
	sum := &Summary{}
	began := time.Now()
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for !t.Failed() && (most == 0 || time.Since(began) < most) {
				i := next.Add(1) - 1
				if i >= uint64(n) {
					return
				}
				w := Run(from+i, nil)
				if w.failed != nil {
					t.Errorf("seed %d: %v\nagain: make sim SEED=%d", w.seed, w.failed, w.seed)
					return
				}
				mu.Lock()
				sum.add(w)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	sum.took = time.Since(began)
	return sum
}

// Two runs of a seed are the same, step by step.
func TestReplay(t *testing.T) {
	n := uint64(60)
	if testing.Short() {
		n = 10
	}
	for seed := range n {
		var said [2]strings.Builder
		for i := range said {
			Run(seed+1, func(format string, args ...any) { fmt.Fprintf(&said[i], format+"\n", args...) })
		}
		if said[0].String() != said[1].String() {
			t.Fatalf("seed %d: two runs differ", seed+1)
		}
	}
}
