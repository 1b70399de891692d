package events

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// KindTable finds the kind of an event type: open addressing, at most a quarter full, never changed. Safe for concurrent use.
type KindTable struct {
	slots  []typeSlot
	shift  int
	factor uint64 // one with which every name lies where the search for it begins, if there is one among those tried
}

type typeSlot struct {
	name          string // empty: free
	kind          Kind
	first, last   uint64 // eight bytes, of a name of 8 or more
	second, third uint64 // of one of 17 or more, the eight after the first and those before the last
}

func newKindTable(r *MonthRules) (KindTable, error) {
	size := bits.Len(uint(4*len(r.Types)) | 1)
	t := KindTable{slots: make([]typeSlot, 1<<size), shift: 64 - size, factor: 0x9e3779b97f4a7c15}
	for tries := 0; tries < 1000 && t.collides(r.Types); tries++ {
		t.factor = t.factor*0xd1342543de82ef95 | 1
	}
	for name, kindName := range r.Types {
		kind, ok := r.KindOf(kindName)
		if !ok || name == "" {
			return t, fmt.Errorf("type %q is of kind %q, which is not in kinds", name, kindName)
		}
		i := t.home([]byte(name))
		for t.slots[i].name != "" {
			i = (i + 1) % len(t.slots)
		}
		s := &t.slots[i]
		s.name, s.kind = name, kind
		s.first, s.last = endsOf([]byte(name))
		if len(name) > 16 {
			s.second, s.third = middleOf([]byte(name))
		}
	}
	return t, nil
}

// collides says whether the search for two names begins in one place.
func (t *KindTable) collides(types map[string]string) bool {
	taken := make([]bool, len(t.slots))
	for name := range types {
		i := t.home([]byte(name))
		if taken[i] {
			return true
		}
		taken[i] = true
	}
	return false
}

// Find returns the kind of a type; false where the month has none such.
func (t *KindTable) Find(name []byte) (Kind, bool) {
	n := len(name)
	if n < 8 || n > 32 {
		for i := t.home(name); t.slots[i].name != ""; i = (i + 1) & (len(t.slots) - 1) {
			if t.slots[i].name == string(name) {
				return t.slots[i].kind, true
			}
		}
		return 0, false
	}
	first, last := endsOf(name)
	for i := t.place(n, first, last); t.slots[i].name != ""; i = (i + 1) & (len(t.slots) - 1) {
		if s := &t.slots[i]; len(s.name) == n && s.first == first && s.last == last {
			if n <= 16 {
				return s.kind, true
			}
			if second, third := middleOf(name); s.second == second && s.third == third {
				return s.kind, true
			}
		}
	}
	return 0, false
}

// home is where the search for a name begins: by its length, its first eight and its last eight bytes.
func (t *KindTable) home(name []byte) int {
	first, last := endsOf(name)
	return t.place(len(name), first, last)
}

func (t *KindTable) place(n int, first, last uint64) int {
	h := uint64(n) + (first ^ bits.RotateLeft64(last, 31))
	return int(h * t.factor >> (t.shift & 63))
}

// endsOf returns the first and the last eight bytes of b, of 8 or more; of fewer, all in the first. Two words, not an array: that
// would be stored by halves and loaded whole, which waits.
func endsOf(b []byte) (first, last uint64) {
	if n := len(b); n >= 8 {
		return binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	}
	for i, c := range b {
		first |= uint64(c) << (8 * i)
	}
	return first, 0
}

// middleOf returns the eight bytes after the first eight of b, of 16 or more, and the eight before the last.
func middleOf(b []byte) (second, third uint64) {
	return binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[len(b)-16:])
}
