package counter

import (
	"math/rand/v2"
	"slices"
	"testing"

	"headcount/counter/dictionary"
	"headcount/events"
	"headcount/events/identity"
)

// TestPrefetch holds what prefetch finds out, with vectors and without, against the dictionary, the entries and the registers.
func TestPrefetch(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	with := vectors
	defer func() { vectors = with }()
	s := NewShard(testID, newTestBook(nil), testKeys)
	s.batch = new(batch)
	b := s.batch
	apps := []string{"small", "middle", "large-of-a-long-name", "late"}
	sizes := []int{flatDevices + 5, 9000, 120_000, 5000} // segments on the heap, outside it, and several of them
	windows := make([]*window, len(apps))
	event := func(e *events.Event, print *identity.Fingerprint, i int) {
		*e = events.Event{
			Outcome: events.Counted, App: []byte(apps[i]), Month: october, Day: events.Day(1 + r.IntN(3)), Kind: events.Kind(r.IntN(3)),
		}
		*print = testPrint(i<<20 + r.IntN(sizes[i]*5/4))
		if i == 3 {
			e.Month = september
		}
	}
	s.state.Sealed = september
	for i, app := range apps {
		var e events.Event
		var print identity.Fingerprint
		event(&e, &print, i)
		w, err := s.window(e.Month, app, nil)
		if err != nil {
			t.Fatal(err)
		}
		windows[i] = w
		for d := range sizes[i] {
			event(&e, &print, i)
			print = testPrint(i<<20 + d)
			if err := w.count(&e, &print, noOrdinal, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	var repeats, known, missed, few, farther int
	for round := range 4000 {
		vectors = with && round%2 == 0
		n := r.IntN(batchRecords + 1)
		which := make([]int, n)
		prints := b.prints
		for j := range n {
			which[j] = r.IntN(len(apps))
			event(&b.events[j], &prints[j], which[j])
			if r.IntN(20) == 0 {
				b.events[j].Outcome = events.Unknown
			}
		}
		s.findWindows(n)
		b.prints = prints
		b.lookUp(n)
		for j, e := range b.events[:n] {
			w := windows[which[j]]
			if e.Outcome != events.Counted {
				if b.windows[j] != nil || b.found[j] != 0 || b.known[j] != noOrdinal {
					t.Fatalf("event %d of %d is none, and was looked up", j, n)
				}
				continue
			}
			var want uint8
			index, value := registerOf(w.salt.Hash(&prints[j]), w.precision)
			if k := w.sketches[e.Kind]; w.Late || k != nil && k.dense != nil && k.dense[index] >= value {
				want |= isLow
			} else if k != nil && k.dense == nil && slices.ContainsFunc(k.few, func(slot uint32) bool { return slot>>8 == index && uint8(slot) >= value }) {
				if b.found[j]&isLow != 0 {
					want |= isLow
					few++
				} else {
					farther++ // from home than the first line
				}
			}
			ordinal, ok := w.large.Find(&prints[j])
			if ok && b.known[j] == noOrdinal {
				missed++ // it may
			} else if ok {
				known++
				now, seen := dictionary.SeenOn(e.Day, e.Kind), w.large.At(ordinal).Seen
				if seen.Day() == e.Day && seen&now&0xffff != 0 {
					want |= isRepeat
					repeats++
				}
			}
			if b.windows[j] != w || b.found[j] != want || b.known[j] != noOrdinal && (!ok || b.known[j] != ordinal) {
				t.Fatalf("event %d of %d in %s, vectors %t: found %b of %b, ordinal %d of %d (%t)", j, n, w.App, vectors, b.found[j], want, b.known[j], ordinal, ok)
			}
		}
	}
	if repeats < known/20 || missed > known/20 {
		t.Errorf("of %d known devices %d were repeats, and %d more were missed", known, repeats, missed)
	}
	if few == 0 || farther > few/4 {
		t.Errorf("of the registers in tables %d were found low, and %d more were", few, farther)
	}
}
