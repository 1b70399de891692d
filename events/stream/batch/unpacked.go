package batch

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// unpacked reads what a batch holds from its beginning to its end. It gives the bytes, and finds the faults, that Unpacker does where those
// fit, and takes memory for what the codec may reach back alone. Not for concurrent use.
type unpacked struct {
	in   io.Reader
	left int64 // of MostContent

	packed bytes.Reader
	gzip   *gzip.Reader
	zstd   *zstd.Decoder
	blocks blocks
}

// unpackeds lend what they hold while batches come one after the other; with none for a while, its memory is the system's again.
var unpackeds = sync.Pool{New: func() any { return new(unpacked) }}

var errTooMuch = fmt.Errorf("unpacks to more than %d bytes", int64(MostContent))

// begin reads b from its beginning.
func (u *unpacked) begin(c Codec, b []byte) (err error) {
	u.packed.Reset(b)
	u.left = MostContent
	switch c {
	case None:
		u.in = &u.packed
	case Gzip:
		if u.gzip == nil {
			u.gzip, err = gzip.NewReader(&u.packed)
		} else {
			err = u.gzip.Reset(&u.packed)
		}
		u.in = u.gzip
	case Snappy:
		w := walkSnappy(b)
		u.blocks.begin(w.unpack)
		u.in = &u.blocks
	case LZ4:
		w := lz4Walk{rest: b}
		u.blocks.begin(w.unpack)
		u.in = &u.blocks
	case Zstd:
		if u.zstd == nil {
			u.zstd, err = zstd.NewReader(&u.packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(mostWindow), zstd.WithDecoderLowmem(true))
		} else {
			err = u.zstd.Reset(&u.packed)
		}
		u.in = u.zstd
	default:
		err = fmt.Errorf("compression codec %d is not known", c)
	}
	return err
}

// end lets go of the batch.
func (u *unpacked) end() {
	u.packed.Reset(nil)
	u.in, u.blocks.next = nil, nil
}

// Read implements io.Reader.
func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.in.Read(p[:min(int64(len(p)), u.left+1)])
	if u.left -= int64(n); u.left < 0 {
		return 0, errTooMuch
	}
	return n, err
}

// blocks reads what is unpacked block by block.
type blocks struct {
	buf  []byte
	at   int // unread from there on
	next nextBlock
}

// nextBlock unpacks the next block into a buffer that is read, keeping of it what the block may reach back to, and returns where the block
// begins. io.EOF: there is none, and all was well.
type nextBlock func(read []byte) (buf []byte, at int, err error)

func (r *blocks) begin(next nextBlock) { r.buf, r.at, r.next = r.buf[:0], 0, next }

func (r *blocks) Read(p []byte) (int, error) {
	for r.at == len(r.buf) {
		var err error
		if r.buf, r.at, err = r.next(r.buf); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.buf[r.at:])
	r.at += n
	return n, nil
}

// unpack is a nextBlock.
func (w *snappyWalk) unpack(buf []byte) ([]byte, int, error) {
	b, err := w.next()
	if err != nil {
		return buf, len(buf), err
	}
	n, err := snappyLen(b)
	if err != nil {
		return buf, len(buf), err
	}
	buf = slices.Grow(buf[:0], n)[:n]
	return buf, 0, unsnappy(buf, b)
}

// unpack is a nextBlock.
func (w *lz4Walk) unpack(buf []byte) ([]byte, int, error) {
	p, err := w.next()
	if err != nil {
		return buf, len(buf), err
	}
	kept := 0
	if !p.first {
		kept = copy(buf, buf[max(0, len(buf)-lz4Window):])
	}
	if p.plain {
		return append(buf[:kept], p.data...), kept, nil
	}
	low := kept
	if p.linked {
		low = 0
	}
	most := kept + min(p.most, lz4Most(p.data))
	buf = slices.Grow(buf[:kept], most-kept)[:most]
	end, ok := lz4Unpack(buf, kept, low, p.data)
	if !ok {
		return buf[:0], 0, errLZ4Block
	}
	return buf[:end], kept, nil
}
