package stream

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Fetch 13 names the topic by its id, so that one made again under the name is an error; 11 serves brokers without that.
var fetchVersions = []int16{13, 12, 11}

// slice is what a fetch asks of one partition.
type slice struct {
	partition   int32
	leaderEpoch int32 // as metadata has it; −1: unknown
	offset      int64
	lastEpoch   int32 // of the last batch read; −1: do not compare
	maxBytes    int32
}

// piece is a fetch's answer for one partition.
type piece struct {
	partition int32
	code      code
	end       int64 // high watermark
	stable    int64
	start     int64
	aborted   []aborted
	diverged  bool   // the leader's log has something else where the last batch was read
	data      []byte // whole batches, then perhaps the beginning of one
}

type fetchRequest struct {
	topic     string
	id        topicID
	isolation int8
	maxWaitMS int32
	maxBytes  int32
	slices    []slice

	throttle int32 // ms, of the answer
}

func (f *fetchRequest) encode(version int16) []byte {
	e := encoder{flexible: version >= 12}
	e.int32(-1) // no replica
	e.int32(f.maxWaitMS)
	e.int32(1) // least bytes
	e.int32(f.maxBytes)
	e.int8(f.isolation)
	e.int32(0)  // no session
	e.int32(-1) // nor the start of one
	e.array(1)
	if version >= 13 {
		e.b = append(e.b, f.id[:]...)
	} else {
		e.string(f.topic)
	}
	e.array(len(f.slices))
	for _, s := range f.slices {
		e.int32(s.partition)
		e.int32(s.leaderEpoch)
		e.int64(s.offset)
		if version >= 12 {
			e.int32(s.lastEpoch)
		}
		e.int64(-1) // log start, for replicas
		e.int32(s.maxBytes)
		e.tags()
	}
	e.tags()
	e.array(0)   // forgotten topics
	e.string("") // rack
	e.tags()
	return e.b
}

// decodeFetch reads an answer from a connection. buffer gives the memory for a partition's data: n bytes. got is called with each
// piece as it is complete.
func decodeFetch(r io.Reader, size int, version int16, f *fetchRequest, buffer func(n int) []byte, got func(piece)) error {
	d := streamDecoder{r: &io.LimitedReader{R: r, N: int64(size)}, flexible: version >= 12}
	f.throttle = d.int32()
	if c := code(d.int16()); c != codeNone && d.err == nil {
		d.err = refusal(c, "fetch from", "topic "+f.topic, "")
	}
	d.int32() // session
	for n := d.array(2); n > 0 && d.err == nil; n-- {
		var ours bool
		if version >= 13 {
			var id topicID
			d.full(id[:])
			ours = id == f.id
		} else {
			ours = d.string() == f.topic
		}
		for m := d.array(30); m > 0 && d.err == nil; m-- {
			p := decodePiece(&d, buffer)
			if d.err == nil && ours {
				got(p)
			}
		}
		d.tags()
	}
	d.tags()
	return d.err
}

func decodePiece(d *streamDecoder, buffer func(n int) []byte) piece {
	p := piece{partition: d.int32(), code: code(d.int16()), end: d.int64(), stable: d.int64(), start: d.int64()}
	for n := d.array(16); n > 0 && d.err == nil; n-- {
		p.aborted = append(p.aborted, aborted{d.int64(), d.int64()})
		d.tags()
	}
	d.int32() // replica to read from
	if n := d.length(); n > 0 {
		p.data = buffer(n)
		d.full(p.data)
	}
	if d.flexible {
		for n := d.uvarint(); n > 0 && d.err == nil; n-- {
			tag, size := d.uvarint(), d.uvarint()
			if tag == 0 { // diverging epoch
				p.diverged = true
			}
			d.skip(size)
		}
	}
	return p
}

// streamDecoder reads Kafka's primitive types from a connection, within the answer's size. After the first error all reads return
// zero.
type streamDecoder struct {
	r        *io.LimitedReader
	flexible bool
	buf      [8]byte
	err      error
}

func (d *streamDecoder) full(p []byte) {
	if d.err != nil {
		return
	}
	if _, err := io.ReadFull(d.r, p); err != nil {
		d.err = noEOF(err)
		clear(p)
	}
}

func (d *streamDecoder) fixed(n int) []byte {
	clear(d.buf[:])
	d.full(d.buf[:n])
	return d.buf[:n]
}

func (d *streamDecoder) int16() int16 { return int16(binary.BigEndian.Uint16(d.fixed(2))) }
func (d *streamDecoder) int32() int32 { return int32(binary.BigEndian.Uint32(d.fixed(4))) }
func (d *streamDecoder) int64() int64 { return int64(binary.BigEndian.Uint64(d.fixed(8))) }

func (d *streamDecoder) uvarint() uint64 {
	var v uint64
	for shift := uint(0); shift < 64 && d.err == nil; shift += 7 {
		c := d.fixed(1)[0]
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	if d.err == nil {
		d.err = errShort
	}
	return 0
}

// length reads the length of bytes, checked against what is left; −1 is null.
func (d *streamDecoder) length() int {
	var n int64
	if d.flexible {
		n = int64(d.uvarint()) - 1
	} else {
		n = int64(d.int32())
	}
	if d.err == nil && (n < -1 || n > d.r.N) {
		d.err = fmt.Errorf("%d bytes announced, %d left in the answer", n, d.r.N)
	}
	if d.err != nil {
		return -1
	}
	return int(n)
}

// array reads a count of elements that take at least size bytes each; null reads as 0.
func (d *streamDecoder) array(size int) int {
	var n int64
	if d.flexible {
		n = int64(d.uvarint()) - 1
	} else {
		n = int64(d.int32())
	}
	if d.err == nil && (n < -1 || n > d.r.N/int64(size)) {
		d.err = fmt.Errorf("%d elements announced, %d bytes left in the answer", n, d.r.N)
	}
	if d.err != nil || n < 0 {
		return 0
	}
	return int(n)
}

func (d *streamDecoder) string() string {
	var n int64
	if d.flexible {
		n = int64(d.uvarint()) - 1
	} else {
		n = int64(d.int16())
	}
	if n > d.r.N && d.err == nil {
		d.err = errShort
	}
	if n <= 0 || d.err != nil {
		return ""
	}
	p := make([]byte, n)
	d.full(p)
	return string(p)
}

func (d *streamDecoder) skip(n uint64) {
	if n > uint64(d.r.N) && d.err == nil {
		d.err = errShort
	}
	if d.err == nil {
		if _, err := io.CopyN(io.Discard, d.r, int64(n)); err != nil {
			d.err = noEOF(err)
		}
	}
}

func (d *streamDecoder) tags() {
	if !d.flexible {
		return
	}
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		d.uvarint()
		d.skip(d.uvarint())
	}
}
