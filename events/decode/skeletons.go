package decode

// skeletons are the skeletons that were seen lately, by half the quotes that a record of them has: two of each number, the second the
// older one. Layouts are a second cache because neither does alone (BenchmarkBatch, on a Xeon with AVX-512): without them an
// ordinary record takes 107 ns in place of 91, and without skeletons one whose ids are of many lengths 273 ns in place of 147.
type skeletons struct {
	known  [skeletonSlots]*skeleton
	credit int      // learning costs some, a match gives one back: where records have no skeleton, nothing is learned for long
	recent [2]uint8 // the slots of the last two different matches, for the plain form

	layouts layouts // of the same records
}

const (
	skeletonWays  = 2
	skeletonSlots = skeletonWays * 32
	quoteSlots    = 256 // room for a whole block of 32 after maxQuotes

	mostCredit = 256
	lessonCost = 16
)

// places are what was found in a record ahead of its turn: its layout, else where it has its quotes.
type places struct {
	layout *layout // nil: of none that is known
	set    int     // the first place where its layout would be; noLayouts
	tag    uint32  // of its layout
	at     [quoteSlots]uint16
	n      int
}

// Instead of how many quotes there are.
const (
	noPlaces      = -1 // the record is of no skeleton
	unknownPlaces = -2 // they are not looked for ahead
)

// ahead looks for what can be found in b ahead of its turn. It is done for many records before the first is scanned, so that none
// waits for its own.
func (s *skeletons) ahead(b []byte, p *places) {
	p.layout, p.set = nil, noLayouts
	if len(b) == 0 || len(b) > maxSkeleton {
		p.n = noPlaces
		return
	}
	s.index(b, p)
}

// scan reads an object's head, by its layout or skeleton where that is known. False says nothing of the text: the strict reader
// decides. The places are those that were found ahead.
func (s *skeletons) scan(b []byte, p *places, h *head) bool {
	if l := p.layout; l != nil {
		s.layouts.credit = min(s.layouts.credit+1, mostCredit)
		l.head(b, h)
		return true
	}
	if at := s.find(b, p); at >= 0 {
		s.credit = min(s.credit+1, mostCredit)
		t := s.known[at]
		t.head(b, &p.at, h)
		s.layouts.learn(t, b, p)
		return true
	}
	if !scan(b, h) {
		return false
	}
	if s.credit >= lessonCost {
		s.credit -= lessonCost
		if t, ok := learn(b); ok {
			at := t.quotes / 2 % (skeletonSlots / skeletonWays)
			s.known[at], s.known[at+skeletonSlots/skeletonWays] = t, s.known[at]
		}
	}
	return true
}

// findPlain returns the slot of a skeleton that b, of 1 to maxSkeleton bytes, is of, and finds its quotes; −1: there is none among
// those of late.
func (s *skeletons) findPlain(b []byte, p *places) int {
	for i, at := range s.recent {
		if t := s.known[at]; t != nil && t.match(b, &p.at) {
			if i > 0 {
				s.recent = [2]uint8{at, s.recent[0]}
			}
			return int(at)
		}
	}
	for at, t := range &s.known {
		if t != nil && t.match(b, &p.at) {
			s.recent = [2]uint8{uint8(at), s.recent[0]}
			return at
		}
	}
	return -1
}
