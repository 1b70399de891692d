package counter

import "math/bits"

// sketch holds the HyperLogLog registers of one kind, the same that axiomhq/hyperloglog's sketch without its sparse form holds.
// They are kept here, not in a hyperloglog.Sketch, because a checkpoint needs to know which ones rose; the estimate is the
// library's (Estimate). Few registers are kept in a table, so that a small app does not pay for all.
type sketch struct {
	p     uint8
	dense []uint8  // 2^p registers; nil while few are set
	few   []uint32 // open addressing: index<<8 | value; 0: empty
	used  int      // of few
}

// lineSlots is how many slots of a table lie in a cache line.
const lineSlots = 16

func newSketch(p uint8) *sketch {
	s := &sketch{p: p}
	s.resize(lineSlots)
	return s
}

// registerOf returns what an element of that hash, which is uniform, does: register index is at least value.
func registerOf(hash uint64, p uint8) (index uint32, value uint8) {
	return uint32(hash >> (64 - p)), uint8(bits.LeadingZeros64(hash<<p|1<<(p-1))) + 1
}

// maxRegister is the highest value of a register.
func maxRegister(p uint8) uint8 { return 64 - p + 1 }

// raise makes register index at least value, and says whether it rose.
func (s *sketch) raise(index uint32, value uint8) bool {
	if s.dense != nil {
		if s.dense[index] >= value {
			return false
		}
		s.dense[index] = value
		return true
	}
	for i := s.home(index); ; i = (i + 1) & (len(s.few) - 1) {
		switch slot := s.few[i]; {
		case slot == 0:
			s.few[i] = index<<8 | uint32(value)
			if s.used++; s.used*4 > len(s.few)*3 {
				s.resize(2 * len(s.few))
			}
			return true
		case slot>>8 == index:
			if uint8(slot) >= value {
				return false
			}
			s.few[i] = index<<8 | uint32(value)
			return true
		}
	}
}

func (s *sketch) home(index uint32) int { return int(index) & (len(s.few) - 1) }

// line is where register index is first looked for, if there is a table.
func (s *sketch) line(index uint32) []uint32 {
	first := s.home(index) &^ (lineSlots - 1)
	return s.few[first : first+lineSlots]
}

// resize moves to a table of that many slots, or to all registers where they take no more.
func (s *sketch) resize(slots int) {
	few := s.few
	s.few, s.used = nil, 0
	if slots*4 >= 1<<s.p {
		s.dense = make([]uint8, 1<<s.p)
	} else {
		s.few = make([]uint32, slots)
	}
	for _, slot := range few {
		if slot != 0 {
			s.raise(slot>>8, uint8(slot))
		}
	}
}

// registers fills buf, 2^p zeros.
func (s *sketch) registers(buf []uint8) {
	copy(buf, s.dense)
	for _, slot := range s.few {
		if slot != 0 {
			buf[slot>>8] = uint8(slot)
		}
	}
}
