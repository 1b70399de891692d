package counter

import (
	"math/bits"

	"github.com/RoaringBitmap/roaring/v2"

	"headcount/events"
)

// waiting holds facts of one kind and day, none of them twice, that are not in the bitmap yet: added one by one each is a search
// and a move within its container; many at once, in order, are merged with it.
type waiting struct {
	day      events.Day
	ordinals []uint32
}

// await adds a fact that is new.
func (l *large) await(kind events.Kind, day events.Day, ordinal uint32) {
	w := &l.waiting[kind][day%2] // late in a day and early in the next both come
	if day < w.day {
		l.bitmap(kind, day).Add(ordinal)
		return
	}
	if day > w.day {
		l.settleOne(kind, w)
		if w.day > 0 { // little comes to it yet: without the room it grew by
			l.facts[kind][w.day] = l.bitmap(kind, w.day).Clone()
		}
		w.day = day
	}
	if len(w.ordinals) == cap(w.ordinals) {
		l.settleOne(kind, w)
		// So many that each container they go to, of 65,536 ordinals, gets enough to be worth moving, and that sorting them takes
		// more than its tables.
		if room := min(max(int(l.n)/128, min(int(l.n)/16, 512)), 1<<17); room > 2*cap(w.ordinals) {
			w.ordinals = make([]uint32, 0, room)
		}
	}
	w.ordinals = append(w.ordinals, ordinal)
}

// settle puts all that waits into the bitmaps.
func (l *large) settle() {
	for k := range l.waiting {
		for i := range l.waiting[k] {
			l.settleOne(events.Kind(k), &l.waiting[k][i])
		}
	}
}

func (l *large) settleOne(kind events.Kind, w *waiting) {
	if len(w.ordinals) == 0 {
		return
	}
	l.scratch = sortOrdinals(w.ordinals, l.scratch)
	more := roaring.New()
	more.AddMany(w.ordinals)
	l.bitmap(kind, w.day).Or(more)
	w.ordinals = w.ordinals[:0]
}

// sortOrdinals sorts by bytes, the lowest first. It returns the scratch for the next time.
func sortOrdinals(ordinals, scratch []uint32) []uint32 {
	if cap(scratch) < len(ordinals) {
		scratch = make([]uint32, len(ordinals), cap(ordinals))
	}
	from, to := ordinals, scratch[:len(ordinals)]
	highest := uint32(0)
	for _, o := range from {
		highest |= o
	}
	for shift := 0; shift < bits.Len32(highest); shift += 8 {
		var starts [256]uint32
		for _, o := range from {
			starts[uint8(o>>shift)]++
		}
		sum := uint32(0)
		for i, n := range &starts {
			starts[i] = sum
			sum += n
		}
		for _, o := range from {
			at := &starts[uint8(o>>shift)]
			to[*at] = o
			*at++
		}
		from, to = to, from
	}
	copy(ordinals, from)
	return scratch
}
