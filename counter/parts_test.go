package counter

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"headcount/events"
	"headcount/events/identity"
)

// TestPartsWhileCounting reads deltas of many devices again and again while the shard goes on, and wants what stood at the cut.
func TestPartsWhileCounting(t *testing.T) {
	s := NewShard(testID, newTestBook(nil), testKeys)
	l := newTestLog()
	const devices = 30_000
	for day := range 2 {
		for i := range devices {
			l.open(i, "app", october, 1+day)
		}
	}
	step := len(l.records) / 5
	var deltas []*Delta
	var readers sync.WaitGroup
	var counted atomic.Bool
	parts := make([]*Delta, 6)
	for i := range 5 {
		countAll(t, s, l.records[i*step:(i+1)*step])
		d := s.Cut(Position{Next: events.Offset(i)})
		deltas = append(deltas, d)
		readers.Go(func() {
			for parts[i] = whole(d); !counted.Load(); {
				parts[i] = whole(d)
			}
		})
	}
	counted.Store(true)
	readers.Wait()
	var prints []identity.Fingerprint
	facts := map[Fact]int{}
	for _, d := range parts[:5] {
		if len(d.Windows) != 1 {
			t.Fatalf("%d windows, want 1", len(d.Windows))
		}
		w := d.Windows[0]
		if len(w.Fingerprints) > 0 && int(w.First) != len(prints) {
			t.Errorf("fingerprints from ordinal %d on, want %d", w.First, len(prints))
		}
		prints = append(prints, w.Fingerprints...)
		for _, f := range w.Facts {
			facts[f]++
		}
	}
	in := s.open[october].windows["app"]
	for i := range prints {
		if prints[i] != in.large.At(uint32(i)).Print {
			t.Fatalf("fingerprint %d is not the window's", i)
		}
	}
	if len(prints) != devices || len(facts) != 2*devices {
		t.Errorf("%d fingerprints and %d facts, want %d and %d", len(prints), len(facts), devices, 2*devices)
	}
	got := readAll(t, restore(t, newTestBook(nil), deltas).Snapshot(october).OnTime())
	if want := readAll(t, s.Snapshot(october).OnTime()); !slices.Equal(got[0].Rows, want[0].Rows) {
		t.Error("the restored rows differ")
	}
}
