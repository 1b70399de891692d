package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"headcount/events/stream/batch"
	"headcount/events/stream/wire"
)

// lesserBatches is how many smaller batches a topic takes before larger ones are tried again.
const lesserBatches = 64

// lane is the way into one partition: one batch at a time, so that order holds. While a batch is on its way, what calls bring gathers
// and goes with the next: the more of them, the larger the batches. A second batch in flight would win little over that, and would be
// out of order wherever the first is refused.
type lane struct {
	log *Log
	id  topicPartition

	mu      sync.Mutex
	queue   []*parcel // in the order in which they came; the first may be written in part
	bytes   int       // that the queue holds, before compression
	running bool      // drain does
	full    chan struct{}
	flight  *flight // the batch on its way; nil: none

	// drain's alone.
	state   batch.Producer
	encoder batch.Encoder
	most    int // messages of a batch, where the topic took less than is usual; 0: no bound
	took    int // batches in a row since that it took
}

// flight is a batch on its way.
type flight struct {
	parcels []*parcel // of which it has messages
	waiting int       // of those, not given up; at none it is given up
	cancel  context.CancelCauseFunc
}

// parcel is what a call has for one partition.
type parcel struct {
	call     *call
	lane     *lane
	messages []*Message
	done     bool  // the call knows; guarded by lane.mu
	over     error // why nobody waits for it any longer; nil: somebody does; guarded by lane.mu
}

// call is one Produce.
type call struct {
	parcels []*parcel
	done    chan struct{} // closed when all parcels are done

	mu   sync.Mutex
	left int
	errs []error
}

func newCall(parcels int) *call {
	return &call{parcels: make([]*parcel, 0, parcels), done: make(chan struct{}), left: parcels}
}

func newLane(l *Log, id topicPartition) *lane {
	return &lane{log: l, id: id, full: make(chan struct{}, 1), state: batch.Producer{ID: -2}}
}

// wait returns when all that the call brought is written, or is given up.
func (c *call) wait(ctx context.Context) error {
	select {
	case <-c.done:
	case <-ctx.Done():
		for _, p := range c.parcels {
			p.giveUp(context.Cause(ctx))
		}
		<-c.done
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.errs...)
}

func (c *call) finish(err error) {
	c.mu.Lock()
	if err != nil {
		c.errs = append(c.errs, err)
	}
	c.left--
	last := c.left == 0
	c.mu.Unlock()
	if last {
		close(c.done)
	}
}

// finish tells the call, once. Under lane.mu.
func (p *parcel) finish(err error) {
	if !p.done {
		p.done = true
		p.call.finish(err)
	}
}

// giveUp has nobody wait for the parcel any longer: what of it is not on its way stays unwritten, and what is goes on for as long as others wait for
// the same batch.
func (p *parcel) giveUp(cause error) {
	w := p.lane
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.done {
		return
	}
	if f := w.flight; f != nil && slices.Contains(f.parcels, p) {
		if f.waiting--; f.waiting == 0 {
			p.over = cause
			f.cancel(cause) // the lane tells when it has stopped
			return
		}
	}
	p.finish(cause)
	w.wake()
}

// add hands the lane messages, which it begins to write.
func (w *lane) add(c *call, ms []*Message) {
	p := &parcel{call: c, lane: w, messages: ms}
	c.parcels = append(c.parcels, p)
	n := 0
	for _, m := range ms {
		n += m.Size()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, p)
	w.bytes += n
	if !w.running {
		w.running = true
		go w.drain() // ends when the queue is empty, for which its calls wait
	} else if w.bytes >= batchBytes {
		w.wake()
	}
}

// wake ends the lane's linger.
func (w *lane) wake() {
	select {
	case w.full <- struct{}{}:
	default:
	}
}

// drain writes what the queue holds, until it is empty.
func (w *lane) drain() {
	alone := 0 // so many of the next batches have one call's messages alone
	for {
		if alone == 0 {
			w.linger()
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		ms := w.board(cancel, alone > 0)
		if ms == nil {
			cancel(nil)
			return
		}
		err := w.write(ctx, ms)
		if cause := context.Cause(ctx); errors.Is(err, context.Canceled) && cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w: %v", cause, err) // as its calls have it: a time that is over is not a word to stop
		}
		cancel(nil)
		alone = max(alone-1, w.land(err, len(ms)))
	}
}

// linger waits for more to come, where the log is told to, up to a batch.
func (w *lane) linger() {
	d := w.log.config.Linger
	if d == 0 {
		return
	}
	w.mu.Lock()
	w.clear()
	enough := w.bytes >= batchBytes || len(w.queue) == 0
	select {
	case <-w.full: // meant for a linger before
	default:
	}
	w.mu.Unlock()
	if enough {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.full:
	}
}

// clear takes out of the queue what was given up.
func (w *lane) clear() {
	w.queue = slices.DeleteFunc(w.queue, func(p *parcel) bool {
		if p.done {
			w.bytes -= sizeOf(p.messages)
		}
		return p.done
	})
}

// board takes the next batch's messages from the queue; none: the queue is empty, and the lane rests.
func (w *lane) board(cancel context.CancelCauseFunc, alone bool) []*Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clear()
	if len(w.queue) == 0 {
		w.running, w.queue, w.encoder = false, nil, batch.Encoder{} // which may hold two batches
		return nil
	}
	f := &flight{cancel: cancel}
	var ms []*Message
	bytes := 0
	for _, p := range w.queue {
		took := 0
		for _, m := range p.messages {
			n := m.Size()
			if len(ms) > 0 && (bytes+n > batchBytes || len(ms) == w.most) {
				break
			}
			ms, bytes, took = append(ms, m), bytes+n, took+1
		}
		if took > 0 {
			f.parcels = append(f.parcels, p)
			f.waiting++
		}
		if took < len(p.messages) || alone {
			break
		}
	}
	w.flight = f
	return ms
}

// land tells the calls what became of a batch of n messages, and takes those that are written from the queue. It returns how many went together that have to
// go by themselves: a refusal is for one call's messages, of which the others' know nothing.
func (w *lane) land(err error, n int) (alone int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.flight
	w.flight = nil
	defer func() {
		for _, p := range f.parcels {
			if p.over != nil { // at the same moment as the answer came
				p.finish(p.over)
			}
		}
	}()
	switch {
	case err == nil:
		if w.took++; w.took == lesserBatches {
			w.most, w.took = 2*w.most, 0
		}
		for _, p := range f.parcels {
			took := min(n, len(p.messages))
			w.bytes -= sizeOf(p.messages[:took])
			p.messages = p.messages[took:]
			if n -= took; len(p.messages) == 0 {
				p.finish(nil)
				w.queue[0] = nil      // with its messages
				w.queue = w.queue[1:] // parcels of a batch are the queue's first
			}
		}
		return 0
	case wire.CodeOf(err) == wire.CodeTooLarge && n > 1:
		w.most, w.took = n/2, 0 // the topic takes less than is usual, or one of them is too large for any
		return 0
	case len(f.parcels) > 1 && f.waiting > 0:
		return len(f.parcels)
	}
	if n == 1 {
		w.most = 0
	}
	for _, p := range f.parcels {
		p.finish(err)
	}
	return 0
}

func sizeOf(ms []*Message) (n int) {
	for _, m := range ms {
		n += m.Size()
	}
	return n
}
