package events

// skeletons are the skeletons that were seen lately, by half the quotes that a record of them has: two of each number, the second the
// older one.
type skeletons struct {
	known  [skeletonSlots]*skeleton
	quotes [quoteSlots]uint16 // of the present record: their places in it
	credit int                // learning costs some, a match gives one back: where records have no skeleton, nothing is learned for long
	recent [2]uint8           // the slots of the last two different matches, for the plain form
}

const (
	skeletonWays  = 2
	skeletonSlots = skeletonWays * 32
	quoteSlots    = 256 // room for a whole block of 32 after maxQuotes

	mostCredit = 256
	lessonCost = 16
)

// scan reads an object's head, by its skeleton where it is known. False says nothing of the text: the strict reader decides.
func (s *skeletons) scan(b []byte, h *head) bool {
	if 0 < len(b) && len(b) <= maxSkeleton {
		if at := s.find(b); at >= 0 {
			s.credit = min(s.credit+1, mostCredit)
			s.known[at].head(b, &s.quotes, h)
			return true
		}
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
func (s *skeletons) findPlain(b []byte) int {
	for i, at := range s.recent {
		if t := s.known[at]; t != nil && t.match(b, &s.quotes) {
			if i > 0 {
				s.recent = [2]uint8{at, s.recent[0]}
			}
			return int(at)
		}
	}
	for at, t := range &s.known {
		if t != nil && t.match(b, &s.quotes) {
			s.recent = [2]uint8{uint8(at), s.recent[0]}
			return at
		}
	}
	return -1
}
