// Package batchtest makes record batches for tests: byte by byte, and apart from package batch, so that what reads them has another's
// word on what they look like; also such as no broker should send.
package batchtest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// Attributes of a batch.
const (
	LogAppendTime = 1 << 3
	Transactional = 1 << 4
	Control       = 1 << 5
)

// Batch is a record batch of fields that the caller sets, whether they make sense or not.
type Batch struct {
	Base       int64 // offset
	Epoch      int32 // of the leader
	Magic      int8  // 2
	Attributes int16
	LastDelta  int32
	First, Max int64 // times
	Producer   int64
	Count      int32
	Content    []byte // the records, compressed as Attributes say
	Length     int32  // 0: as it is
	CRCOff     uint32 // what the checksum is off by
}

// Bytes is the batch as it lies in a log.
func (b Batch) Bytes() []byte {
	p := make([]byte, 61)
	binary.BigEndian.PutUint64(p[0:], uint64(b.Base))
	length := b.Length
	if length == 0 {
		length = int32(49 + len(b.Content))
	}
	binary.BigEndian.PutUint32(p[8:], uint32(length))
	binary.BigEndian.PutUint32(p[12:], uint32(b.Epoch))
	p[16] = byte(b.Magic)
	binary.BigEndian.PutUint16(p[21:], uint16(b.Attributes))
	binary.BigEndian.PutUint32(p[23:], uint32(b.LastDelta))
	binary.BigEndian.PutUint64(p[27:], uint64(b.First))
	binary.BigEndian.PutUint64(p[35:], uint64(b.Max))
	binary.BigEndian.PutUint64(p[43:], uint64(b.Producer))
	binary.BigEndian.PutUint32(p[57:], uint32(b.Count))
	p = slices.Concat(p, b.Content)
	MendCRC(p)
	binary.BigEndian.PutUint32(p[17:], binary.BigEndian.Uint32(p[17:])+b.CRCOff)
	return p
}

// With is the batch with something changed.
func (b Batch) With(f func(*Batch)) Batch {
	b.Content = bytes.Clone(b.Content)
	f(&b)
	return b
}

// MendCRC makes the checksum right of the batch that b is.
func MendCRC(b []byte) {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
}

// Plain is a batch of one record for each value, of leader epoch 7, with times from 1000 on.
func Plain(base int64, values ...string) Batch {
	b := Batch{Base: base, Epoch: 7, Magic: 2, LastDelta: int32(len(values) - 1), First: 1000, Max: 2000, Producer: -1, Count: int32(len(values))}
	for i, v := range values {
		b.Content = append(b.Content, Record(int8(i), int8(i), "k", v)...)
	}
	return b
}

// Record is a record in its simplest form: one-byte varints, so all lengths below 64.
func Record(timeDelta, offsetDelta int8, key, value string) []byte {
	zig := func(n int) byte { return byte(n << 1) }
	body := []byte{0, byte(timeDelta<<1) ^ byte(timeDelta>>7), zig(int(offsetDelta)), zig(len(key))}
	body = append(body, key...)
	body = append(body, zig(len(value)))
	body = append(body, value...)
	body = append(body, 0)
	return append([]byte{zig(len(body))}, body...)
}

// Join puts batches one after the other, as a fetch has them.
func Join(batches ...Batch) []byte {
	var p []byte
	for _, b := range batches {
		p = append(p, b.Bytes()...)
	}
	return p
}
