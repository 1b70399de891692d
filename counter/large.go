package counter

import (
	"math/bits"

	"github.com/RoaringBitmap/roaring/v2"

	"headcount/counter/dictionary"
	"headcount/events"
)

// large is the form of a window of many devices: a dictionary, and a bitmap of ordinals for each kind and day.
type large struct {
	dictionary.Dictionary
	facts   [events.MaxKinds]*[32]*roaring.Bitmap // by kind, day; with what is waiting
	waiting [events.MaxKinds][2]waiting           // by kind, odd and even days
	runs    []run                                 // facts since the last cut, but those that are still waiting or are noted elsewhere
}

// newLarge returns the large form of what f holds.
func newLarge(f *flat) *large {
	l := &large{Dictionary: *dictionary.New(len(f.prints))}
	for i := range f.prints {
		if _, err := l.Insert(&f.prints[i]); err != nil {
			panic(err) // a flat window has far fewer devices
		}
	}
	for k := range f.days {
		for o, days := range f.days[k] {
			for ; days != 0; days &= days - 1 {
				l.learn(uint32(o), events.Day(bits.TrailingZeros32(days)), events.Kind(k))
			}
		}
	}
	l.mergeWaiting()
	l.runs = nil // the window has noted what is new of it
	return l
}

// learn adds a fact, and says whether it is new, and whether it is in a run, or will be. A repeat of what the device did on its
// last day touches no bitmap.
func (l *large) learn(ordinal uint32, day events.Day, kind events.Kind) (isNew, inRun bool) {
	e := l.At(ordinal)
	now := dictionary.SeenOn(day, kind)
	switch last := e.Seen.Day(); {
	case day == last:
		if e.Seen|now == e.Seen {
			return false, false
		}
		e.Seen |= now
	case day > last:
		e.Seen = now
	default:
		if w := &l.waiting[kind][day%2]; w.day == day {
			l.mergeOne(kind, w)
		}
		return l.bitmap(kind, day).CheckedAdd(ordinal), false
	}
	return true, l.await(kind, day, ordinal)
}

func (l *large) bitmap(kind events.Kind, day events.Day) *roaring.Bitmap {
	days := l.facts[kind]
	if days == nil {
		days = new([32]*roaring.Bitmap)
		l.facts[kind] = days
	}
	if days[day] == nil {
		days[day] = roaring.New()
	}
	return days[day]
}

// kinds returns the kinds that have facts.
func (l *large) kinds() []events.Kind {
	var kinds []events.Kind
	for k, days := range l.facts {
		if days != nil {
			kinds = append(kinds, events.Kind(k))
		}
	}
	return kinds
}

// learnAll is learn for many, by day and kind; ordinals is scratch.
func (l *large) learnAll(facts []Fact, ordinals []uint32) []uint32 {
	for len(facts) > 0 {
		first := facts[0]
		now := dictionary.SeenOn(first.Day, first.Kind)
		n := 0
		ordinals = ordinals[:0]
		for ; n < len(facts) && facts[n].Day == first.Day && facts[n].Kind == first.Kind; n++ {
			e := l.At(facts[n].Ordinal)
			switch last := e.Seen.Day(); {
			case first.Day == last:
				e.Seen |= now
			case first.Day > last:
				e.Seen = now
			}
			ordinals = append(ordinals, facts[n].Ordinal)
		}
		l.bitmap(first.Kind, first.Day).AddMany(ordinals)
		facts = facts[n:]
	}
	return ordinals
}
