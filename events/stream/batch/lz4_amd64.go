//go:build !purego

package batch

import (
	"encoding/binary"

	"golang.org/x/sys/cpu"
)

const (
	lz4Literals = 64 // copied at once
	lz4Match    = 96

	// What lz4Run may touch from the beginning of a sequence that it takes: of the block, with the token of the next, and of where
	// it unpacks to.
	lz4Reads  = 2 + lz4Literals + 3 + 1
	lz4Writes = lz4Literals + lz4Match
)

// wideCopies says whether the machine copies 32 bytes at once.
var wideCopies = cpu.X86.HasAVX2

// lz4Unpack unpacks a block to dst[at:], from where its matches reach back to dst[low:], and returns where it ends. False: it is
// broken, or there is not the room.
func lz4Unpack(dst []byte, at, low int, src []byte) (int, bool) {
	if !wideCopies {
		return lz4Library(dst, at, low, src)
	}
	d, s, ok := at, 0, true
	for s < len(src) && ok {
		if s <= len(src)-lz4Reads && d <= len(dst)-lz4Writes {
			s, d = lz4Run(&dst[0], d, len(dst)-lz4Writes, low, &src[0], s, len(src)-lz4Reads)
		}
		s, d, ok = lz4Sequence(dst, d, low, src, s)
	}
	return d, ok
}

// lz4Run takes sequences of the block src from src[from:] as long as they begin at most at src[last] and are unpacked at most to
// dst[most], and it can: a long one, one whose match overlaps itself, and one that is wrong are for lz4Sequence. It returns where the
// next begins and where that is unpacked to.
//
//go:noescape
func lz4Run(dst *byte, at, most, low int, src *byte, from, last int) (s, d int)

// lz4Sequence takes the sequence at src[s:], whatever it is, and returns what lz4Run does.
func lz4Sequence(dst []byte, d, low int, src []byte, s int) (int, int, bool) {
	token := src[s]
	n, s := lz4Length(src, s+1, int(token>>4))
	if s < 0 || n > len(src)-s || n > len(dst)-d {
		return 0, 0, false
	}
	d += copy(dst[d:], src[s:s+n])
	if s += n; s == len(src) {
		return s, d, token&15 == 0 // literals end a block, and no match is announced with them
	}
	if len(src)-s < 2 {
		return 0, 0, false
	}
	offset := int(binary.LittleEndian.Uint16(src[s:]))
	n, s = lz4Length(src, s+2, int(token&15))
	n += 4
	if s < 0 || offset == 0 || offset > d-low || n > len(dst)-d {
		return 0, 0, false
	}
	for start, end := d-offset, d+n; d < end; { // what overlaps itself doubles
		d += copy(dst[d:end], dst[start:d])
	}
	return s, d, true
}

// lz4Length reads on a length that begins with n; −1 after it: it runs past the end.
func lz4Length(src []byte, s, n int) (int, int) {
	if n < 15 {
		return n, s
	}
	for ; s < len(src); s++ {
		n += int(src[s])
		if src[s] != 255 {
			return n, s + 1
		}
	}
	return 0, -1
}
