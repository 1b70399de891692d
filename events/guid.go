package events

import "bytes"

// MaxGUIDBytes is the longest GUID or user id, bytes.
const MaxGUIDBytes = 128

// ParseUUID reads a GUID that is a UUID: 32 hex digits of any case, plain or hyphenated 8-4-4-4-12, optionally in braces or after
// "urn:uuid:". Nothing is trimmed. Any other GUID is opaque and compared byte for byte.
func ParseUUID(guid []byte) (u [16]byte, ok bool) {
	ok = parseUUID(&u, guid)
	return u, ok
}

func parseUUID(u *[16]byte, g []byte) bool {
	switch len(g) {
	case 36:
		return parseHyphenated(u, g)
	case 32:
		return parseHex32(u, g)
	case 34, 38:
		if g[0] == '{' && g[len(g)-1] == '}' {
			return parseUUID(u, g[1:len(g)-1])
		}
	case 41, 45:
		if rest, found := bytes.CutPrefix(g, []byte("urn:uuid:")); found {
			return parseUUID(u, rest)
		}
	}
	return false
}

// hexValue maps a hex digit to its value, all other bytes to 0xff.
var hexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range "0123456789" {
		t[c] = byte(i)
	}
	for i, c := range "abcdef" {
		t[c], t[c-'a'+'A'] = byte(10+i), byte(10+i)
	}
	return t
}()

func parseHyphenated(u *[16]byte, g []byte) bool {
	_ = g[35]
	if g[8] != '-' || g[13] != '-' || g[18] != '-' || g[23] != '-' {
		return false
	}
	bad := byte(0)
	for i, at := range [16]uint8{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34} {
		hi, lo := hexValue[g[at]], hexValue[g[at+1]]
		bad |= hi | lo
		u[i] = hi<<4 | lo
	}
	return bad < 0x10
}

func parseHex32(u *[16]byte, g []byte) bool {
	bad := byte(0)
	for i := range u {
		hi, lo := hexValue[g[2*i]], hexValue[g[2*i+1]]
		bad |= hi | lo
		u[i] = hi<<4 | lo
	}
	return bad < 0x10
}
