package counter

import (
	"math/bits"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"headcount/events"
)

// waiting holds facts of one kind and day, none of them twice, that are not in the bitmap yet: added one by one each is a search
// and a move within its container; many at once are merged with it. For the next cut they are a run.
type waiting struct {
	day      events.Day
	ordinals []uint32 // appended to alone: a cut shares what it has taken
	taken    int      // by cuts, of ordinals
	grown    bool     // the bitmap was merged with: it has room that it does not need
}

// run is facts of one kind and day, none of them twice.
type run struct {
	day      events.Day
	kind     events.Kind
	ordinals []uint32
}

// await adds a fact that is new. It says whether the fact is in a run, or will be.
func (l *large) await(kind events.Kind, day events.Day, ordinal uint32) bool {
	w := &l.waiting[kind][day%2] // late in a day and early in the next both come
	if day < w.day {
		l.bitmap(kind, day).Add(ordinal)
		return false
	}
	if day > w.day {
		l.mergeOne(kind, w)
		if w.grown { // little comes to it yet
			l.facts[kind][w.day] = l.bitmap(kind, w.day).Clone()
		}
		w.day, w.grown = day, false
	}
	if len(w.ordinals) == cap(w.ordinals) {
		l.mergeOne(kind, w)
		// So many that each container they go to, of 65,536 ordinals, gets enough to be worth moving.
		w.ordinals = make([]uint32, 0, min(max(int(l.Len())/128, min(int(l.Len())/8, 1024)), 1<<17))
	}
	w.ordinals = append(w.ordinals, ordinal)
	return true
}

// mergeWaiting puts all that waits into the bitmaps.
func (l *large) mergeWaiting() {
	for k := range l.waiting {
		for i := range l.waiting[k] {
			l.mergeOne(events.Kind(k), &l.waiting[k][i])
		}
	}
}

func (l *large) mergeOne(kind events.Kind, w *waiting) {
	if len(w.ordinals) == 0 {
		return
	}
	d := denseOf(w.ordinals, l.Len())
	more := roaring.FromDense(d.words, true)
	d.free()
	if have := l.bitmap(kind, w.day); have.IsEmpty() {
		l.facts[kind][w.day] = more
	} else {
		have.Or(more)
		w.grown = true
	}
	l.noteRun(kind, w)
	w.ordinals, w.taken = w.ordinals[len(w.ordinals):], 0
}

// noteRun makes what no cut has taken yet of those that wait a run.
func (l *large) noteRun(kind events.Kind, w *waiting) {
	if n := len(w.ordinals); w.taken < n {
		l.runs = append(l.runs, run{w.day, kind, w.ordinals[w.taken:n:n]})
		w.taken = n
	}
}

// takeRuns returns the runs since the last cut.
func (l *large) takeRuns() []run {
	for k := range l.waiting {
		for i := range l.waiting[k] {
			l.noteRun(events.Kind(k), &l.waiting[k][i])
		}
	}
	runs := l.runs
	l.runs = nil
	return runs
}

// dense is ordinals as bits.
type dense struct{ words []uint64 }

var denses = sync.Pool{New: func() any { return new(dense) }}

// denseOf returns the bits of ordinals, all of which are below n; free when it is done with.
func denseOf(ordinals []uint32, n uint32) *dense {
	d := denses.Get().(*dense)
	d.words = resized(d.words, int((uint64(n)+63)/64))
	for _, o := range ordinals {
		d.words[o/64] |= 1 << (o % 64)
	}
	return d
}

func (d *dense) free() { denses.Put(d) }

// sortOrdinals sorts ordinals, all of which are below n, and drops those that are there twice.
func sortOrdinals(ordinals []uint32, n uint32) []uint32 {
	if uint64(len(ordinals))*32 < uint64(n)/64 {
		slices.Sort(ordinals)
		return slices.Compact(ordinals)
	}
	d := denseOf(ordinals, n)
	at := 0
	for i, word := range d.words {
		for ; word != 0; word &= word - 1 {
			ordinals[at] = uint32(64*i + bits.TrailingZeros64(word))
			at++
		}
	}
	d.free()
	return ordinals[:at]
}
