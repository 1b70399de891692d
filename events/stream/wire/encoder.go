package wire

import (
	"encoding/binary"

	"headcount/events"
)

// Encoder appends Kafka's primitive types, numbers big-endian. The zero value begins an empty message.
type Encoder struct {
	Buf      []byte // what was appended
	Flexible bool   // the message's version has compact strings and arrays, and tagged fields
}

// Int8, and those below, append a number of so many bits.
func (e *Encoder) Int8(v int8)   { e.Buf = append(e.Buf, byte(v)) }
func (e *Encoder) Int16(v int16) { e.Buf = binary.BigEndian.AppendUint16(e.Buf, uint16(v)) }
func (e *Encoder) Int32(v int32) { e.Buf = binary.BigEndian.AppendUint32(e.Buf, uint32(v)) }
func (e *Encoder) Int64(v int64) { e.Buf = binary.BigEndian.AppendUint64(e.Buf, uint64(v)) }

// Partition appends a partition's number, Offset an offset.
func (e *Encoder) Partition(p events.Partition) { e.Int32(int32(p)) }
func (e *Encoder) Offset(o events.Offset)       { e.Int64(int64(o)) }

// Bool appends one byte, 0 or 1.
func (e *Encoder) Bool(v bool) {
	if v {
		e.Int8(1)
	} else {
		e.Int8(0)
	}
}

// Str appends a string that is not null.
func (e *Encoder) Str(s string) {
	if e.Flexible {
		e.Buf = binary.AppendUvarint(e.Buf, uint64(len(s))+1)
	} else {
		e.Int16(int16(len(s)))
	}
	e.Buf = append(e.Buf, s...)
}

// Nullable appends a string, the empty one as null.
func (e *Encoder) Nullable(s string) {
	switch {
	case s != "":
		e.Str(s)
	case e.Flexible:
		e.Buf = append(e.Buf, 0)
	default:
		e.Int16(-1)
	}
}

// Bytes appends bytes that are not null.
func (e *Encoder) Bytes(p []byte) {
	if e.Flexible {
		e.Buf = binary.AppendUvarint(e.Buf, uint64(len(p))+1)
	} else {
		e.Int32(int32(len(p)))
	}
	e.Buf = append(e.Buf, p...)
}

// Array appends the count with which an array of n elements begins.
func (e *Encoder) Array(n int) {
	if e.Flexible {
		e.Buf = binary.AppendUvarint(e.Buf, uint64(n)+1)
	} else {
		e.Int32(int32(n))
	}
}

// Tags ends a structure: no tagged fields.
func (e *Encoder) Tags() {
	if e.Flexible {
		e.Buf = append(e.Buf, 0)
	}
}
