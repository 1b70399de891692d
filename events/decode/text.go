package decode

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"

	"headcount/events"
)

// arena holds unescaped strings until the next reset. What it handed out stays where it is when it grows.
type arena struct{ buf []byte }

// maxArena is what an arena keeps from one batch to the next, bytes.
const maxArena = 1 << 20

func (a *arena) reset() {
	if cap(a.buf) > maxArena {
		a.buf = nil
	}
	a.buf = a.buf[:0]
}

// unescape returns raw, the inside of a JSON string, with its escapes resolved; nil where a surrogate in it is alone.
func (a *arena) unescape(raw []byte) ([]byte, shape, events.Reason) {
	if cap(a.buf)-len(a.buf) < len(raw) { // no escape is shorter than what it stands for
		a.buf = make([]byte, 0, max(4096, 2*len(raw)))
	}
	start := len(a.buf)
	out := a.buf
	lone := false
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' {
			out = append(out, c)
			i++
			continue
		}
		if i+1 >= len(raw) {
			return nil, absent, events.BadJSON
		}
		c = raw[i+1]
		i += 2
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := hex4(raw[i:])
			if !ok {
				return nil, absent, events.BadJSON
			}
			i += 4
			if utf16.IsSurrogate(r) {
				var low rune
				if i+1 < len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
					if low, ok = hex4(raw[i+2:]); !ok {
						return nil, absent, events.BadJSON
					}
				}
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					lone = true
					continue
				}
				i += 6
			}
			out = utf8.AppendRune(out, r)
		default:
			return nil, absent, events.BadJSON
		}
	}
	if lone {
		return nil, loneSurrogate, ""
	}
	a.buf = out
	return out[start:len(out):len(out)], text, ""
}

func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20-'a' <= 5:
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// named says whether b can name an app, a meter or a source: 1–limit bytes of UTF-8 without control characters (C0, DEL, C1).
func named(b []byte, limit int) bool {
	if len(b) == 0 || len(b) > limit {
		return false
	}
	if n := len(b); 4 <= n && n <= 16 {
		// Printable ASCII, by the two ends, which overlap: what differs from DEL and is a space or more. Words of four bytes, or
		// of eight.
		var first, last uint64
		if n >= 8 {
			first, last = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
		} else {
			first = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
			last = first
		}
		if printable(first) && printable(last) {
			return true
		}
	}
	for i, c := range b {
		if c < 0x20 || c == 0x7f {
			return false
		}
		if c >= utf8.RuneSelf {
			return namedWide(b[i:])
		}
	}
	return true
}

// printable says whether eight bytes are ASCII without control characters: added to 0x60, such a byte has its high bit set; added
// to one more than that, DEL would run over.
func printable(w uint64) bool {
	const seven = 0x7f * ones
	return w&highs == 0 && ((w&seven+0x60*ones)&^(w&seven+ones))&highs == highs
}

func namedWide(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, r := range string(b) {
		if r < 0x20 || 0x7f <= r && r <= 0x9f {
			return false
		}
	}
	return true
}
