package decode

// A layout is a skeleton whose strings have certain lengths: all its quotes lie at the same places in every record of it. SDKs write
// few, because ids and times have one length each. A record of a known layout needs but one comparison, and nothing is looked for
// in it.
type layout struct {
	n      int                      // bytes of a record
	quotes int                      // of a record
	text   []byte                   // what is the skeleton's of a record, else zeros: whole blocks of 64
	fixed  [maxSkeleton / 64]uint64 // by block, a bit for each byte that is the skeleton's
	cuts   [readNames]cut
}

// cut is where a string lies that is read; zero: it is absent.
type cut struct{ from, until uint16 }

// newLayout returns the layout of b, a record of the skeleton, whose quotes are at these places.
func newLayout(s *skeleton, b []byte, at *[quoteSlots]uint16) *layout {
	l := &layout{n: len(b), quotes: int(s.quotes), text: make([]byte, (len(b)+63)&^63)}
	for p := range s.pieces {
		from := s.begin(at, p)
		for i := from; i < from+s.length[p]; i++ {
			l.text[i] = b[i]
			l.fixed[i/64] |= 1 << (i % 64)
		}
	}
	for i, piece := range s.read {
		if piece < noPiece-1 { // after the last piece there is no string
			l.cuts[i] = cut{uint16(s.begin(at, uint64(piece)) + s.length[piece]), at[s.start[piece+1]]}
		}
	}
	return l
}

// head cuts what is read out of a record of the layout.
func (l *layout) head(b []byte, h *head) {
	h.kind, h.guid = l.cuts[0].of(b), l.cuts[1].of(b)
	h.app, h.time = l.cuts[2].of(b), l.cuts[3].of(b)
}

func (c cut) of(b []byte) []byte {
	if c.until == 0 {
		return nil
	}
	return b[c.from:c.until:c.until]
}

// layouts are those that were seen lately, in sets by a hash of where their quotes lie, in each the one learned last first.
type layouts struct {
	tags   [layoutSets * layoutWays]uint32 // more of the hash; 0: none
	known  [layoutSets * layoutWays]*layout
	credit int // as that of skeletons
}

const (
	layoutBits = 5
	layoutSets = 1 << layoutBits
	layoutWays = 4
	noLayouts  = -1 // instead of a place: there are none
	layoutCost = 64 // of learning one, in records read by one
)

// learn makes a layout of b, whose places are those that the skeleton was found by.
func (l *layouts) learn(s *skeleton, b []byte, p *places) {
	if p.set == noLayouts || l.credit < layoutCost {
		return
	}
	l.credit -= layoutCost
	tags, known := l.tags[p.set:][:layoutWays], l.known[p.set:][:layoutWays]
	copy(tags[1:], tags)
	copy(known[1:], known)
	tags[0], known[0] = p.tag, newLayout(s, b, &p.at)
}
