package stream

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events/stream/batch"
	"headcount/events/stream/wire"
)

// producer is the id under which brokers know batches that they have already.
type producer struct {
	mu      sync.Mutex
	known   bool
	id      int64
	epoch   int16
	rotates atomic.Uint32 // partition for messages without a key
}

// joinProducers gives the writer the producer id in force, asking for one where there is none.
func (l *Log) joinProducers(ctx context.Context, w *lane) error {
	p := &l.producer
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.known {
		version, err := l.version(ctx, anyBroker, protocol.InitProducerId, 1, 0)
		if err != nil {
			return err
		}
		var e wire.Encoder
		e.Nullable("") // no transactions
		e.Int32(0)     // nor how long one may take
		d, err := l.call(ctx, anyBroker, protocol.InitProducerId, version, e.Buf)
		if err != nil {
			return err
		}
		c, id, epoch, err := decodeProducerID(d)
		switch {
		case err != nil:
			return err
		case c == wire.CodeNone:
			p.id, p.epoch = id, epoch
		case c.Class() == wire.Fatal:
			// Without leave to be idempotent, a retry can write twice: no harm to a set of facts.
			l.config.Logger.Warn("producing without a producer id: a retry may write a message twice", "error", c)
			p.id, p.epoch = -1, -1
		default:
			return wire.Refusal(c, "ask for a producer id for", "topic "+l.config.Topic, "")
		}
		p.known = true
	}
	if w.state.ID != p.id {
		w.state = batch.Producer{ID: p.id, Epoch: p.epoch}
		if p.id < 0 {
			w.state.Sequence = -1
		}
	}
	return nil
}

func decodeProducerID(d *wire.Decoder) (c wire.Code, id int64, epoch int16, err error) {
	d.Int32() // throttle
	c, id, epoch = wire.Code(d.Int16()), d.Int64(), d.Int16()
	if d.Err != nil {
		return 0, 0, 0, fmt.Errorf("ask for a producer id: answer: %w", d.Err)
	}
	if c == wire.CodeNone && (id < 0 || epoch < 0) {
		return 0, 0, 0, fmt.Errorf("ask for a producer id: answer: id %d, epoch %d", id, epoch)
	}
	return c, id, epoch, nil
}

// leaveProducers has the writer, and those that share its id, take a new one.
func (l *Log) leaveProducers(w *lane) {
	p := &l.producer
	p.mu.Lock()
	if p.known && p.id == w.state.ID && p.id >= 0 {
		p.known = false
	}
	p.mu.Unlock()
}
