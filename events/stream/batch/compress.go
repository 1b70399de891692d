package batch

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codec is how a batch's records are compressed.
type Codec int16

// The codecs, as a batch's attributes number them.
const (
	None Codec = iota
	Gzip
	Snappy
	LZ4
	Zstd
)

// DefaultCompression names the codec that is used where none is named.
const DefaultCompression = "lz4"

var codecs = map[string]Codec{"none": None, "gzip": Gzip, "snappy": Snappy, "lz4": LZ4, "zstd": Zstd}

// ParseCodec understands none, gzip, snappy, lz4 and zstd, and nothing as DefaultCompression; false: anything else.
func ParseCodec(name string) (Codec, bool) {
	c, ok := codecs[cmp.Or(name, DefaultCompression)]
	return c, ok
}

// Unpacker uncompresses batches into a buffer that it keeps. Not for concurrent use.
type Unpacker struct {
	Limit int // of what a batch may unpack to, in bytes
	buf   []byte
	in    bytes.Reader
	gzip  *gzip.Reader
	zstd  *zstd.Decoder // of windows up to Limit
	wide  *zstd.Decoder // of wider ones
}

// Size is about how many bytes it holds: what it unpacked last, and what the library's decoders keep.
func (u *Unpacker) Size() int {
	n := cap(u.buf)
	if u.gzip != nil {
		n += 64 << 10
	}
	for _, z := range []*zstd.Decoder{u.zstd, u.wide} {
		if z != nil {
			n += 1 << 20
		}
	}
	return n
}

// ErrTooLarge says that a batch unpacks to more than Unpacker.Limit, or may.
var ErrTooLarge = errors.New("more than is unpacked at once")

func (u *Unpacker) tooLarge() error {
	return fmt.Errorf("unpacks to more than %d bytes: %w", u.Limit, ErrTooLarge)
}

// Content returns what a batch of records holds, for AppendRecords, valid until the next call. ErrTooLarge: the batch is for a Stream; any
// other error says that it is broken.
func (u *Unpacker) Content(h *Header, packed []byte) ([]byte, error) {
	if h.Count > mostAtOnce {
		return nil, fmt.Errorf("%d records: %w", h.Count, ErrTooLarge)
	}
	content, err := u.Unpack(h.Codec(), packed)
	if err == nil && len(content) > MostRecord && hasLong(content) {
		err = fmt.Errorf("a record of more than %d bytes: %w", MostRecord, ErrTooLarge)
	}
	return content, err
}

// hasLong says whether content has a record that is refused for its size.
func hasLong(content []byte) bool {
	for i := 0; i < len(content); {
		n, at := varint(content, i)
		if at < 0 || n < 0 || n > int64(len(content)-at) {
			return false // it is broken
		}
		if n > MostRecord {
			return true
		}
		i = at + int(n)
	}
	return false
}

// Unpack returns what b holds, valid until the next call. ErrTooLarge: that is more than Limit; any other error says that b is broken.
func (u *Unpacker) Unpack(c Codec, b []byte) ([]byte, error) {
	var err error
	switch c {
	case None:
		return b, nil
	case Gzip:
		u.in.Reset(b)
		if u.gzip == nil {
			u.gzip, err = gzip.NewReader(&u.in)
		} else {
			err = u.gzip.Reset(&u.in)
		}
		if err == nil {
			err = u.readAll(u.gzip)
		}
	case Snappy:
		err = u.snappy(b)
	case LZ4:
		err = u.lz4Frames(b)
	case Zstd:
		err = u.unzstd(b)
	default:
		return nil, fmt.Errorf("compression codec %d is not known", c)
	}
	if err != nil {
		return nil, fmt.Errorf("uncompress: %w", err)
	}
	return u.buf, nil
}

// unzstd fills the buffer with what b holds.
func (u *Unpacker) unzstd(b []byte) (err error) {
	if u.zstd == nil {
		u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(u.Limit)), zstd.WithDecoderMaxWindow(mostWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return err
		}
	}
	u.buf, err = u.zstd.DecodeAll(b, u.buf[:0])
	if errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return u.unzstdWide(b)
	}
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || len(u.buf) > u.Limit {
		return u.tooLarge()
	}
	return err
}

// unzstdWide is unzstd of what was packed with a window above Limit: it says nothing of how much that is, and takes no memory as long as it
// is little. At its highest levels zstd has such windows whatever it packs.
func (u *Unpacker) unzstdWide(b []byte) (err error) {
	if zstdMost(b) > u.Limit {
		return u.tooLarge()
	}
	if u.wide == nil {
		u.wide, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(mostWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return err
		}
	}
	u.buf, err = u.wide.DecodeAll(b, u.buf[:0])
	return err
}

// zstdMost is what frames unpack to at most, in bytes, as their blocks say; frames that are broken, or hold no blocks, have no bound.
func zstdMost(b []byte) int {
	const mostBlock = 128 << 10
	most := 0
	for len(b) > 0 {
		var h zstd.Header
		if h.Decode(b) != nil || h.Skippable || h.HeaderSize > len(b) {
			return math.MaxInt
		}
		b = b[h.HeaderSize:]
		for last := false; !last; {
			if len(b) < 3 {
				return math.MaxInt
			}
			block := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
			size := block >> 3
			holds := size
			switch block >> 1 & 3 {
			case 1: // a byte that is repeated
				size = 1
			case 2: // compressed
				holds = mostBlock
			}
			last = block&1 == 1
			most += holds
			if b = b[3:]; size > len(b) {
				return math.MaxInt
			}
			b = b[size:]
		}
		if h.HasCheckSum {
			b = b[min(4, len(b)):]
		}
	}
	return most
}

