package recount

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What is taken of a batch, whatever its producer made of it. It decides what is counted.
const (
	mostUnpacked = 2 << 30   // bytes: a batch that unpacks to more is broken
	mostRecord   = 16 << 20  // bytes by the record's length: a longer one is refused
	mostWindow   = 128 << 20 // bytes that a codec may reach back: a batch that would need more is broken
)

// Refused is what stands in the log and is no record: one that is too long, or all of a batch that its producer broke.
type Refused struct {
	Partition   int32
	First, Last int64 // offsets
	OverLimit   bool
}

// batch is a record batch, as a partition's log has it.
type batch struct {
	kmsg.RecordBatch
	partition int32
}

const (
	batchHead     = 61 // bytes before its records
	appendTime    = 1 << 3
	transactional = 1 << 4
	controlling   = 1 << 5
)

// readBatch reads the first of the batches in b, and returns what follows it; io.ErrUnexpectedEOF: not all of it is there.
func readBatch(b []byte, partition int32) (*batch, []byte, error) {
	if len(b) < 17 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	if magic := b[16]; magic != 2 {
		return nil, nil, fmt.Errorf("message format %d, only 2 is read", magic)
	}
	length := batchLength(b)
	if length < batchHead {
		return nil, nil, fmt.Errorf("a batch of %d bytes", length)
	}
	if length > len(b) {
		return nil, nil, io.ErrUnexpectedEOF
	}
	x, whole := &batch{partition: partition}, b[:length]
	if err := x.ReadFrom(whole); err != nil {
		return nil, nil, err
	}
	x.Records = whole[batchHead:]
	if got := crc32.Checksum(whole[21:], crc32.MakeTable(crc32.Castagnoli)); got != uint32(x.CRC) {
		return nil, nil, fmt.Errorf("the batch at offset %d fails its checksum: have the broker's copy repaired from a replica", x.FirstOffset)
	}
	if x.FirstOffset < 0 || x.LastOffsetDelta < 0 || x.next() < 0 {
		return nil, nil, fmt.Errorf("offsets %d and %d more", x.FirstOffset, x.LastOffsetDelta)
	}
	return x, b[len(whole):], nil
}

// batchLength is the length of the batch that b begins with, in bytes.
func batchLength(b []byte) int { return 12 + int(int32(binary.BigEndian.Uint32(b[8:]))) }

func (x *batch) next() int64       { return x.FirstOffset + int64(x.LastOffsetDelta) + 1 }
func (x *batch) is(bit int16) bool { return x.Attributes&bit != 0 }

// errBroken says that a batch is not what its header and its codec say.
var errBroken = errors.New("broken by its producer")

// read gives the batch's records, in order, and what is refused of it, until one of the two wants no more. It reads the batch twice: nothing
// of one that is broken counts. It takes no more memory than a record and what the codec may reach back.
func (x *batch) read(u *unpacker, take Take, refuse Refuse) (more bool, err error) {
	walk := func(check bool) (bool, error) {
		in, err := u.open(int(x.Attributes&7), x.Records)
		if err != nil {
			return false, errBroken
		}
		return x.walk(bufio.NewReaderSize(in, 64<<10), check, take, refuse)
	}
	if _, err := walk(true); err != nil {
		return refuse(&Refused{Partition: x.partition, First: x.FirstOffset, Last: x.next() - 1})
	}
	return walk(false)
}

// walk goes through the batch's content; to check it gives nothing, and reads to the end.
func (x *batch) walk(in *bufio.Reader, check bool, take Take, refuse Refuse) (more bool, err error) {
	if x.NumRecords < 0 || x.NumRecords > x.LastOffsetDelta+1 && x.LastOffsetDelta+1 > 0 {
		return false, errBroken
	}
	last := int64(-1)
	for range x.NumRecords {
		p := &parts{in: in, left: mostUnpacked, check: check}
		size := p.varint()
		if p.broken || size < 0 || size > mostUnpacked {
			return false, errBroken
		}
		p.left, p.check = size, check || size > mostRecord
		rec, delta := x.record(p)
		if p.broken || p.left != 0 || delta <= last || delta > int64(x.LastOffsetDelta) {
			return false, errBroken
		}
		if last = delta; check {
			continue
		}
		if size > mostRecord {
			more, err = refuse(&Refused{x.partition, rec.Offset, rec.Offset, true})
		} else {
			more, err = take(rec)
		}
		if err != nil || !more {
			return more, err
		}
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return false, errBroken
	}
	return true, nil
}

