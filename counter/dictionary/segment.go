package dictionary

import "math/bits"

// segment is a part of a dictionary: the devices whose hashes begin with the same bits. Open addressing with linear probing; a
// slot holds the ordinal plus one in its low bits and, in the bits that ordinals do not need yet, the end of the hash, so that
// nearly every key that is looked at is the right one.
//
// Of a 64-bit hash the first bits choose the segment (20 at most), bits 12–43 the slot, the last ones are the tag.
type segment struct {
	slots []uint32 // 0: empty
	width uint8    // bits of a slot that hold ordinal + 1
	depth uint8    // leading bits that the hashes share
	used  uint32
	limit uint32 // of used, at which it grows
}

const (
	segmentDevices = 40_000 // at which a segment splits: a rebuild takes a few milliseconds
	minSlots       = 64
	lineSlots      = 16 // in a cache line
)

// newSegment returns a segment with room for slots. Ordinals below ordinals fit it.
func newSegment(memory *holding, slots int, depth uint8, ordinals uint64) *segment {
	slots = (max(slots, minSlots) + lineSlots - 1) &^ (lineSlots - 1)
	return &segment{
		slots: memory.slots(slots),
		// One bit to spare, so that the dictionary doubles before the segment is rebuilt for that alone.
		width: uint8(min(bits.Len64(ordinals)+1, 32)),
		depth: depth,
		limit: uint32(uint64(slots) * 17 / 20),
	}
}

func (s *segment) home(h uint64) int {
	return int(uint64(uint32(h>>12)) * uint64(len(s.slots)) >> 32)
}

func (s *segment) tag(h uint64) uint32 { return uint32(h) << s.width }

// fits says whether a slot has the bits for an ordinal.
func (s *segment) fits(ordinal uint32) bool { return uint64(ordinal)+1 < 1<<s.width }

// place puts an ordinal, which fits, where it is not yet.
func (s *segment) place(h uint64, ordinal uint32) {
	i := s.home(h)
	for s.slots[i] != 0 {
		if i++; i == len(s.slots) {
			i = 0
		}
	}
	s.slots[i] = s.tag(h) | (ordinal + 1)
	s.used++
}

// candidate returns the first ordinal whose tag is that of the hash.
func (s *segment) candidate(h uint64) (uint32, bool) {
	tag, slots := s.tag(h), s.slots
	for i := s.home(h); ; {
		slot := slots[i]
		if slot == 0 {
			return 0, false
		}
		if (slot^tag)>>s.width == 0 {
			return s.ordinal(slot), true
		}
		if i++; i == len(slots) {
			i = 0
		}
	}
}

func (s *segment) ordinal(slot uint32) uint32 { return slot&uint32(1<<s.width-1) - 1 }
