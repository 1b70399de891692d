package batch

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/pierrec/lz4/v4"
)

// Frames of lz4 are walked here, and only their blocks left to the library: a batch has a checksum of its own, so that those of
// the frame need not be computed, and blocks unpack into the buffer without a copy.

const (
	lz4Magic  = 0x184D2204
	lz4Window = 64 << 10 // how far a block may reach back
)

var (
	errLZ4      = errors.New("not an lz4 frame")
	errLZ4Block = errors.New("lz4 block is broken")
)

// lz4Frames unpacks frames that follow each other.
func (u *Unpacker) lz4Frames(b []byte) error {
	u.buf = u.buf[:0]
	for len(b) > 0 {
		rest, err := u.lz4Frame(b)
		if err != nil {
			return err
		}
		b = rest
	}
	return nil
}

// lz4Frame appends what a frame holds to the buffer and returns what follows it.
func (u *Unpacker) lz4Frame(b []byte) ([]byte, error) {
	if len(b) < 7 || binary.LittleEndian.Uint32(b) != lz4Magic {
		return nil, errLZ4
	}
	flags, size := b[4], b[5]>>4&7
	if flags>>6 != 1 || flags&1 != 0 || size < 4 { // version; dictionaries; block size
		return nil, errLZ4
	}
	most := 1 << (8 + 2*int(size)) // 64 KiB to 4 MiB
	linked, blockSum, contentSize, contentSum := flags&0x20 == 0, flags&0x10 != 0, flags&0x08 != 0, flags&0x04 != 0
	header := 7 // with its checksum byte
	if contentSize {
		header += 8
	}
	if len(b) < header {
		return nil, io.ErrUnexpectedEOF
	}
	b = b[header:]
	start := len(u.buf)
	for {
		if len(b) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		n := binary.LittleEndian.Uint32(b)
		b = b[4:]
		if n == 0 {
			break
		}
		plain := n>>31 == 1
		n &^= 1 << 31
		tail := 0
		if blockSum {
			tail = 4
		}
		if int(n) > most || int(n)+tail > len(b) {
			return nil, io.ErrUnexpectedEOF
		}
		if err := u.lz4Block(b[:n], most, start, plain, linked); err != nil {
			return nil, err
		}
		b = b[int(n)+tail:]
	}
	if contentSum {
		if len(b) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		b = b[4:]
	}
	return b, nil
}

// lz4Block appends a block of at most most bytes unpacked; start is where its frame begins in the buffer.
func (u *Unpacker) lz4Block(b []byte, most, start int, plain, linked bool) error {
	at := len(u.buf)
	low := at // where its matches may begin
	if linked {
		low = start
	}
	if plain {
		if len(b) > u.Limit-at {
			return u.tooLarge()
		}
		u.buf = append(u.buf, b...)
		return nil
	}
	// A block unpacks to at most 255 times its size: a length that lies does not get its allocation.
	room := min(most, 255*len(b)+64, u.Limit-at)
	// Nor does a frame whose blocks could be large, as some clients announce 4 MiB for each batch, get more than it turns out to
	// need: the buffer begins at a usual rate of compression and grows where that falls short.
	for size := min(room, max(cap(u.buf)-at, 8*len(b)+64)); ; size = min(room, 2*size) {
		u.buf = slices.Grow(u.buf, size)
		if end, ok := lz4Unpack(u.buf[:at+size], at, low, b); ok {
			u.buf = u.buf[:end]
			return nil
		}
		if size < room {
			continue
		}
		if room == u.Limit-at && room < most {
			return u.tooLarge()
		}
		return errLZ4Block
	}
}

// lz4Library is lz4Unpack as the library does it.
func lz4Library(dst []byte, at, low int, src []byte) (int, bool) {
	n, err := lz4.UncompressBlockWithDict(src, dst[at:], dst[max(low, at-lz4Window):at])
	return at + n, err == nil
}
