package counter

import (
	"headcount/events"
	"headcount/events/identity"
)

// flatDevices is the number of devices with which a window leaves the flat form: a function of the log, like all else.
const flatDevices = 1_000

// flat is the form of a small window: an app of ten devices takes about a kilobyte.
type flat struct {
	prints []identity.Fingerprint    // by ordinal
	slots  []uint16                  // open addressing: ordinal + 1; 0: empty; a power of two
	days   [events.MaxKinds][]uint32 // by kind, then ordinal as far as it goes: bit d for day d
}

func (f *flat) find(print *identity.Fingerprint) (uint32, bool) {
	if len(f.slots) == 0 {
		return 0, false
	}
	mask := len(f.slots) - 1
	for i := int(print.Hash()) & mask; ; i = (i + 1) & mask {
		slot := f.slots[i]
		if slot == 0 {
			return 0, false
		}
		if f.prints[slot-1] == *print {
			return uint32(slot - 1), true
		}
	}
}

// insert numbers a fingerprint that is not there.
func (f *flat) insert(print *identity.Fingerprint) uint32 {
	f.prints = append(f.prints, *print)
	if 4*len(f.prints) <= 3*len(f.slots) {
		f.place(len(f.prints) - 1)
	} else {
		f.slots = make([]uint16, max(8, 2*len(f.slots)))
		for i := range f.prints {
			f.place(i)
		}
	}
	return uint32(len(f.prints) - 1)
}

func (f *flat) place(ordinal int) {
	mask := len(f.slots) - 1
	i := int(f.prints[ordinal].Hash()) & mask
	for f.slots[i] != 0 {
		i = (i + 1) & mask
	}
	f.slots[i] = uint16(ordinal + 1)
}

// learn adds a fact, and says whether it is new.
func (f *flat) learn(ordinal uint32, day events.Day, kind events.Kind) bool {
	days := f.days[kind]
	for len(days) <= int(ordinal) {
		days = append(days, 0)
	}
	f.days[kind] = days
	if days[ordinal]>>day&1 == 1 {
		return false
	}
	days[ordinal] |= 1 << day
	return true
}

// row fills r with a device's facts.
func (f *flat) row(ordinal uint32, r *Row) {
	*r = Row{Fingerprint: f.prints[ordinal]}
	for k := range f.days {
		if int(ordinal) < len(f.days[k]) && f.days[k][ordinal] != 0 {
			r.Kinds = r.Kinds.With(events.Kind(k))
			r.Days[k] = f.days[k][ordinal]
		}
	}
}
