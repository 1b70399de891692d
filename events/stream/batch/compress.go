package batch

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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
	zstd  *zstd.Decoder
}

// Size is about how many bytes it holds: what it unpacked last, and what the library's decoders keep.
func (u *Unpacker) Size() int {
	n := cap(u.buf)
	if u.gzip != nil {
		n += 64 << 10
	}
	if u.zstd != nil {
		n += 1 << 20
	}
	return n
}

func (u *Unpacker) tooLarge() error {
	return &UnreadableError{fmt.Sprintf("unpacks to more than %d bytes, the most that is taken for a batch", u.Limit), TakeLarger}
}

// Unpack returns what b holds, valid until the next call. UnreadableError: that is more than Limit.
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
		if u.zstd == nil {
			u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(u.Limit)), zstd.WithDecoderLowmem(true))
		}
		if err == nil {
			u.buf, err = u.zstd.DecodeAll(b, u.buf[:0])
			if errors.Is(err, zstd.ErrDecoderSizeExceeded) || len(u.buf) > u.Limit {
				err = u.tooLarge()
			}
		}
	default:
		return nil, fmt.Errorf("compression codec %d is not known", c)
	}
	if err != nil {
		return nil, fmt.Errorf("uncompress: %w", err)
	}
	return u.buf, nil
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
	if !bytes.HasPrefix(b, xerial) {
		return u.snappyBlock(b)
	}
	if len(b) < len(xerial)+8 {
		return io.ErrUnexpectedEOF
	}
	for b = b[len(xerial)+8:]; len(b) > 0; {
		if len(b) < 4 {
			return io.ErrUnexpectedEOF
		}
		n := int(int32(binary.BigEndian.Uint32(b)))
		b = b[4:]
		if n < 0 || n > len(b) {
			return io.ErrUnexpectedEOF
		}
		if err := u.snappyBlock(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// snappyBlock appends one block to the buffer.
func (u *Unpacker) snappyBlock(b []byte) error {
	n, err := s2.DecodedLen(b)
	if err != nil {
		return err
	}
	at := len(u.buf)
	if n > u.Limit-at {
		return u.tooLarge()
	}
	// A block of n bytes takes no fewer than n/64: a length that lies does not get its allocation.
	if n/64 > len(b) {
		return fmt.Errorf("snappy block of %d bytes says it unpacks to %d", len(b), n)
	}
	if cap(u.buf)-at < n {
		grown := make([]byte, at, max(at+n, 2*cap(u.buf)))
		copy(grown, u.buf)
		u.buf = grown
	}
	block, err := s2.Decode(u.buf[at:at+n:at+n], b)
	if err != nil {
		return err
	}
	if len(block) != n {
		return fmt.Errorf("snappy block unpacked to %d bytes, said %d", len(block), n)
	}
	u.buf = u.buf[:at+n]
	return nil
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
