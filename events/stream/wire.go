package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// encoder appends Kafka's primitive types. Flexible versions of a message have compact strings and arrays, and tagged fields.
type encoder struct {
	b        []byte
	flexible bool
}

func (e *encoder) int8(v int8)   { e.b = append(e.b, byte(v)) }
func (e *encoder) int16(v int16) { e.b = binary.BigEndian.AppendUint16(e.b, uint16(v)) }
func (e *encoder) int32(v int32) { e.b = binary.BigEndian.AppendUint32(e.b, uint32(v)) }
func (e *encoder) int64(v int64) { e.b = binary.BigEndian.AppendUint64(e.b, uint64(v)) }

func (e *encoder) bool(v bool) {
	if v {
		e.int8(1)
	} else {
		e.int8(0)
	}
}

func (e *encoder) string(s string) {
	if e.flexible {
		e.b = binary.AppendUvarint(e.b, uint64(len(s))+1)
	} else {
		e.int16(int16(len(s)))
	}
	e.b = append(e.b, s...)
}

// nullable writes a string, the empty one as null.
func (e *encoder) nullable(s string) {
	switch {
	case s != "":
		e.string(s)
	case e.flexible:
		e.b = append(e.b, 0)
	default:
		e.int16(-1)
	}
}

func (e *encoder) bytes(p []byte) {
	if e.flexible {
		e.b = binary.AppendUvarint(e.b, uint64(len(p))+1)
	} else {
		e.int32(int32(len(p)))
	}
	e.b = append(e.b, p...)
}

func (e *encoder) array(n int) {
	if e.flexible {
		e.b = binary.AppendUvarint(e.b, uint64(n)+1)
	} else {
		e.int32(int32(n))
	}
}

// tags ends a structure: no tagged fields.
func (e *encoder) tags() {
	if e.flexible {
		e.b = append(e.b, 0)
	}
}

var errShort = errors.New("message ends early")

// errLeftOut says that an answer lacks what was asked for.
var errLeftOut = errors.New("what was asked for is left out")

// decoder reads Kafka's primitive types from bytes in memory. After the first error all reads return zero.
type decoder struct {
	b        []byte
	flexible bool
	err      error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err, d.b = err, nil
	}
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.fail(errShort)
		return nil
	}
	p := d.b[:n:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) int8() int8 {
	if p := d.take(1); p != nil {
		return int8(p[0])
	}
	return 0
}

func (d *decoder) bool() bool { return d.int8() != 0 }

func (d *decoder) int16() int16 {
	if p := d.take(2); p != nil {
		return int16(binary.BigEndian.Uint16(p))
	}
	return 0
}

func (d *decoder) int32() int32 {
	if p := d.take(4); p != nil {
		return int32(binary.BigEndian.Uint32(p))
	}
	return 0
}

func (d *decoder) int64() int64 {
	if p := d.take(8); p != nil {
		return int64(binary.BigEndian.Uint64(p))
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail(errShort)
		return 0
	}
	d.b = d.b[n:]
	return v
}

// length reads the length of a string, bytes (wide) or array; −1 is null.
func (d *decoder) length(wide bool) int {
	switch {
	case d.flexible:
		v := d.uvarint()
		if v > uint64(len(d.b))+1 {
			d.fail(errShort)
			return -1
		}
		return int(v) - 1
	case wide:
		return int(d.int32())
	default:
		return int(d.int16())
	}
}

// string reads a string; null reads as empty.
func (d *decoder) string() string {
	n := d.length(false)
	if n <= 0 {
		return ""
	}
	return string(d.take(n))
}

// bytes reads bytes that alias the message; null reads as nil.
func (d *decoder) bytes() []byte {
	n := d.length(true)
	if n < 0 {
		return nil
	}
	return d.take(n)
}

// array reads a count of elements that take at least size bytes each, so that a lying count cannot allocate. Null reads as 0.
func (d *decoder) array(size int) int {
	n := d.length(true)
	if n <= 0 {
		return 0
	}
	if n > len(d.b)/size {
		d.fail(fmt.Errorf("%d elements in %d bytes", n, len(d.b)))
		return 0
	}
	return n
}

func (d *decoder) int32s() []int32 {
	n := d.array(4)
	if n == 0 {
		return nil
	}
	v := make([]int32, n)
	for i := range v {
		v[i] = d.int32()
	}
	return v
}

// tags skips tagged fields.
func (d *decoder) tags() {
	if !d.flexible {
		return
	}
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		d.uvarint()
		size := d.uvarint()
		if size > uint64(len(d.b)) {
			d.fail(errShort)
			return
		}
		d.take(int(size))
	}
}
