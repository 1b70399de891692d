package stream

import (
	"context"
	"errors"
	"io"

	"headcount/events"
	"headcount/events/stream/batch"
)

// odd takes a batch whose checksum is right and whose records cannot be had at once, why: it is large, and comes piece by piece, or is
// broken. Its producer made it so, and no replica has another: it stops nobody.
func (p *PartitionReader) odd(ctx context.Context, h *batch.Header, packed []byte, why error) error {
	if errors.Is(why, batch.ErrTooLarge) {
		stream, err := batch.OpenStream(ctx, h, packed, p.next)
		if err != nil {
			return err
		}
		if why = stream.Check(); why == nil {
			p.stream = stream
			_, err := p.more()
			return err
		}
		stream.Close()
	}
	p.r.log.warn("a batch was broken by its producer: none of its records can be read", why, "partition", p.id, "offset", h.Base)
	p.batch.Refused = &Refused{First: max(h.Base, p.next), Last: h.Next() - 1, Reason: events.BrokenBatch, Timestamp: h.MaxTime}
	return nil
}

// more takes the next piece of a batch that comes piece by piece; false: there is none.
func (p *PartitionReader) more() (found bool, err error) {
	b := &p.batch
	for found = false; err == nil && !found; found = len(b.Records) > 0 || b.Refused != nil {
		b.Records, b.Refused, err = p.stream.Next(b.Records[:0])
	}
	if err == nil {
		return true, nil
	}
	p.endStream()
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return false, &CorruptError{Topic: p.r.log.config.Topic, Partition: p.id, Offset: b.Base, Err: err} // read before, it was whole
}

func (p *PartitionReader) endStream() {
	if p.stream != nil {
		p.stream.Close()
		p.stream = nil
	}
}
