package collect

import (
	"maps"
	"sync"
	"time"

	"headcount/events"
)

// Figures are what a door has done so far. The zero value is ready; safe for concurrent use.
type Figures struct {
	mu    sync.Mutex
	total Totals
}

// Totals are a copy of Figures.
type Totals struct {
	Requests map[int]int64 // by status of the answer
	Events   int64         // written, dead ones among them
	Dead     map[events.Reason]int64
	Seconds  float64 // that answers took, all together
}

func (f *Figures) count(a *answer, took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := &f.total
	if t.Requests == nil {
		t.Requests, t.Dead = map[int]int64{}, map[events.Reason]int64{}
	}
	t.Requests[a.status]++
	t.Events += int64(a.accepted + len(a.dead))
	t.Seconds += took.Seconds()
	for _, d := range a.dead {
		t.Dead[d.Reason]++
	}
}

// Snapshot returns what was done so far.
func (f *Figures) Snapshot() Totals {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.total
	t.Requests, t.Dead = maps.Clone(t.Requests), maps.Clone(t.Dead)
	return t
}
