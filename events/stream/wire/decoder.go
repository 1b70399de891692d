package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"headcount/events"
)

var errShort = errors.New("message ends early")

// ErrLeftOut says that an answer lacks what was asked for.
var ErrLeftOut = errors.New("what was asked for is left out")

// Decoder reads Kafka's primitive types from bytes in memory. After the first error all reads return zero: it is enough to look at
// Err once, at the end. Lengths and counts are checked against what is left before anything is allocated for them.
type Decoder struct {
	Buf      []byte // what is left
	Flexible bool   // the message's version has compact strings and arrays, and tagged fields
	Err      error  // the first; nil: none yet
}

// Fail makes err the decoder's, where it has none yet.
func (d *Decoder) Fail(err error) {
	if d.Err == nil {
		d.Err, d.Buf = err, nil
	}
}

// Take reads n bytes, which alias the message.
func (d *Decoder) Take(n int) []byte {
	if n < 0 || n > len(d.Buf) {
		d.Fail(errShort)
		return nil
	}
	p := d.Buf[:n:n]
	d.Buf = d.Buf[n:]
	return p
}

// Int8 reads a number of 8 bits.
func (d *Decoder) Int8() int8 {
	if p := d.Take(1); p != nil {
		return int8(p[0])
	}
	return 0
}

// Bool reads one byte; any but 0 is true.
func (d *Decoder) Bool() bool { return d.Int8() != 0 }

// Int16 reads a number of 16 bits.
func (d *Decoder) Int16() int16 {
	if p := d.Take(2); p != nil {
		return int16(binary.BigEndian.Uint16(p))
	}
	return 0
}

// Int32 reads a number of 32 bits.
func (d *Decoder) Int32() int32 {
	if p := d.Take(4); p != nil {
		return int32(binary.BigEndian.Uint32(p))
	}
	return 0
}

// Int64 reads a number of 64 bits.
func (d *Decoder) Int64() int64 {
	if p := d.Take(8); p != nil {
		return int64(binary.BigEndian.Uint64(p))
	}
	return 0
}

// Partition reads a partition's number.
func (d *Decoder) Partition() events.Partition { return events.Partition(d.Int32()) }

// Offset reads an offset.
func (d *Decoder) Offset() events.Offset { return events.Offset(d.Int64()) }

func (d *Decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.Buf)
	if n <= 0 {
		d.Fail(errShort)
		return 0
	}
	d.Buf = d.Buf[n:]
	return v
}

// length reads the length of a string, bytes (wide) or array; −1 is null.
func (d *Decoder) length(wide bool) int {
	switch {
	case d.Flexible:
		v := d.uvarint()
		if v > uint64(len(d.Buf))+1 {
			d.Fail(errShort)
			return -1
		}
		return int(v) - 1
	case wide:
		return int(d.Int32())
	default:
		return int(d.Int16())
	}
}

// Str reads a string; null reads as empty.
func (d *Decoder) Str() string {
	n := d.length(false)
	if n <= 0 {
		return ""
	}
	return string(d.Take(n))
}

// Bytes reads bytes that alias the message; null reads as nil.
func (d *Decoder) Bytes() []byte {
	n := d.length(true)
	if n < 0 {
		return nil
	}
	return d.Take(n)
}

// Array reads a count of elements that take at least size bytes each, so that a lying count cannot allocate. Null reads as 0.
func (d *Decoder) Array(size int) int {
	n := d.length(true)
	if n <= 0 {
		return 0
	}
	if n > len(d.Buf)/size {
		d.Fail(fmt.Errorf("%d elements in %d bytes", n, len(d.Buf)))
		return 0
	}
	return n
}

// Int32s reads an array of numbers; null reads as nil.
func (d *Decoder) Int32s() []int32 { return numbers[int32](d) }

// Partitions reads an array of partitions; null reads as nil.
func (d *Decoder) Partitions() []events.Partition { return numbers[events.Partition](d) }

func numbers[T ~int32](d *Decoder) []T {
	n := d.Array(4)
	if n == 0 {
		return nil
	}
	v := make([]T, n)
	for i := range v {
		v[i] = T(d.Int32())
	}
	return v
}

// Tags skips tagged fields.
func (d *Decoder) Tags() {
	if !d.Flexible {
		return
	}
	for n := d.uvarint(); n > 0 && d.Err == nil; n-- {
		d.uvarint()
		size := d.uvarint()
		if size > uint64(len(d.Buf)) {
			d.Fail(errShort)
			return
		}
		d.Take(int(size))
	}
}
