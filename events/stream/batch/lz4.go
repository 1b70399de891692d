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
	start := 0 // of the frame
	for w := (lz4Walk{rest: b}); ; {
		block, err := w.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if block.first {
			start = len(u.buf)
		}
		if err := u.lz4Block(&block, start); err != nil {
			return err
		}
	}
}

// lz4Walk goes through the blocks of frames that follow each other.
type lz4Walk struct {
	rest    []byte
	within  bool // a frame, whose blocks are like this one
	sums    bool // a checksum follows each block
	sum     bool // and one all of them
	pattern lz4Piece
}

// lz4Piece is a block of a frame.
type lz4Piece struct {
	data   []byte
	most   int  // that it unpacks to
	plain  bool // it is not compressed
	linked bool // it may reach back into the blocks before it
	first  bool // of its frame
}

// next returns the next block; io.EOF: there is none, and all was well.
func (w *lz4Walk) next() (lz4Piece, error) {
	first := false
	for {
		if !w.within {
			if len(w.rest) == 0 {
				return lz4Piece{}, io.EOF
			}
			if err := w.begin(); err != nil {
				return lz4Piece{}, err
			}
			first = true
		}
		if len(w.rest) < 4 {
			return lz4Piece{}, io.ErrUnexpectedEOF
		}
		n := binary.LittleEndian.Uint32(w.rest)
		w.rest = w.rest[4:]
		if n == 0 {
			if err := w.end(); err != nil {
				return lz4Piece{}, err
			}
			continue
		}
		block := w.pattern
		block.first, block.plain = first, n>>31 == 1
		n &^= 1 << 31
		tail := 0
		if w.sums {
			tail = 4
		}
		if int(n) > block.most || int(n)+tail > len(w.rest) {
			return lz4Piece{}, io.ErrUnexpectedEOF
		}
		block.data = w.rest[:n]
		w.rest = w.rest[int(n)+tail:]
		return block, nil
	}
}

// begin passes a frame's header.
func (w *lz4Walk) begin() error {
	b := w.rest
	if len(b) < 7 || binary.LittleEndian.Uint32(b) != lz4Magic {
		return errLZ4
	}
	flags, size := b[4], b[5]>>4&7
	if flags>>6 != 1 || flags&1 != 0 || size < 4 { // version; dictionaries; block size
		return errLZ4
	}
	w.pattern = lz4Piece{most: 1 << (8 + 2*int(size)), linked: flags&0x20 == 0} // 64 KiB to 4 MiB
	w.sums, w.sum = flags&0x10 != 0, flags&0x04 != 0
	header := 7 // with its checksum byte
	if flags&0x08 != 0 {
		header += 8 // the content's size
	}
	if len(b) < header {
		return io.ErrUnexpectedEOF
	}
	w.rest, w.within = b[header:], true
	return nil
}

// end passes what follows a frame's blocks.
func (w *lz4Walk) end() error {
	if w.sum {
		if len(w.rest) < 4 {
			return io.ErrUnexpectedEOF
		}
		w.rest = w.rest[4:]
	}
	w.within = false
	return nil
}

// lz4Block appends a block to the buffer, in which its frame begins at start.
func (u *Unpacker) lz4Block(p *lz4Piece, start int) error {
	b, most := p.data, p.most
	at := len(u.buf)
	low := at // where its matches may begin
	if p.linked {
		low = start
	}
	if p.plain {
		if len(b) > u.Limit-at {
			return u.tooLarge()
		}
		u.buf = append(u.buf, b...)
		return nil
	}
	room := min(most, lz4Most(b), u.Limit-at)
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

// lz4Most is what a block unpacks to at most, in bytes: a length that lies does not get its allocation.
func lz4Most(b []byte) int { return 255*len(b) + 64 }

// lz4Library is lz4Unpack as the library does it.
func lz4Library(dst []byte, at, low int, src []byte) (int, bool) {
	n, err := lz4.UncompressBlockWithDict(src, dst[at:], dst[max(low, at-lz4Window):at])
	return at + n, err == nil
}
