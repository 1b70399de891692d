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

// passText passes string content that is not read up to the closing quote, whose index it returns. Broken text in it is let be.
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
			i++
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
		if _, ok := hex4(b[i+2:]); ok {
			return i + 6
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
	var in containers
	for {
		var opened, ended bool
		if i, opened = in.begin(b, passSpace(b, i)); i < 0 {
			return -1
		}
		if opened {
			continue
		}
		if i, ended = in.end(b, i); i < 0 || ended {
			return i
		}
	}
}

// containers are the objects and lists around a value.
type containers struct {
	objects uint64 // bit 0: the innermost is an object
	depth   int
}

// begin passes a value that is no container, or an empty one, or, where opened says so, what comes before a container's first value.
func (c *containers) begin(b []byte, i int) (next int, opened bool) {
	if i >= len(b) {
		return -1, false
	}
	switch b[i] {
	case '"':
		if i = passText(b, i+1); i < 0 {
			return -1, false
		}
		return i + 1, false
	case '{', '[':
		return c.open(b, i)
	case 't':
		return passWord(b, i, "true"), false
	case 'f':
		return passWord(b, i, "false"), false
	case 'n':
		return passWord(b, i, "null"), false
	}
	return passNumber(b, i), false
}

func (c *containers) open(b []byte, i int) (next int, opened bool) {
	object := b[i] == '{'
	if i = passSpace(b, i+1); i >= len(b) {
		return -1, false
	}
	if object && b[i] == '}' || !object && b[i] == ']' {
		return i + 1, false
	}
	if c.depth++; c.depth > 64 {
		return -1, false
	}
	c.objects <<= 1
	if object {
		c.objects |= 1
		i = passName(b, i)
	}
	return i, true
}

// end passes what follows a value: the ends of containers up to a comma, and in an object the next name. ended says that the
// value was the last of the outermost.
func (c *containers) end(b []byte, i int) (next int, ended bool) {
	for c.depth > 0 {
		if i = passSpace(b, i); i >= len(b) {
			return -1, false
		}
		object := c.objects&1 == 1
		if b[i] == ',' {
			if i++; object {
				i = passName(b, passSpace(b, i))
			}
			return i, false
		}
		if object && b[i] != '}' || !object && b[i] != ']' {
			return -1, false
		}
		i++
		c.depth--
		c.objects >>= 1
	}
	return i, true
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
