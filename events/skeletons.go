package events

// skeletons are the skeletons that were seen lately, by half the quotes that a record of them has: two of each number, the second the
// older one.
type skeletons struct {
	known  [skeletonSlots]*skeleton
	credit int      // learning costs some, a match gives one back: where records have no skeleton, nothing is learned for long
	recent [2]uint8 // the slots of the last two different matches, for the plain form
}

const (
	skeletonWays  = 2
	skeletonSlots = skeletonWays * 32
	quoteSlots    = 256 // room for a whole block of 32 after maxQuotes

	mostCredit = 256
	lessonCost = 16
)

// places are where a record has its quotes.
type places struct {
	at [quoteSlots]uint16
	n  int
}

// Instead of how many quotes there are.
const (
	noPlaces      = -1 // the record is of no skeleton
	unknownPlaces = -2 // they are not looked for ahead
)

// find looks for the places in b.
func (p *places) find(b []byte) {
	if len(b) == 0 || len(b) > maxSkeleton {
		p.n = noPlaces
		return
	}
	p.index(b)
}

// scan reads an object's head, by its skeleton where it is known. False says nothing of the text: the strict reader decides. The
// places are those of b; they are found for many records before the first is scanned, so that none waits for its own.
func (s *skeletons) scan(b []byte, p *places, h *head) bool {
	if at := s.find(b, p); at >= 0 {
		s.credit = min(s.credit+1, mostCredit)
		s.known[at].head(b, &p.at, h)
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
