package identity

import (
	"bytes"
	"encoding/binary"
)

// MaxGUIDBytes is the longest GUID or user id, bytes.
const MaxGUIDBytes = 128

// parseUUID reads a GUID that is a UUID: 32 hex digits of any case, plain or hyphenated 8-4-4-4-12, optionally in braces or after
// "urn:uuid:" of any case. Any other GUID is opaque and compared byte for byte.
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
		const urn = "urn:uuid:"
		if bytes.EqualFold(g[:len(urn)], []byte(urn)) {
			return parseUUID(u, g[len(urn):])
		}
	}
	return false
}

const hexDigits = "0123456789abcdef"

// Canonical returns the one spelling of an id by which records are keyed, so that a device keeps its partition however it is spelled: of
// a UUID lower-case hex digits, hyphenated; of any other id its bytes.
func Canonical(id []byte) []byte {
	var u [16]byte
	if id = Trim(id); !parseUUID(&u, id) {
		return bytes.Clone(id)
	}
	text := make([]byte, 36)
	at := 0
	for i, b := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text[at] = '-'
			at++
		}
		text[at], text[at+1] = hexDigits[b>>4], hexDigits[b&15]
		at += 2
	}
	return text
}

// Every byte of a word; the high bit of every byte.
const (
	everyByte = 0x0101010101010101
	highBits  = 0x8080808080808080
)

func hyphenatedPlain(u *[16]byte, g []byte) bool {
	_ = g[35]
	if g[8] != '-' || g[13] != '-' || g[18] != '-' || g[23] != '-' {
		return false
	}
	a := binary.LittleEndian.Uint64(g)
	b := uint64(binary.LittleEndian.Uint32(g[9:])) | uint64(binary.LittleEndian.Uint32(g[14:]))<<32
	c := uint64(binary.LittleEndian.Uint32(g[19:])) | uint64(binary.LittleEndian.Uint32(g[24:]))<<32
	d := binary.LittleEndian.Uint64(g[28:])
	return parseWords(u, a, b, c, d)
}

func parseHex32(u *[16]byte, g []byte) bool {
	_ = g[31]
	return parseWords(u, binary.LittleEndian.Uint64(g), binary.LittleEndian.Uint64(g[8:]),
		binary.LittleEndian.Uint64(g[16:]), binary.LittleEndian.Uint64(g[24:]))
}

// parseWords reads 32 hex digits in four words.
func parseWords(u *[16]byte, a, b, c, d uint64) bool {
	binary.LittleEndian.PutUint32(u[0:], hex8(a))
	binary.LittleEndian.PutUint32(u[4:], hex8(b))
	binary.LittleEndian.PutUint32(u[8:], hex8(c))
	binary.LittleEndian.PutUint32(u[12:], hex8(d))
	return (notHex(a)|notHex(b)|notHex(c)|notHex(d))&highBits == 0
}

// hex8 turns eight hex digits, the first in the lowest byte, into four bytes, the first in the lowest.
func hex8(w uint64) uint32 {
	w = w&(0x0f*everyByte) + w>>6&everyByte*9 // a letter has bit 6 set, and its low bits count from 1
	w = (w<<4 | w>>8) & 0x00ff00ff00ff00ff
	w = (w | w>>8) & 0x0000ffff0000ffff
	return uint32(w | w>>16)
}

// notHex has the high bit set for each byte that is no hex digit.
func notHex(w uint64) uint64 {
	t := w &^ highBits
	digit := (t + (0x80-'0')*everyByte) &^ (t + (0x80-'9'-1)*everyByte)
	t |= 0x20 * everyByte
	letter := (t + (0x80-'a')*everyByte) &^ (t + (0x80-'f'-1)*everyByte)
	return ^(digit | letter) | w
}
