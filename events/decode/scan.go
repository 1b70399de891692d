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
func scan(b []byte, h *head) bool {
	i := passSpace(b, 0)
	if i >= len(b) || b[i] != '{' {
		return false
	}
	if i = passSpace(b, i+1); i >= len(b) || b[i] != '"' {
		return false
	}
	i++
	for {
		// A name begins: its first eight bytes tell whether it is read.
		name := uint64(0)
		if i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			if m := stops(w); m != 0 {
				n := bits.TrailingZeros64(m) &^ 7
				name = w & (1<<n - 1)
				i += n >> 3
			} else {
				name = w
				start := i
				i = passPlain(b, i+8)
				if i != start+8 {
					name = 0
				}
			}
		} else {
			i = passPlain(b, i)
		}
		if i >= len(b) {
			return false
		}
		if b[i] != '"' {
			if b[i] < utf8.RuneSelf {
				return false
			}
			name = 0
			if i = passText(b, i); i < 0 {
				return false
			}
		}

		// Between name and value there is nothing but the colon, as a rule.
		isString := i+4 <= len(b) && binary.LittleEndian.Uint32(b[i:])&0xffffff == '"'|':'<<8|'"'<<16
		if isString {
			i += 3
		} else {
			if i = passSpace(b, i+1); i >= len(b) || b[i] != ':' {
				return false
			}
			if i = passSpace(b, i+1); i >= len(b) {
				return false
			}
			if isString = b[i] == '"'; isString {
				i++
			}
		}

		var to *[]byte
		switch name {
		case wordType:
			to = &h.kind
		case wordTime:
			to = &h.time
		case wordSubject:
			to = &h.guid
		case wordSuperapp:
			to = &h.app
		}
		if isString {
			start := i
			for ; i+8 <= len(b); i += 8 {
				if m := stops(binary.LittleEndian.Uint64(b[i:])); m != 0 {
					i += bits.TrailingZeros64(m) >> 3
					goto stopped
				}
			}
			i = passPlain(b, i)
			if i >= len(b) {
				return false
			}
		stopped:
			if b[i] != '"' {
				if to == nil {
					i = passText(b, i)
				} else {
					i = passUnescaped(b, i)
				}
				if i < 0 {
					return false
				}
			}
			if to != nil {
				if *to != nil {
					return false
				}
				*to = b[start:i:i]
			}
			// Likewise between value and name.
			if i+4 <= len(b) && binary.LittleEndian.Uint32(b[i:])&0xffffff == '"'|','<<8|'"'<<16 {
				i += 3
				continue
			}
			i++
		} else {
			if to != nil {
				return false
			}
			if i = passValue(b, i); i < 0 {
				return false
			}
		}

		if i = passSpace(b, i); i >= len(b) {
			return false
		}
		if b[i] == '}' {
			return passSpace(b, i+1) == len(b)
		}
		if b[i] != ',' {
			return false
		}
		if i = passSpace(b, i+1); i >= len(b) || b[i] != '"' {
			return false
		}
		i++
	}
}
