package decode

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// The passing functions take the index of a first byte and return that of the first byte after, −1 where the text is wrong or
// too unusual.

func passSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// passPlain passes string content up to what stops it, or the end.
func passPlain(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if m := stops(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(b) && b[i] >= 0x20 && b[i] < utf8.RuneSelf && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// passText passes string content up to the closing quote, whose index it returns.
func passText(b []byte, i int) int {
	for {
		if i = passPlain(b, i); i >= len(b) {
			return -1
		}
		switch c := b[i]; {
		case c == '"':
			return i
		case c == '\\':
			i = passEscape(b, i)
		case c >= utf8.RuneSelf:
			i = passRune(b, i)
		default:
			return -1
		}
		if i < 0 {
			return -1
		}
	}
}

// passUnescaped is passText for content that is read: it takes no escape.
func passUnescaped(b []byte, i int) int {
	for {
		if i = passPlain(b, i); i >= len(b) {
			return -1
		}
		if b[i] == '"' {
			return i
		}
		if b[i] < utf8.RuneSelf {
			return -1
		}
		if i = passRune(b, i); i < 0 {
			return -1
		}
	}
}

func passRune(b []byte, i int) int {
	if r, n := utf8.DecodeRune(b[i:]); r != utf8.RuneError || n == 3 { // U+FFFD itself has three bytes
		return i + n
	}
	return -1
}

func passEscape(b []byte, i int) int {
	if i+1 >= len(b) {
		return -1
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		r, ok := hex4(b[i+2:])
		if !ok || r >= 0xdc00 && r <= 0xdfff {
			return -1
		}
		if r < 0xd800 || r > 0xdbff {
			return i + 6
		}
		if i+7 < len(b) && b[i+6] == '\\' && b[i+7] == 'u' {
			if low, ok := hex4(b[i+8:]); ok && low >= 0xdc00 && low <= 0xdfff {
				return i + 12
			}
		}
	}
	return -1
}

func passWord(b []byte, i int, word string) int {
	if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
		return i + len(word)
	}
	return -1
}

func passNumber(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i = passDigits(b, i); i < 0 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		if i = passDigits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return passDigits(b, i)
	}
	return i
}

func passDigits(b []byte, i int) int {
	start := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

// passValue passes any value up to 64 levels deep.
func passValue(b []byte, i int) int {
	objects := uint64(0) // bit 0: the innermost container is an object
	depth := 0
	for {
		// A value begins here.
		if i = passSpace(b, i); i >= len(b) {
			return -1
		}
		switch b[i] {
		case '"':
			if i = passText(b, i+1); i >= 0 {
				i++
			}
		case '{', '[':
			object := b[i] == '{'
			if i = passSpace(b, i+1); i >= len(b) {
				return -1
			}
			if object && b[i] == '}' || !object && b[i] == ']' {
				i++
				break
			}
			if depth++; depth > 64 {
				return -1
			}
			objects <<= 1
			if object {
				objects |= 1
				if i = passName(b, i); i < 0 {
					return -1
				}
			}
			continue
		case 't':
			i = passWord(b, i, "true")
		case 'f':
			i = passWord(b, i, "false")
		case 'n':
			i = passWord(b, i, "null")
		default:
			i = passNumber(b, i)
		}
		if i < 0 {
			return -1
		}
		// A value has ended: what follows belongs to the containers around it.
		for {
			if depth == 0 {
				return i
			}
			if i = passSpace(b, i); i >= len(b) {
				return -1
			}
			object := objects&1 == 1
			if b[i] == ',' {
				i++
				if object {
					if i = passName(b, passSpace(b, i)); i < 0 {
						return -1
					}
				}
				break
			}
			if object && b[i] != '}' || !object && b[i] != ']' {
				return -1
			}
			i++
			depth--
			objects >>= 1
		}
	}
}

// passName passes a member's name and the colon.
func passName(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	if i = passText(b, i+1); i < 0 {
		return -1
	}
	if i = passSpace(b, i+1); i >= len(b) || b[i] != ':' {
		return -1
	}
	return i + 1
}
