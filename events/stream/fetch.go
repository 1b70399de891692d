package stream

import (
	"io"

	"headcount/events"
	"headcount/events/stream/batch"
	"headcount/events/stream/wire"
)

// Fetch 13 names the topic by its id, so that one made again under the name is an error; 11 serves brokers without that.
var fetchVersions = []int16{13, 12, 11}

// slice is what a fetch asks of one partition.
type slice struct {
	partition   events.Partition
	leaderEpoch int32 // as metadata has it; −1: unknown
	offset      events.Offset
	lastEpoch   int32 // of the last batch read; −1: do not compare
	maxBytes    int32
}

// piece is a fetch's answer for one partition.
type piece struct {
	partition events.Partition
	code      wire.Code
	end       events.Offset // high watermark
	stable    events.Offset
	start     events.Offset
	aborted   []batch.Aborted
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
	e := wire.Encoder{Flexible: version >= 12}
	e.Int32(-1) // no replica
	e.Int32(f.maxWaitMS)
	e.Int32(1) // least bytes
	e.Int32(f.maxBytes)
	e.Int8(f.isolation)
	e.Int32(0)  // no session
	e.Int32(-1) // nor the start of one
	e.Array(1)
	if version >= 13 {
		e.Buf = append(e.Buf, f.id[:]...)
	} else {
		e.Str(f.topic)
	}
	e.Array(len(f.slices))
	for _, s := range f.slices {
		e.Partition(s.partition)
		e.Int32(s.leaderEpoch)
		e.Offset(s.offset)
		if version >= 12 {
			e.Int32(s.lastEpoch)
		}
		e.Int64(-1) // log start, for replicas
		e.Int32(s.maxBytes)
		e.Tags()
	}
	e.Tags()
	e.Array(0) // forgotten topics
	e.Str("")  // rack
	e.Tags()
	return e.Buf
}

// decodeFetch reads an answer from a connection. buffer gives the memory for a partition's data: n bytes. got is called with each
// piece as it is complete.
func decodeFetch(r io.Reader, size int, version int16, f *fetchRequest, buffer func(n int) []byte, got func(piece)) error {
	d := wire.StreamDecoder{R: &io.LimitedReader{R: r, N: int64(size)}, Flexible: version >= 12}
	f.throttle = d.Int32()
	if c := wire.Code(d.Int16()); c != wire.CodeNone && d.Err == nil {
		d.Err = wire.Refusal(c, "fetch from", "topic "+f.topic, "")
	}
	d.Int32() // session
	for n := d.Array(2); n > 0 && d.Err == nil; n-- {
		var ours bool
		if version >= 13 {
			var id topicID
			d.Full(id[:])
			ours = id == f.id
		} else {
			ours = d.Str() == f.topic
		}
		for m := d.Array(30); m > 0 && d.Err == nil; m-- {
			p := decodePiece(&d, buffer)
			if d.Err == nil && ours {
				got(p)
			}
		}
		d.Tags()
	}
	d.Tags()
	return d.Err
}

func decodePiece(d *wire.StreamDecoder, buffer func(n int) []byte) piece {
	p := piece{partition: d.Partition(), code: wire.Code(d.Int16()), end: d.Offset(), stable: d.Offset(), start: d.Offset()}
	for n := d.Array(16); n > 0 && d.Err == nil; n-- {
		p.aborted = append(p.aborted, batch.Aborted{Producer: d.Int64(), First: d.Offset()})
		d.Tags()
	}
	d.Int32() // replica to read from
	if n := d.Length(); n > 0 {
		p.data = buffer(n)
		d.Full(p.data)
	}
	if d.Flexible {
		for n := d.Uvarint(); n > 0 && d.Err == nil; n-- {
			tag, size := d.Uvarint(), d.Uvarint()
			if tag == 0 { // diverging epoch
				p.diverged = true
			}
			d.Skip(size)
		}
	}
	return p
}
