package recount

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// unpacker opens what batches hold, one at a time.
type unpacker struct {
	zstd *zstd.Decoder // what it may reach back is kept for the next
}

// open reads what a codec packed, which is broken where it unpacks to more than mostUnpacked.
func (u *unpacker) open(codec int, b []byte) (io.Reader, error) {
	in := bytes.NewReader(b)
	switch codec {
	case 0:
		return in, nil
	case 1:
		z, err := gzip.NewReader(in)
		return &bounded{z, mostUnpacked}, err
	case 2:
		return &bounded{snappyReader(b), mostUnpacked}, nil
	case 3:
		return &bounded{lz4Reader(b), mostUnpacked}, nil
	case 4:
		var err error
		if u.zstd == nil {
			u.zstd, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(mostWindow))
		} else {
			err = u.zstd.Reset(in)
		}
		return &bounded{u.zstd, mostUnpacked}, err
	}
	return nil, fmt.Errorf("codec %d", codec)
}

// bounded fails past a number of bytes.
type bounded struct {
	in   io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("more than %d bytes", int64(mostUnpacked))
	}
	return n, err
}

// pieces reads pieces one after the other, each of which is made when the one before is read.
type pieces struct {
	piece []byte
	next  func() ([]byte, error)
}

func (r *pieces) Read(p []byte) (int, error) {
	for len(r.piece) == 0 {
		var err error
		if r.piece, err = r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.piece)
	r.piece = r.piece[n:]
	return n, nil
}

// snappyReader unpacks a block, or the blocks that the Java client frames, each with its length before it.
func snappyReader(b []byte) io.Reader {
	const head = 16 // the frame's name, and two versions
	framed := bytes.HasPrefix(b, []byte("\x82SNAPPY\x00"))
	over := false
	var block []byte
	next := func() ([]byte, error) {
		packed := b
		switch {
		case over || framed && len(b) == 0:
			return nil, io.EOF
		case !framed:
			over = true
		case len(b) < 4 || int64(binary.BigEndian.Uint32(b)) > int64(len(b)-4):
			return nil, io.ErrUnexpectedEOF
		default:
			end := 4 + int(binary.BigEndian.Uint32(b))
			packed, b = b[4:end], b[end:]
		}
		n, err := s2.DecodedLen(packed)
		if err != nil {
			return nil, err
		}
		if n > mostWindow || n/64 > len(packed) { // it may reach back to its beginning; and says no more than it can hold
			return nil, fmt.Errorf("a block of %d bytes that unpacks to %d", len(packed), n)
		}
		if cap(block) < n {
			block = make([]byte, n)
		}
		return s2.Decode(block[:n:n], packed)
	}
	if framed {
		if len(b) < head {
			return &pieces{next: func() ([]byte, error) { return nil, io.ErrUnexpectedEOF }}
		}
		b = b[head:]
	}
	return &pieces{next: next}
}

// lz4Reader unpacks frames. Their checksums say nothing that the batch's does not.
func lz4Reader(b []byte) io.Reader {
	const window = 64 << 10
	var (
		within          bool
		most, tail, sum int
		linked          bool
		history, block  []byte
	)
	return &pieces{next: func() ([]byte, error) {
		for {
			if !within {
				if len(b) == 0 {
					return nil, io.EOF
				}
				if len(b) < 7 || binary.LittleEndian.Uint32(b) != 0x184D2204 {
					return nil, fmt.Errorf("no frame")
				}
				flags, size := b[4], b[5]>>4&7
				if flags>>6 != 1 || flags&1 != 0 || size < 4 {
					return nil, fmt.Errorf("a frame of another kind")
				}
				most, linked, tail, sum = 1<<(8+2*size), flags&0x20 == 0, int(flags>>4&1)*4, int(flags>>2&1)*4
				head := 7 + int(flags>>3&1)*8
				if len(b) < head {
					return nil, io.ErrUnexpectedEOF
				}
				b, within, history = b[head:], true, nil
			}
			if len(b) < 4 {
				return nil, io.ErrUnexpectedEOF
			}
			n := binary.LittleEndian.Uint32(b)
			size := int(n &^ (1 << 31))
			if b = b[4:]; n == 0 {
				if len(b) < sum {
					return nil, io.ErrUnexpectedEOF
				}
				b, within = b[sum:], false
				continue
			}
			if size > most || size+tail > len(b) {
				return nil, io.ErrUnexpectedEOF
			}
			packed := b[:size]
			b = b[size+tail:]
			if n>>31 == 1 {
				block = append(block[:0], packed...)
			} else {
				if cap(block) < most {
					block = make([]byte, most)
				}
				var dict []byte
				if linked {
					dict = history
				}
				got, err := lz4.UncompressBlockWithDict(packed, block[:most], dict)
				if err != nil {
					return nil, err
				}
				block = block[:got]
			}
			history = append(history, block...)
			history = history[max(0, len(history)-window):]
			return block, nil
		}
	}}
}
