package counter

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"headcount/counter/dictionary"
	"headcount/events"
)

// heap is what lives, on the heap and outside.
func heap() uint64 {
	pages := bytesAtRest()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + pages
}

// bytesAtRest is dictionary.BytesInUse once what earlier tests let go of has come back: the collector finds it at some time.
func bytesAtRest() uint64 {
	for still := 0; ; {
		was := dictionary.BytesInUse()
		runtime.GC()
		time.Sleep(time.Millisecond) // for the cleanups
		if still++; dictionary.BytesInUse() != was {
			still = 0
		} else if still == 5 {
			return was
		}
	}
}

// TestMemoryOfLargeWindow holds a large window to what is promised of it. HEADCOUNT_DEVICES sets another size.
func TestMemoryOfLargeWindow(t *testing.T) {
	if testing.Short() {
		t.Skip("slow under the race detector")
	}
	n := 250_000
	if v := os.Getenv("HEADCOUNT_DEVICES"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	before := heap()
	w := benchLarge(n)
	after := heap()
	w.large.mergeWaiting()
	facts := uint64(0)
	for _, days := range w.large.facts {
		for day := range 32 {
			if days != nil && days[day] != nil {
				facts += days[day].GetCardinality()
			}
		}
	}
	each := float64(after-before) / float64(n)
	t.Logf("%d devices, %.1f facts each: %.2f bytes a device", n, float64(facts)/float64(n), each)
	if float64(facts)/float64(n) < 12 {
		t.Errorf("%.1f facts a device: too few to say anything", float64(facts)/float64(n))
	}
	if each > 38 {
		t.Errorf("%.2f bytes a device, want at most 38", each)
	}
	runtime.KeepAlive(w)
}

// TestMemoryOfSmallApps holds 100,000 apps of ten devices to a gigabyte, with room for the collector to let as much again lie
// about.
func TestMemoryOfSmallApps(t *testing.T) {
	if testing.Short() {
		t.Skip("slow under the race detector")
	}
	book := newTestBook(nil)
	before := heap()
	s := NewShard(testID, book, testKeys)
	e := events.Event{Month: october}
	for app := range 100_000 {
		w, err := s.window(october, fmt.Sprintf("small-app-%06d", app), nil)
		if err != nil {
			t.Fatal(err)
		}
		for d := range 10 {
			print := testPrint(app*10 + d)
			for f := range 12 {
				e.Day, e.Kind = events.Day(1+(d+f*5)%31), events.Kind(f%3)
				if err := w.count(&e, &print, noOrdinal, false); err != nil {
					t.Fatal(err)
				}
			}
		}
		s.touch(w)
		if app%1000 == 999 {
			s.Cut(Position{})
		}
	}
	after := heap()
	t.Logf("%.0f bytes an app, %d MB in all", float64(after-before)/100_000, (after-before)>>20)
	if after-before > 500<<20 {
		t.Errorf("100,000 apps of ten devices take %d MB, want at most 500", (after-before)>>20)
	}
	runtime.KeepAlive(s)
}
