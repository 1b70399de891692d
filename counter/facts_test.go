package counter

import (
	"math/rand/v2"
	"testing"

	"headcount/events"
)

// TestFactsOfCuts counts devices on days in and out of order, through flat, large, and a change of days, and wants each fact in
// the first cut after it was new, once, sorted; read at the end, when the window has gone on.
func TestFactsOfCuts(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	for round := range 6 {
		book := newTestBook(nil)
		s := NewShard(testID, book, testKeys)
		in, err := s.month(october)
		if err != nil {
			t.Fatal(err)
		}
		w := newWindow(WindowID{Month: october, App: "app"}, in)
		in.windows["app"] = w
		prints := benchPrints([]int{300, 1_001, 5_000, 60_000, 140_000, 5_000}[round])
		all := map[Fact]bool{}
		fresh := map[Fact]bool{}
		var cuts []*Delta
		var want []map[Fact]bool
		for day := 1; day <= 20; day++ {
			for range min(len(prints), 20_000) {
				e, print := events.Event{Day: events.Day(day), Kind: events.Kind(r.IntN(3))}, prints[r.IntN(len(prints))]
				switch r.IntN(10) {
				case 0:
					e.Day = events.Day(1 + r.IntN(day))
				case 1:
					e.Day = events.Day(min(31, day+1+r.IntN(2)))
				}
				if err := w.count(&e, &print, noOrdinal, false); err != nil {
					t.Fatal(err)
				}
				s.touch(w)
				ordinal, err := w.device(&print, false)
				if err != nil {
					t.Fatal(err)
				}
				if f := (Fact{ordinal, e.Day, e.Kind}); !all[f] {
					all[f], fresh[f] = true, true
				}
				if r.IntN(15_000) == 0 {
					cuts, want, fresh = append(cuts, s.Cut(Position{})), append(want, fresh), map[Fact]bool{}
				}
			}
		}
		cuts, want = append(cuts, s.Cut(Position{})), append(want, fresh)
		if w.counters.Events-w.counters.Duplicates != uint64(len(all)) {
			t.Errorf("%d events are no repeats, %d facts were new", w.counters.Events-w.counters.Duplicates, len(all))
		}
		for i, d := range cuts {
			got := 0
			parts := d.Parts()
			for p := parts.Next(); p != nil; p = parts.Next() {
				got += len(p.Facts)
				for j, f := range p.Facts {
					if !want[i][f] {
						t.Fatalf("cut %d of %d holds %+v, which was not new", i, len(cuts), f)
					}
					if d.Windows[0].fresh != nil && j > 0 {
						if before := p.Facts[j-1]; before.Day != f.Day || before.Kind != f.Kind || before.Ordinal >= f.Ordinal {
							t.Fatalf("cut %d: %+v comes before %+v", i, before, f)
						}
					}
				}
			}
			if got != len(want[i]) {
				t.Errorf("round %d: cut %d of %d holds %d facts, want %d", round, i, len(cuts), got, len(want[i]))
			}
		}
	}
}
