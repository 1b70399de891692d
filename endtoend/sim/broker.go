package sim

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/go-json-experiment/json"

	"headcount/events"
	"headcount/events/stream"
)

// broker is the topic as brokers hold it.
type broker struct {
	w          *World
	partitions []*partition
	dead       []stream.Message // of the dead-letter topic
}

// partition is one partition's log. Readers see what lies below stable.
type partition struct {
	id      events.Partition
	batches []*batch // offsets ascending, from start on
	start   events.Offset
	end     events.Offset
	held    events.Offset // base of the open transaction; −1: none
	epoch   int32
	lost    []*batch // truncated away after they could be read
	old     []*batch // deleted by retention
	bitten  bool     // a bit of its state changed

	committed events.Offset // to the group; −1: nothing
}

// batch is a record batch.
type batch struct {
	base, next events.Offset
	records    []events.Record
	made       []*made // what the records were made to be; nil for those of the product
	says       *line   // what one of the product says
	crc        uint32
	epoch      int32
	aborted    bool // of a transaction: readers pass it
	size       int
	gone       int // the step at which it was truncated away or deleted
}

func (p *partition) stable() events.Offset {
	if p.held >= 0 {
		return p.held
	}
	return p.end
}

func (p *partition) offsets() stream.Offsets {
	return stream.Offsets{Start: p.start, End: p.end, Stable: p.stable()}
}

// append adds a batch.
func (p *partition) append(records []events.Record, what []*made) *batch {
	b := &batch{base: p.end, epoch: p.epoch, records: records, made: what}
	if what == nil {
		b.says = &line{}
		_ = json.Unmarshal(records[0].Value, b.says) // it is the product's to write what can be read
	}
	crc := crc32.NewIEEE()
	for i := range records {
		records[i].Offset = p.end + events.Offset(i)
		if what != nil { // what the product writes may hold the time of a real ledger
			crc.Write(records[i].Value)
			crc.Write(records[i].Headers)
		}
		b.size += 20 + len(records[i].Value) + len(records[i].Headers)
	}
	crc.Write(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(b.base)<<16|uint64(b.epoch)), uint64(records[0].Timestamp)))
	b.crc = crc.Sum32()
	p.end += events.Offset(len(records))
	b.next = p.end
	p.batches = append(p.batches, b)
	return b
}

// at returns the index of the first batch that ends after an offset.
func (p *partition) at(offset events.Offset) int {
	lo, hi := 0, len(p.batches)
	for lo < hi {
		m := (lo + hi) / 2
		if p.batches[m].next <= offset {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// check says what a log lacks of what was read from it.
func (b *broker) check(p *partition, at stream.Position) error {
	name := b.w.topic.Name
	switch {
	case at.Offset < p.start:
		return &stream.GapError{Topic: name, Partition: p.id, Want: at.Offset, Start: p.start, End: p.end}
	case at.Offset > p.end:
		return &stream.TruncatedError{Topic: name, Partition: p.id, Want: at.Offset, Start: p.start, End: p.end, From: p.end, Detail: fmt.Sprintf("the log ends at offset %d", p.end)}
	case at.BatchOffset < 0 || at.BatchOffset < p.start:
		return nil
	}
	if i := p.at(at.BatchOffset); i >= len(p.batches) || p.batches[i].base != at.BatchOffset || p.batches[i].crc != at.BatchCRC {
		return &stream.TruncatedError{Topic: name, Partition: p.id, Want: at.Offset, Start: p.start, End: p.end, From: at.BatchOffset, Detail: fmt.Sprintf("the batch read at offset %d is another", at.BatchOffset)}
	}
	return nil
}

// truncate cuts the log off at a batch's base, as an unclean fail-over does.
func (p *partition) truncate(base events.Offset, step int) {
	i := p.at(base)
	for _, b := range p.batches[i:] {
		b.gone = step
	}
	p.lost = append(p.lost, p.batches[i:]...)
	p.end, p.batches = p.batches[i].base, p.batches[:i:i]
	p.epoch++
}

// retain deletes what lies before a batch's base.
func (p *partition) retain(base events.Offset, step int) {
	i := p.at(base)
	for _, b := range p.batches[:i] {
		b.gone = step
	}
	p.old = append(p.old, p.batches[:i]...)
	p.start, p.batches = base, p.batches[i:]
}
