package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headcount/events"
	"headcount/events/stream/backoff"
	"headcount/events/stream/batch"
)

// Position is where a reader stands in a partition.
type Position struct {
	Offset      events.Offset // next to read
	BatchOffset events.Offset // base offset of the last batch read; −1: none
	BatchCRC    uint32        // its CRC
	LeaderEpoch int32         // its leader epoch; −1: unknown
}

// Batch is what Next hands out: the records of one record batch or, where batches are small, of some that follow each other. Of a
// record batch that is too large to be held it has a piece, behind which More brings the next. Its records and their bytes are valid until
// Release, More, or the next call of Next.
type Batch struct {
	Records     []events.Record // may be empty: control batches, aborted transactions, what compaction emptied
	Refused     *Refused        // what stands behind them and is no record; nil: nothing
	Base        events.Offset   // offset of the last record batch within
	Next        events.Offset   // offset to read next, once there is no more
	CRC         uint32          // of the last record batch within
	LeaderEpoch int32           // of the last record batch within
	End         events.Offset   // last stable offset, as last heard
	Bytes       int             // on the wire
	BrokersTime bool            // the last record batch within has the broker's time (LogAppendTime), not its producer's

	p *PartitionReader
}

// Refused is what stands in the log and is no record: one that is too long, or all of a batch that its producer broke.
type Refused = batch.Refused

// More replaces records and what is refused by those that come next in the same record batch; false: there are none. Only then the position
// lies behind all that was handed out: nothing in between is a place to go on from.
func (b *Batch) More() (bool, error) {
	if b.p == nil || b.p.stream == nil {
		return false, nil
	}
	return b.p.more()
}

// Position is where the reader stands after the batch.
func (b *Batch) Position() Position {
	return Position{Offset: b.Next, BatchOffset: b.Base, BatchCRC: b.CRC, LeaderEpoch: b.LeaderEpoch}
}

// Release gives the memory back. A second call does nothing.
func (b *Batch) Release() {
	if b.p != nil {
		b.p.release()
	}
}

// gather is how many records make a batch worth handing on alone: smaller ones are joined up to that.
const gather = 512

// corruptTries is how often a batch that cannot be read is fetched again before that is final.
const corruptTries = 3

// PartitionReader reads one partition. Next and Close are for one goroutine.
type PartitionReader struct {
	r  *Reader
	id events.Partition

	// Guarded by r.mu.
	ahead    Position // after the last batch fetched
	position Position // after what Next last handed out, and before that as opened
	checked  int32    // epoch of the leader whose log ahead was compared with; −1: none yet
	turn     int      // rises where what was fetched and not handed out is not to count
	inFlight bool     // within a request, or being compared with the log
	waiting  *chunk
	stable   events.Offset
	pause    backoff.Pause
	resumeAt time.Time
	err      error // final
	closed   bool
	ready    chan struct{} // holds one: there is something in waiting or err

	// Of Next's caller.
	current *chunk
	rest    []byte        // of current
	next    events.Offset // offset to hand out next
	bad     int           // tries at the batch that cannot be read
	abort   batch.Abortions
	space   *workspace    // lent by the Reader while a batch is out; nil: none
	stream  *batch.Stream // of the batch of which a piece is out; nil: that is no piece
	batch   Batch
}

// chunk is what one fetch brought for a partition.
type chunk struct {
	data    []byte
	aborted []batch.Aborted
	turn    int // of its PartitionReader
}

// Next returns what comes next, waiting for it as long as the context lasts. An error other than the context's is final for this
// PartitionReader: GapError, TruncatedError, RecreatedError, CorruptError, or a broker's refusal.
func (p *PartitionReader) Next(ctx context.Context) (*Batch, error) {
	p.release()
	for {
		if p.current == nil {
			if err := p.await(ctx); err != nil {
				return nil, err
			}
		}
		found, err := p.read(ctx)
		if err != nil && ctx.Err() != nil {
			return nil, context.Cause(ctx) // whatever it is will be met again
		}
		if err != nil {
			if err := p.again(err); err != nil {
				return nil, err
			}
			continue
		}
		if found {
			return &p.batch, nil
		}
		p.finish()
	}
}

// await waits for the next chunk.
func (p *PartitionReader) await(ctx context.Context) error {
	for {
		p.r.mu.Lock()
		c, err := p.waiting, p.err
		if c != nil {
			p.waiting = nil
		}
		p.r.mu.Unlock()
		if c != nil {
			p.r.wake() // there is room for another
			p.current, p.rest = c, c.data
			p.abort.Start(c.aborted)
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-p.ready:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.r.ctx.Done():
			return context.Cause(p.r.ctx)
		}
	}
}