// record reads a record behind its length.
func (x *batch) record(p *parts) (*kgo.Record, int64) {
	p.bytes(1) // attributes, of which none is defined
	ms, delta := p.varint(), p.varint()
	rec := &kgo.Record{Partition: x.partition, Offset: x.FirstOffset + delta, Timestamp: time.UnixMilli(x.FirstTimestamp + ms)}
	if x.is(appendTime) {
		rec.Timestamp = time.UnixMilli(x.MaxTimestamp)
	}
	rec.Key = p.blob()
	rec.Value = p.blob()
	headers := p.varint()
	if headers < 0 || headers > p.left/2 {
		p.broken = true
	}
	for ; headers > 0 && !p.broken; headers-- {
		n := p.varint()
		if n < 0 {
			p.broken = true
			break
		}
		h := kgo.RecordHeader{Key: string(p.bytes(n)), Value: p.blob()}
		if !p.check {
			rec.Headers = append(rec.Headers, h)
		}
	}
	return rec, delta
}

// parts reads the parts of a record.
type parts struct {
	in     *bufio.Reader
	left   int64 // bytes of the record
	check  bool  // they are wanted by nobody
	broken bool
}

// varint reads a number of at most ten bytes, signs folded in; what is over 64 bits is lost.
func (p *parts) varint() int64 {
	var v uint64
	for shift := 0; shift < 70 && p.left > 0 && !p.broken; shift += 7 {
		c, err := p.in.ReadByte()
		if err != nil {
			break
		}
		p.left--
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int64(v>>1) ^ -int64(v&1)
		}
	}
	p.broken = true
	return 0
}

// blob reads bytes behind their length; nil: there are none.
func (p *parts) blob() []byte {
	n := p.varint()
	if n < -1 {
		p.broken = true
	}
	if n < 0 {
		return nil
	}
	return p.bytes(n)
}

// bytes reads n bytes.
func (p *parts) bytes(n int64) []byte {
	if p.broken || n > p.left {
		p.broken = true
		return nil
	}
	p.left -= n
	if !p.check {
		b := make([]byte, n)
		_, err := io.ReadFull(p.in, b)
		p.broken = err != nil
		return b
	}
	got, err := io.CopyN(io.Discard, p.in, n)
	p.broken = err != nil || got < n
	return nil
}

// aborted tells the batches of transactions that were given up, in one answer of a broker.
type aborted struct {
	ahead []kmsg.FetchResponseTopicPartitionAbortedTransaction
	open  map[int64]bool
}

// skips says whether a batch holds nothing that counts. It is asked of all of them in turn.
func (a *aborted) skips(x *batch) bool {
	for i := 0; i < len(a.ahead); i++ {
		if t := a.ahead[i]; t.FirstOffset < x.next() {
			a.open[t.ProducerID] = true
			a.ahead = append(a.ahead[:i], a.ahead[i+1:]...)
			i--
		}
	}
	if x.is(controlling) {
		p := &parts{in: bufio.NewReader(bytes.NewReader(x.Records)), left: int64(len(x.Records))}
		p.varint()
		if rec, _ := x.record(p); !p.broken && len(rec.Key) >= 4 && rec.Key[2] == 0 && rec.Key[3] == 0 { // a version, then what it marks: 0 an abort
			delete(a.open, x.ProducerID)
		}
		return true
	}
	return x.is(transactional) && a.open[x.ProducerID]
}
