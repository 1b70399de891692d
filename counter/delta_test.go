package counter

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"

	"headcount/events"
	"headcount/events/identity"
)

// TestCutWhileCounting encodes each delta in another goroutine while the next records are counted: under the race detector,
// what the two share is found; and what was encoded must be what was cut.
func TestCutWhileCounting(t *testing.T) {
	book := newTestBook(nil)
	l := newTestLog()
	for i := range 12_000 {
		l.open(i%2400, "app", october, 1+i/800)
		if i%50 == 0 {
			l.reported("app", "api", october, 0, "source", 0, int64(i))
			l.add([]byte(`{"type":"miniprogram.open","superapp":"app"}`))
		}
	}
	s := NewShard(testID, book, testKeys)
	var wg sync.WaitGroup
	var cut []*Delta
	encoded := make([]string, 0, 100)
	var lock sync.Mutex
	for at := 0; at < len(l.records); at += 700 {
		countAll(t, s, l.records[at:min(len(l.records), at+700)])
		d := s.Cut(Position{Next: events.Offset(at)})
		cut = append(cut, d)
		wg.Go(func() {
			b, err := json.Marshal(d)
			if err != nil {
				t.Error(err)
			}
			lock.Lock()
			encoded = append(encoded, string(b))
			lock.Unlock()
		})
	}
	wg.Wait()
	all := strings.Join(encoded, "\n")
	for i, d := range cut {
		if b, _ := json.Marshal(d); !strings.Contains(all, string(b)) {
			t.Fatalf("delta %d changed after it was cut", i)
		}
	}
	want := newModel(book)
	for i := range l.records {
		want.count(t, &l.records[i])
	}
	compareShard(t, "restored", restore(t, book, cut), want)
}

// TestCutHoldsWhatIsNew counts the same records twice: the second time, only counters have changed.
func TestCutHoldsWhatIsNew(t *testing.T) {
	l := newTestLog()
	for i := range 2000 {
		l.open(i, "large", october, 1)
		if i < 10 {
			l.open(i, "flat", october, 1)
		}
	}
	l.reported("flat", "api", october, 0, "s", 0, 5)
	l.open(1, "left alone", october, 1)
	s := NewShard(testID, newTestBook(nil), testKeys)
	countAll(t, s, l.records)
	first := whole(s.Cut(Position{Next: 1}))
	if len(first.Windows) != 3 || len(first.Windows[1].Fingerprints) != 2000 || len(first.Windows[1].Facts) != 2000 || len(first.Windows[1].Registers) < 1000 {
		t.Fatalf("first delta: %d windows", len(first.Windows))
	}
	countAll(t, s, l.records[:len(l.records)-1])
	d := s.Cut(Position{Next: 2})
	if len(d.Windows) != 2 {
		t.Fatalf("second delta: %d windows, want the two that saw events", len(d.Windows))
	}
	for i, w := range d.Windows {
		want := WindowDelta{WindowID: first.Windows[i].WindowID, First: uint32(len(first.Windows[i].Fingerprints)), Counters: first.Windows[i].Counters}
		want.Counters.Events *= 2
		want.Counters.Duplicates = want.Counters.Events / 2
		if !reflect.DeepEqual(w, want) {
			t.Errorf("second delta: %+v, want %+v", w, want)
		}
	}
	if d := s.Cut(Position{Next: 2}); len(d.Windows) != 0 || d.State.Records != s.State().Records {
		t.Errorf("third delta: %+v", d)
	}
}

