package decode

// A skeleton is a record with its strings left out: the text between them, names and punctuation and all. SDKs write one record as
// they wrote the last, so that a record is read by holding it against the skeletons seen before: what lies between the strings is
// the same bytes, what lies in them is plain. Such a record is well-formed because the one that taught the skeleton was.
//
// Plain is ASCII without control characters, quotes and backslashes: it needs no unescaping, and its string ends with the next
// quote. Any other record is the scanner's.
type skeleton struct {
	quotes uint64 // in a record of the skeleton; even
	pieces uint64
	mask   [maxPieces]uint64 // the low bits: as many as the piece has bytes
	start  [maxPieces]uint64 // the number of the quote with which the piece begins; the first begins with the record
	length [maxPieces]uint64
	text   [maxPieces][maxPiece]byte // zeros after the piece
	read   [readNames]uint8          // the piece before the string; noPiece: absent
}

const (
	maxPieces   = 24   // so many strings, less one
	maxPiece    = 64   // bytes
	maxSkeleton = 1024 // bytes of a record
	maxQuotes   = 160  // of a record
	noPiece     = maxPieces
	readNames   = 4
)

// head cuts what is read out of a record of the skeleton, whose quotes are at these places.
func (s *skeleton) head(b []byte, at *[quoteSlots]uint16, h *head) {
	h.kind, h.guid = s.cut(b, at, s.read[0]), s.cut(b, at, s.read[1])
	h.app, h.time = s.cut(b, at, s.read[2]), s.cut(b, at, s.read[3])
}

// cut returns the string after a piece; nil for noPiece.
func (s *skeleton) cut(b []byte, at *[quoteSlots]uint16, piece uint8) []byte {
	if piece >= noPiece-1 { // after the last piece there is none
		return nil
	}
	from, until := s.begin(at, uint64(piece))+s.length[piece], at[uint8(s.start[piece+1])]
	return b[from:until:until]
}

// begin returns where a piece begins.
func (s *skeleton) begin(at *[quoteSlots]uint16, piece uint64) uint64 {
	if piece == 0 {
		return 0
	}
	return uint64(at[uint8(s.start[piece])])
}

// match says whether b is of the skeleton, and finds its quotes.
func (s *skeleton) match(b []byte, quotes *[quoteSlots]uint16) bool {
	i, n := 0, 0
	for p := range s.pieces {
		text := s.text[p][:s.length[p]]
		if len(b)-i < len(text) || string(b[i:i+len(text)]) != string(text) {
			return false
		}
		for _, c := range text {
			if c == '"' {
				quotes[n] = uint16(i)
				n++
			}
			i++
		}
		if p == s.pieces-1 {
			break
		}
		if i = passPlain(b, i); i >= len(b) || b[i] != '"' {
			return false
		}
	}
	return i == len(b)
}

// learn makes a skeleton of b, which the scanner took; false: it has none.
func learn(b []byte) (*skeleton, bool) {
	if len(b) > maxSkeleton {
		return nil, false
	}
	s := &skeleton{read: [readNames]uint8{noPiece, noPiece, noPiece, noPiece}}
	begin, depth, name := 0, 0, ""
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			from := i + 1
			if i = passPlain(b, from); i >= len(b) || b[i] != '"' {
				return nil, false
			}
			if s.quotes += 2; s.quotes > maxQuotes {
				return nil, false
			}
			if next := passSpace(b, i+1); b[next] == ':' {
				if name = ""; depth == 1 {
					name = string(b[from:i])
				}
				continue
			}
			for to, n := range [readNames]string{"type", "subject", "superapp", "time"} {
				if depth == 1 && n == name {
					s.read[to] = uint8(s.pieces)
				}
			}
			if !s.add(b[begin:from], s.quotes-1) {
				return nil, false
			}
			begin = i
		case '\t', '\n', '\r':
			return nil, false
		}
	}
	return s, s.add(b[begin:], 0)
}

// add adds a piece; next is the number of the quote with which the one after it begins.
func (s *skeleton) add(text []byte, next uint64) bool {
	p := s.pieces
	if p == maxPieces || len(text) > maxPiece {
		return false
	}
	s.pieces++
	copy(s.text[p][:], text)
	s.length[p] = uint64(len(text))
	s.mask[p] = ^uint64(0) >> (maxPiece - len(text))
	if s.pieces < maxPieces {
		s.start[s.pieces] = next
	}
	return true
}
