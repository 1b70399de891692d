package decode

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// The scanner reads what a CloudEvent usually looks like, eight bytes at a time, and gives up on the rest: escapes in what is
// read, a name twice, a value that is not a string, more than 64 levels, any error. What it does take it takes as the strict
// reader would; the fuzz tests hold it to that.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stops has the high bit set for the first of eight bytes that ends a run of plain string content: a quote, a backslash, a
// control character, or a byte of other than ASCII. Bits above the first say nothing.
//
// Exchanging bit 1 moves the quote (0x22) to 0x20 and what is below 0x20 about among itself, so that one comparison finds both;
// the space (0x20) goes to 0x22, out of the way. The additions carry from one byte into the next only where a byte is not ASCII.
func stops(w uint64) uint64 {
	plain := ((w ^ 0x02*ones) + 0x5f*ones) & ((w ^ 0x5c*ones) + 0x7f*ones)
	return (^plain | w) & highs
}

// The names that are read, as little-endian words, zero after the last letter.
const (
	wordType     = 't' | 'y'<<8 | 'p'<<16 | 'e'<<24
	wordTime     = 't' | 'i'<<8 | 'm'<<16 | 'e'<<24
	wordSubject  = 's' | 'u'<<8 | 'b'<<16 | 'j'<<24 | 'e'<<32 | 'c'<<40 | 't'<<48
	wordSuperapp = 's' | 'u'<<8 | 'p'<<16 | 'e'<<24 | 'r'<<32 | 'a'<<40 | 'p'<<48 | 'p'<<56
)

// scan reads an object's head. False says nothing of the text: the strict reader decides.
//
// Calls are dear here: a name and a plain string are one each, the marks between them none. Written out as one function it takes as
// long, within 2 %.
func scan(b []byte, h *head) bool {
	i := passSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		return false
	}
	if i = passOpening(b, i+1); i < 0 {
		return false
	}
	for {
		var name uint64
		if name, i = scanName(b, i); i < 0 {
			return false
		}
		to := h.member(name)

		isString := between(b, i, ':')
		if isString {
			i += len(`":"`)
		} else if i, isString = passColon(b, i); i < 0 {
			return false
		}

		if !isString {
			if to != nil {
				return false
			}
			if i = passValue(b, i); i < 0 {
				return false
			}
		} else {
			start := i
			if i = passPlain(b, i); i >= len(b) || b[i] != '"' {
				if i = passUnusual(b, i, to != nil); i < 0 {
					return false
				}
			}
			if to != nil {
				if *to != nil {
					return false
				}
				*to = b[start:i:i]
			}
			if between(b, i, ',') {
				i += len(`","`)
				continue
			}
			i++
		}

		var ended bool
		if i, ended = passComma(b, i); i < 0 {
			return ended
		}
	}
}

// member returns where the value of a name goes, nil where it is not read.
func (h *head) member(name uint64) *[]byte {
	switch name {
	case wordType:
		return &h.kind
	case wordTime:
		return &h.time
	case wordSubject:
		return &h.guid
	case wordSuperapp:
		return &h.app
	}
	return nil
}

// between says whether two strings meet at i with nothing but a mark between their quotes, as they do as a rule.
func between(b []byte, i int, mark uint32) bool {
	return i+4 <= len(b) && binary.LittleEndian.Uint32(b[i:])&0xffffff == '"'|mark<<8|'"'<<16
}

// scanName passes a name up to its closing quote. Of one that may be read it returns the word, else 0: its first eight bytes tell.
func scanName(b []byte, i int) (name uint64, end int) {
	if i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		if m := stops(w); m != 0 {
			n := bits.TrailingZeros64(m) &^ 7
			name = w & (1<<n - 1)
			i += n >> 3
		} else {
			start := i
			if i = passPlain(b, i+8); i == start+8 {
				name = w
			}
		}
	} else {
		i = passPlain(b, i)
	}
	if i < len(b) && b[i] == '"' {
		return name, i
	}
	if i >= len(b) || b[i] < utf8.RuneSelf {
		return 0, -1
	}
	return 0, passText(b, i)
}

// passColon passes the closing quote of a name and the colon, with space about them, and of a string its opening quote.
func passColon(b []byte, i int) (next int, isString bool) {
	if i = passSpace(b, i+1); i >= len(b) || b[i] != ':' {
		return -1, false
	}
	if i = passSpace(b, i+1); i >= len(b) {
		return -1, false
	}
	if b[i] == '"' {
		return i + 1, true
	}
	return i, false
}

// passUnusual passes the rest of a string that is not plain to its end. One that is read may have no escape.
func passUnusual(b []byte, i int, read bool) int {
	if read {
		return passUnescaped(b, i)
	}
	return passText(b, i)
}

// passComma passes what follows a member: the comma and the next name's opening quote. Where the object ends there is no next
// name, and ended says whether nothing follows it.
func passComma(b []byte, i int) (next int, ended bool) {
	if i = passSpace(b, i); i >= len(b) {
		return -1, false
	}
	if b[i] == '}' {
		return -1, passSpace(b, i+1) == len(b)
	}
	if b[i] != ',' {
		return -1, false
	}
	return passOpening(b, i+1), false
}

// passOpening passes a name's opening quote.
func passOpening(b []byte, i int) int {
	if i = passSpace(b, i); i >= len(b) || b[i] != '"' {
		return -1
	}
	return i + 1
}