// TestCutAfterSeal wants the delta after a seal to name the months that left, and to hold nothing of them.
func TestCutAfterSeal(t *testing.T) {
	book := newTestBook(nil)
	l := newTestLog()
	for _, m := range []events.Month{september, october, november} {
		l.open(1, "app", m, 1)
	}
	l.seal(book, october, nil, nil)
	l.open(2, "app", october, 2)
	s := NewShard(testID, book, testKeys)
	countAll(t, s, l.records)
	d := s.Cut(Position{})
	var got []WindowID
	for _, w := range d.Windows {
		got = append(got, w.WindowID)
	}
	if want := []WindowID{{october, true, "app"}, {november, false, "app"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("windows %v, want %v", got, want)
	}
	if want := []events.Month{september, october}; !reflect.DeepEqual(d.Dropped, want) {
		t.Errorf("dropped %v, want %v", d.Dropped, want)
	}
}

// TestAbsorbRefuses holds Absorb to what it validates.
func TestAbsorbRefuses(t *testing.T) {
	good := func() *Delta {
		return &Delta{Partition: 3, State: State{Sealed: september, Records: 10}, Windows: []WindowDelta{{
			WindowID: WindowID{Month: october, App: "app"}, Fingerprints: []identity.Fingerprint{testPrint(1), testPrint(2)},
			Facts:     []Fact{{0, 1, events.Open}, {1, 31, events.Sync}},
			Registers: []Register{{events.Open, 1<<14 - 1, 51}},
			Totals:    []Total{{events.Quantity{Meter: "m", Source: "s", Day: 31}}},
		}}}
	}
	if err := NewShard(testID, newTestBook(nil), testKeys).Absorb(good()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(d *Delta, w *WindowDelta){
		"partition":           func(d *Delta, w *WindowDelta) { d.Partition = 4 },
		"no app":              func(d *Delta, w *WindowDelta) { w.App = "" },
		"finished month":      func(d *Delta, w *WindowDelta) { w.Month = september - 1 },
		"sealed, on time":     func(d *Delta, w *WindowDelta) { w.Month = september },
		"open, late":          func(d *Delta, w *WindowDelta) { w.Late = true },
		"late with registers": func(d *Delta, w *WindowDelta) { w.Month, w.Late, w.Facts = september, true, nil },
		"first":               func(d *Delta, w *WindowDelta) { w.First = 1 },
		"repeated print":      func(d *Delta, w *WindowDelta) { w.Fingerprints[1] = w.Fingerprints[0] },
		"ordinal":             func(d *Delta, w *WindowDelta) { w.Facts[1].Ordinal = 2 },
		"day 0":               func(d *Delta, w *WindowDelta) { w.Facts[1].Day = 0 },
		"day 32":              func(d *Delta, w *WindowDelta) { w.Facts[1].Day = 32 },
		"kind":                func(d *Delta, w *WindowDelta) { w.Facts[1].Kind = 11 },
		"register kind":       func(d *Delta, w *WindowDelta) { w.Registers[0].Kind = 11 },
		"register index":      func(d *Delta, w *WindowDelta) { w.Registers[0].Index = 1 << 14 },
		"register value":      func(d *Delta, w *WindowDelta) { w.Registers[0].Value = 52 },
		"register zero":       func(d *Delta, w *WindowDelta) { w.Registers[0].Value = 0 },
		"meter":               func(d *Delta, w *WindowDelta) { w.Totals[0].Meter = "" },
		"source":              func(d *Delta, w *WindowDelta) { w.Totals[0].Source = "" },
		"total day":           func(d *Delta, w *WindowDelta) { w.Totals[0].Day = 32 },
		"total value":         func(d *Delta, w *WindowDelta) { w.Totals[0].Value = -1 },
	} {
		d := good()
		change(d, &d.Windows[0])
		if err := absorbed(d); err == nil {
			t.Errorf("%s: absorbed", name)
		}
	}
	s := NewShard(testID, newTestBook(nil), testKeys)
	if err := s.Absorb(good()); err != nil {
		t.Fatal(err)
	}
	if err := s.Absorb(&Delta{Partition: 3, State: State{Sealed: september, Records: 9}}); err == nil {
		t.Error("a delta of fewer records is absorbed")
	}
	l := newTestLog()
	l.open(1, "app", october, 1)
	countAll(t, s, l.records)
	if err := s.Absorb(good()); err == nil {
		t.Error("a shard that has counted absorbs a delta")
	}
}

// TestRepeatsInLarge wants a fingerprint that is there twice to be found, wherever in a large window.
func TestRepeatsInLarge(t *testing.T) {
	for _, at := range []int{1, 500, 1500, 99_999} {
		w := WindowDelta{WindowID: WindowID{Month: october, App: "app"}}
		for i := range 100_000 {
			w.Fingerprints = append(w.Fingerprints, testPrint(i))
		}
		if err := absorbed(&Delta{Partition: 3, Windows: []WindowDelta{w}}); err != nil {
			t.Fatal(err)
		}
		w.Fingerprints[at] = w.Fingerprints[at/2]
		if err := absorbed(&Delta{Partition: 3, Windows: []WindowDelta{w}}); err == nil {
			t.Errorf("fingerprint %d is that of %d, and absorbed", at, at/2)
		}
	}
}

// absorbed says what is wrong with a delta that a new shard is restored from.
func absorbed(d *Delta) error {
	s := NewShard(testID, newTestBook(nil), testKeys)
	if err := s.Absorb(d); err != nil {
		return err
	}
	return s.Ready()
}

func TestGapsAreKept(t *testing.T) {
	s := NewShard(testID, newTestBook(nil), testKeys)
	s.AcceptGap(Gap{From: 1, To: 5, Reason: "retention"})
	again := restore(t, newTestBook(nil), []*Delta{s.Cut(Position{})})
	if got := again.State().Gaps; len(got) != 1 || got[0] != (Gap{From: 1, To: 5, Reason: "retention"}) {
		t.Errorf("gaps %+v", got)
	}
}