// readAll fills the buffer from r, and not a byte past the limit.
func (u *Unpacker) readAll(r io.Reader) error {
	u.buf = u.buf[:0]
	for {
		if len(u.buf) == cap(u.buf) {
			grown := make([]byte, len(u.buf), min(max(64<<10, 2*cap(u.buf)), u.Limit+1))
			copy(grown, u.buf)
			u.buf = grown
		}
		n, err := r.Read(u.buf[len(u.buf):cap(u.buf)])
		u.buf = u.buf[:len(u.buf)+n]
		if len(u.buf) > u.Limit {
			return u.tooLarge()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// xerial is how the Java client frames snappy: this, two versions of four bytes, then blocks with a length before each.
var xerial = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

func (u *Unpacker) snappy(b []byte) error {
	u.buf = u.buf[:0]
	for w := walkSnappy(b); ; {
		block, err := w.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = u.snappyBlock(block)
		}
		if err != nil {
			return err
		}
	}
}

// snappyWalk goes through the blocks of a batch, of which one that is not framed is the only one.
type snappyWalk struct {
	rest   []byte
	framed bool
	over   bool
	err    error
}

func walkSnappy(b []byte) snappyWalk {
	if !bytes.HasPrefix(b, xerial) {
		return snappyWalk{rest: b}
	}
	if len(b) < len(xerial)+8 {
		return snappyWalk{framed: true, err: io.ErrUnexpectedEOF}
	}
	return snappyWalk{rest: b[len(xerial)+8:], framed: true}
}

// next returns the next block; io.EOF: there is none, and all was well.
func (w *snappyWalk) next() ([]byte, error) {
	b := w.rest
	switch {
	case w.err != nil:
		return nil, w.err
	case w.framed && len(b) == 0, w.over:
		return nil, io.EOF
	case !w.framed:
		w.over = true
		return b, nil
	case len(b) < 4:
		return nil, io.ErrUnexpectedEOF
	}
	n := int(int32(binary.BigEndian.Uint32(b)))
	b = b[4:]
	if n < 0 || n > len(b) {
		return nil, io.ErrUnexpectedEOF
	}
	w.rest = b[n:]
	return b[:n], nil
}

// snappyBlock appends one block to the buffer.
func (u *Unpacker) snappyBlock(b []byte) error {
	n, err := snappyLen(b)
	if err != nil {
		return err
	}
	at := len(u.buf)
	if n > u.Limit-at {
		return u.tooLarge()
	}
	if cap(u.buf)-at < n {
		grown := make([]byte, at, max(at+n, 2*cap(u.buf)))
		copy(grown, u.buf)
		u.buf = grown
	}
	if err := unsnappy(u.buf[at:at+n], b); err != nil {
		return err
	}
	u.buf = u.buf[:at+n]
	return nil
}

// snappyLen is what a block says it unpacks to, in bytes.
func snappyLen(b []byte) (int, error) {
	n, err := s2.DecodedLen(b)
	if err != nil {
		return 0, err
	}
	// A block of n bytes takes no fewer than n/64: a length that lies does not get its allocation.
	if n/64 > len(b) {
		return 0, fmt.Errorf("snappy block of %d bytes says it unpacks to %d", len(b), n)
	}
	if n > mostWindow {
		return 0, fmt.Errorf("snappy block unpacks to %d bytes, of which any may reach back to the first", n)
	}
	return n, nil
}

// unsnappy unpacks a block that fills dst.
func unsnappy(dst, b []byte) error {
	n := len(dst)
	block, err := s2.Decode(dst[:n:n], b)
	if err == nil && len(block) != n {
		err = fmt.Errorf("snappy block unpacked to %d bytes, said %d", len(block), n)
	}
	return err
}

// packers compress for Produce.
var (
	gzipPackers = sync.Pool{New: func() any { w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed); return w }}
	lz4Packers  = sync.Pool{New: newLZ4Packer}
	zstdPacker  = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
	})
)

// newLZ4Packer makes blocks as small as the Java client's: whoever reads them holds one, and the library's own are of 4 MiB.
func newLZ4Packer() any {
	w := lz4.NewWriter(nil)
	if err := w.Apply(lz4.BlockSizeOption(lz4.Block64Kb)); err != nil {
		panic(err) // of an option that is constant
	}
	return w
}

// pack appends b, compressed, to dst.
func pack(dst []byte, c Codec, b []byte) ([]byte, error) {
	out := bytes.NewBuffer(dst)
	switch c {
	case None:
		return append(dst, b...), nil
	case Gzip:
		w := gzipPackers.Get().(*gzip.Writer)
		defer gzipPackers.Put(w)
		w.Reset(out)
		_, err := w.Write(b)
		err = errors.Join(err, w.Close())
		return out.Bytes(), err
	case Snappy:
		return append(dst, s2.EncodeSnappy(nil, b)...), nil
	case LZ4:
		w := lz4Packers.Get().(*lz4.Writer)
		defer lz4Packers.Put(w)
		w.Reset(out)
		_, err := w.Write(b)
		err = errors.Join(err, w.Close())
		return out.Bytes(), err
	case Zstd:
		w, err := zstdPacker()
		if err != nil {
			return dst, err
		}
		return w.EncodeAll(b, dst), nil
	}
	return dst, fmt.Errorf("compression codec %d is not known", c)
}
