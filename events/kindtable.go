package events

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// kindTable finds the kind of an event type: open addressing, at most a quarter full, never changed.
type kindTable struct {
	slots []typeSlot
	shift int
}

type typeSlot struct {
	name string // empty: free
	kind Kind
}

func newKindTable(r *MonthRules) (kindTable, error) {
	size := bits.Len(uint(4 * len(r.Types)))
	t := kindTable{slots: make([]typeSlot, 1<<size), shift: 64 - size}
	for name, kindName := range r.Types {
		kind, ok := r.KindOf(kindName)
		if !ok || name == "" {
			return t, fmt.Errorf("type %q is of kind %q, which is not in kinds", name, kindName)
		}
		i := t.home([]byte(name))
		for t.slots[i].name != "" {
			i = (i + 1) % len(t.slots)
		}
		t.slots[i] = typeSlot{name, kind}
	}
	return t, nil
}

func (t *kindTable) find(name []byte) (Kind, bool) {
	for i := t.home(name); t.slots[i].name != ""; i = (i + 1) & (len(t.slots) - 1) {
		if t.slots[i].name == string(name) {
			return t.slots[i].kind, true
		}
	}
	return 0, false
}

// home is where the search for a name begins: by its length, its first eight and its last eight bytes.
func (t *kindTable) home(name []byte) int {
	h := uint64(len(name))
	if len(name) >= 8 {
		h += binary.LittleEndian.Uint64(name) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(name[len(name)-8:]), 31)
	} else {
		for _, c := range name {
			h = h<<8 | uint64(c)
		}
	}
	return int(h * 0x9e3779b97f4a7c15 >> t.shift)
}