// read fills the batch from the current chunk; false: there is nothing left in it. It waits only for the turn to read a batch that is large.
func (p *PartitionReader) read(ctx context.Context) (bool, error) {
	if p.space == nil {
		p.space = p.r.lend()
	}
	p.batch = Batch{Records: p.space.records[:0], Base: -1, Next: p.next, p: p}
	b := &p.batch
	for len(p.rest) > 0 && len(b.Records) < gather {
		var h batch.Header
		if err := batch.ReadHeader(p.rest, &h); errors.Is(err, batch.ErrPartial) {
			p.rest = nil
			break
		} else if err != nil {
			return p.partly(err, h.Base)
		}
		whole := p.rest[:h.Size]
		if err := h.CheckCRC(whole); err != nil {
			return p.partly(err, h.Base)
		}
		content, packed := whole[batch.HeaderSize:], h.Codec()
		skip := p.abort.Skips(&h, content)
		if h.Next() <= p.next { // read before
			p.rest = p.rest[h.Size:]
			continue
		}
		if packed != batch.None && !skip && len(b.Records) > 0 {
			// What is unpacked replaces what was: hand on what there is first. The abortions stand where they stood, as this batch
			// was not one of theirs.
			break
		}
		if !skip {
			n := len(b.Records)
			unpacked, err := p.space.unpack.Content(&h, content)
			if err == nil {
				b.Records, err = batch.AppendRecords(b.Records, &h, unpacked, p.next)
			}
			if err != nil {
				if b.Records = b.Records[:n]; b.Base >= 0 {
					break // as above
				}
				if err := p.odd(ctx, &h, content, err); err != nil {
					return false, err
				}
			}
		}
		if h.Base > p.next { // compaction, or a broker that lost what it had
			p.r.log.warn("offsets are missing within the log: what stood there is not counted", fmt.Errorf("nothing at %d–%d", p.next, h.Base-1), "partition", p.id)
		}
		p.rest = p.rest[h.Size:]
		p.next = h.Next()
		b.Base, b.Next, b.CRC, b.LeaderEpoch, b.BrokersTime = h.Base, p.next, h.CRC, h.Epoch, h.BrokersTime()
		b.Bytes += h.Size
		if packed != batch.None && !skip || p.stream != nil || b.Refused != nil {
			break
		}
	}
	if b.Base < 0 {
		return false, nil
	}
	p.bad = 0
	return p.handOn(), nil
}

// handOn is where what was read counts as handed on; false: it no longer counts, and is to be fetched anew.
func (p *PartitionReader) handOn() bool {
	b := &p.batch
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	if p.current.turn != p.turn {
		p.next, p.rest = p.position.Offset, nil
		p.endStream()
		return false
	}
	p.position = b.Position()
	b.End = max(p.stable, b.Next)
	return true
}

// partly hands on what was read before a batch that cannot be; the error comes with the next call, or is gone by then.
func (p *PartitionReader) partly(err error, at events.Offset) (bool, error) {
	if p.batch.Base < 0 {
		return false, &CorruptError{Topic: p.r.log.config.Topic, Partition: p.id, Offset: at, Err: err}
	}
	return p.handOn(), nil
}

// again has the batch that cannot be read fetched once more: the way may have spoilt it, and a repaired replica may lead by then.
func (p *PartitionReader) again(err error) error {
	p.bad++
	if p.bad > corruptTries {
		p.r.fail(p, err)
		return err
	}
	p.r.log.warn("fetching a batch again", err, "partition", p.id)
	p.finish()
	p.r.seek(p)
	return nil
}

// finish gives the current chunk's memory back.
func (p *PartitionReader) finish() {
	if p.current != nil {
		p.r.recycle(p.current.data)
		p.current, p.rest = nil, nil
	}
}

func (p *PartitionReader) release() {
	p.endStream()
	if p.space != nil {
		p.space.records = p.batch.Records[:0] // it may have grown
		p.r.giveBack(p.space)
		p.space = nil
	}
	p.batch.p, p.batch.Records = nil, nil
	if p.current != nil && len(p.rest) == 0 {
		p.finish()
	}
}

// Close stops fetching for the partition.
func (p *PartitionReader) Close() {
	p.release()
	p.finish()
	p.r.drop(p)
}
