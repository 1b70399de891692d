package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"headcount/events"
)

// StreamDecoder reads Kafka's primitive types from a connection, for answers that are too large to be held as a whole. It is Decoder
// but for where the bytes come from: after the first error all reads return zero, and lengths and counts are checked against what is
// left of the answer.
type StreamDecoder struct {
	R        *io.LimitedReader // N bytes are left of the answer
	Flexible bool              // the message's version has compact strings and arrays, and tagged fields
	Err      error             // the first; nil: none yet
	buf      [8]byte
}

// Full fills p.
func (d *StreamDecoder) Full(p []byte) {
	if d.Err != nil {
		return
	}
	if _, err := io.ReadFull(d.R, p); err != nil {
		d.Err = noEOF(err)
		clear(p)
	}
}

func (d *StreamDecoder) fixed(n int) []byte {
	clear(d.buf[:])
	d.Full(d.buf[:n])
	return d.buf[:n]
}

// Int16, and those below, read a number of so many bits.
func (d *StreamDecoder) Int16() int16 { return int16(binary.BigEndian.Uint16(d.fixed(2))) }
func (d *StreamDecoder) Int32() int32 { return int32(binary.BigEndian.Uint32(d.fixed(4))) }
func (d *StreamDecoder) Int64() int64 { return int64(binary.BigEndian.Uint64(d.fixed(8))) }

// Partition reads a partition's number, Offset an offset.
func (d *StreamDecoder) Partition() events.Partition { return events.Partition(d.Int32()) }
func (d *StreamDecoder) Offset() events.Offset       { return events.Offset(d.Int64()) }

// Uvarint reads a number of up to ten bytes, seven bits in each.
func (d *StreamDecoder) Uvarint() uint64 {
	var v uint64
	for shift := uint(0); shift < 64 && d.Err == nil; shift += 7 {
		c := d.fixed(1)[0]
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	if d.Err == nil {
		d.Err = errShort
	}
	return 0
}

// Length reads the length with which bytes begin, for Full; −1 is null.
func (d *StreamDecoder) Length() int {
	var n int64
	if d.Flexible {
		n = int64(d.Uvarint()) - 1
	} else {
		n = int64(d.Int32())
	}
	if d.Err == nil && (n < -1 || n > d.R.N) {
		d.Err = fmt.Errorf("%d bytes announced, %d left in the answer", n, d.R.N)
	}
	if d.Err != nil {
		return -1
	}
	return int(n)
}

// Array reads a count of elements that take at least size bytes each; null reads as 0.
func (d *StreamDecoder) Array(size int) int {
	var n int64
	if d.Flexible {
		n = int64(d.Uvarint()) - 1
	} else {
		n = int64(d.Int32())
	}
	if d.Err == nil && (n < -1 || n > d.R.N/int64(size)) {
		d.Err = fmt.Errorf("%d elements announced, %d bytes left in the answer", n, d.R.N)
	}
	if d.Err != nil || n < 0 {
		return 0
	}
	return int(n)
}

// Str reads a string; null reads as empty.
func (d *StreamDecoder) Str() string {
	var n int64
	if d.Flexible {
		n = int64(d.Uvarint()) - 1
	} else {
		n = int64(d.Int16())
	}
	if n > d.R.N && d.Err == nil {
		d.Err = errShort
	}
	if n <= 0 || d.Err != nil {
		return ""
	}
	p := make([]byte, n)
	d.Full(p)
	return string(p)
}

// Skip reads n bytes and drops them.
func (d *StreamDecoder) Skip(n uint64) {
	if n > uint64(d.R.N) && d.Err == nil {
		d.Err = errShort
	}
	if d.Err == nil {
		if _, err := io.CopyN(io.Discard, d.R, int64(n)); err != nil {
			d.Err = noEOF(err)
		}
	}
}

// Tags skips tagged fields.
func (d *StreamDecoder) Tags() {
	if !d.Flexible {
		return
	}
	for n := d.Uvarint(); n > 0 && d.Err == nil; n-- {
		d.Uvarint()
		d.Skip(d.Uvarint())
	}
}

// ReadWhole reads all that is left. Memory follows what has come, not what was announced.
func ReadWhole(r *io.LimitedReader) ([]byte, error) {
	var b []byte
	for r.N > 0 {
		n := len(b)
		b = slices.Grow(b, int(min(r.N, int64(max(n, 4<<10)))))
		b = b[:min(int64(cap(b)), int64(n)+r.N)]
		if _, err := io.ReadFull(r, b[n:]); err != nil {
			return nil, noEOF(err)
		}
	}
	return b, nil
}

// noEOF makes an end within a message the error it is.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
