package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// Reader fetches for the partitions that are open, one request at a time to each broker, for all that the broker leads. While a
// partition's reader works on what came, the next is fetched; a reader that stands still holds up no other. Safe for concurrent
// use.
type Reader struct {
	log    *Log
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	asks   chan struct{} // holds one: the layout is wanted anew

	mu        sync.Mutex
	parts     map[int32]*PartitionReader
	loops     map[int32]chan struct{} // by broker: wakes it; holds one
	topic     *Topic                  // layout; nil: none yet
	err       error                   // final for all partitions: the topic is gone or another
	free      map[int][][]byte        // buffers by size class
	freeBytes int
}

// NewReader starts a reader. It ends with the context, or by Close.
func (l *Log) NewReader(ctx context.Context) *Reader {
	ctx, cancel := context.WithCancel(ctx)
	r := &Reader{
		log: l, ctx: ctx, cancel: cancel,
		asks:  make(chan struct{}, 1),
		parts: map[int32]*PartitionReader{},
		loops: map[int32]chan struct{}{},
		free:  map[int][][]byte{},
	}
	r.wg.Go(r.keepLayout)
	return r
}

// Close ends the fetching and waits for its goroutines.
func (r *Reader) Close() {
	r.cancel()
	r.wg.Wait()
}

// Open begins to fetch the partition at the position. One PartitionReader at a time for a partition; the one before must be closed.
func (r *Reader) Open(partition int32, at Position) *PartitionReader {
	p := &PartitionReader{
		r: r, id: partition, next: at.Offset, fetchAt: at.Offset, lastEpoch: at.LeaderEpoch, position: at,
		ready: make(chan struct{}, 1), unpack: unpacker{limit: r.log.config.MaxBatchBytes},
	}
	if at.BatchOffset < 0 || at.LeaderEpoch < 0 {
		p.lastEpoch = -1
	}
	r.mu.Lock()
	r.parts[partition] = p
	if r.err != nil {
		r.failLocked(p, r.err)
	}
	r.mu.Unlock()
	r.ask() // its leader may have no loop yet
	r.wake()
	return p
}

func (r *Reader) drop(p *PartitionReader) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.closed = true
	if r.parts[p.id] == p {
		delete(r.parts, p.id)
	}
	if p.waiting != nil {
		r.recycleLocked(p.waiting.data)
		p.waiting = nil
	}
}

// fail gives the partition its final error.
func (r *Reader) fail(p *PartitionReader, err error) {
	r.mu.Lock()
	r.failLocked(p, err)
	r.mu.Unlock()
}

func (r *Reader) failLocked(p *PartitionReader, err error) {
	if p.err == nil {
		p.err = err
	}
	p.signal()
}

func (p *PartitionReader) signal() {
	select {
	case p.ready <- struct{}{}:
	default:
	}
}

// seek fetches from an offset anew, after a pause; what is on its way does not count.
func (r *Reader) seek(p *PartitionReader, to int64) {
	r.mu.Lock()
	if p.waiting != nil {
		r.recycleLocked(p.waiting.data)
		p.waiting = nil
	}
	p.turn++
	p.fetchAt, p.lastEpoch = to, -1
	p.resumeAt = time.Now().Add(p.pause.next())
	r.mu.Unlock()
	r.wake()
}

func (r *Reader) ask() {
	select {
	case r.asks <- struct{}{}:
	default:
	}
}

func (r *Reader) wake() {
	r.mu.Lock()
	for _, c := range r.loops {
		select {
		case c <- struct{}{}:
		default:
		}
	}
	r.mu.Unlock()
}

// goneFor is how long the topic may be unknown before that is final: brokers that just started know no topics.
const goneFor = 15 * time.Second

// keepLayout follows who leads what, when asked and from time to time.
func (r *Reader) keepLayout() {
	var pause backoff
	var gone time.Time
	for {
		t, err := r.log.metadata(r.ctx, r.log.config.Topic)
		switch {
		case err == nil:
			gone = time.Time{}
			r.adopt(t)
		case r.ctx.Err() != nil:
			return
		case errors.Is(err, ErrNoTopic) && gone.IsZero():
			gone = time.Now()
		case errors.Is(err, ErrNoTopic) && time.Since(gone) < goneFor:
		case !Retriable(err):
			r.mu.Lock()
			for _, p := range r.parts {
				r.failLocked(p, err)
			}
			if isLost(err) {
				r.err = err
			}
			r.mu.Unlock()
			if isLost(err) {
				return
			}
		}
		if err != nil {
			r.log.warn("asking for the topic's layout again", err)
			if !pause.wait(r.ctx) {
				return
			}
			continue
		}
		// Asked again at once, the answer is likely the same: leaders take a moment to be elected.
		if pause.tries > 0 && !pause.wait(r.ctx) {
			return
		}
		timer := time.NewTimer(r.log.config.MetadataInterval)
		select {
		case <-r.asks:
			pause.tries = min(pause.tries+1, 5)
		case <-timer.C:
			pause.reset()
		case <-r.ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// adopt starts a loop for each leader that has none, and wakes all.
func (r *Reader) adopt(t *Topic) {
	r.mu.Lock()
	r.topic = t
	for _, p := range t.Partitions {
		if p.Leader >= 0 && r.loops[p.Leader] == nil {
			wake := make(chan struct{}, 1)
			r.loops[p.Leader] = wake
			r.wg.Go(func() { r.loop(p.Leader, wake) })
		}
	}
	r.mu.Unlock()
	r.wake()
}

// flight is a fetch on its way.
type flight struct {
	fetchRequest
	parts []*PartitionReader // as slices
	turns []int
}

// loop fetches from one broker.
func (r *Reader) loop(node int32, wake chan struct{}) {
	var pause backoff
	first := 0
	for r.ctx.Err() == nil {
		f, idle := r.board(node, first)
		first++
		if len(f.slices) == 0 {
			timer := time.NewTimer(idle)
			select {
			case <-wake:
			case <-timer.C:
			case <-r.ctx.Done():
			}
			timer.Stop()
			continue
		}
		pieces, err := r.fetch(node, f)
		if err != nil {
			r.land(f, nil)
			if r.ctx.Err() != nil {
				return
			}
			r.log.warn("fetching again", err, "broker", node)
			if codeOf(err).class() == fatal && codeOf(err) != codeNone {
				r.mu.Lock()
				for _, p := range f.parts {
					r.failLocked(p, err)
				}
				r.mu.Unlock()
			}
			r.log.forget(node)
			r.ask()
			pause.wait(r.ctx)
			continue
		}
		pause.reset()
		r.land(f, pieces)
	}
}

const (
	leastShare = 16 << 10
	mostShare  = 4 << 20
	briefWait  = 5 * time.Millisecond // of a broker, where a partition that is left out may soon be ready
)

// board collects the partitions to fetch from a broker: those it leads, for which nothing waits or flies. Where there are none, it
// says how long to sleep. The first in a request gets at least one batch however large, so each comes first in turn.
func (r *Reader) board(node int32, first int) (f *flight, idle time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f = &flight{}
	idle = time.Second
	if r.topic == nil {
		return f, idle
	}
	f.topic, f.id, f.isolation = r.topic.Name, r.topic.id, committed
	// Two of each partition: one that is worked on, one that waits or flies.
	share := int32(1 << (bits.Len(uint(min(max(r.log.config.MaxBytes/(2*max(len(r.parts), 1)), leastShare), mostShare))) - 1))
	wait := r.log.config.MaxWait
	now := time.Now()
	n := len(r.topic.Partitions)
	for i := range n {
		m := r.topic.Partitions[(i+first)%n]
		p := r.parts[m.ID]
		if m.Leader != node || p == nil || p.err != nil || p.flying {
			continue
		}
		if p.waiting != nil {
			wait = min(wait, briefWait)
			continue
		}
		if d := p.resumeAt.Sub(now); d > 0 {
			wait, idle = min(wait, d), min(idle, d)
			continue
		}
		p.flying = true
		f.slices = append(f.slices, slice{partition: m.ID, leaderEpoch: m.LeaderEpoch, offset: p.fetchAt, lastEpoch: p.lastEpoch, maxBytes: share})
		f.parts = append(f.parts, p)
		f.turns = append(f.turns, p.turn)
	}
	f.maxBytes = int32(min(int64(share)*int64(len(f.slices)), math.MaxInt32/2))
	f.maxWaitMS = int32(max(wait, time.Millisecond) / time.Millisecond)
	return f, idle
}

// fetch does the exchange.
func (r *Reader) fetch(node int32, f *flight) ([]piece, error) {
	version, err := r.log.version(r.ctx, node, protocol.Fetch, fetchVersions...)
	if err != nil {
		return nil, err
	}
	pieces := make([]piece, 0, len(f.slices))
	q := &request{key: protocol.Fetch, version: version, node: node, flexible: version >= 12, body: f.encode(version),
		// The first batch comes whole, however large.
		limit: int(f.maxBytes) + r.log.config.MaxBatchBytes + maxAnswer,
		answer: func(rd io.Reader, size int) error {
			return decodeFetch(rd, size, version, &f.fetchRequest, r.take, func(p piece) { pieces = append(pieces, p) })
		}}
	if err := r.log.send(r.ctx, q); err != nil {
		return nil, err // pieces may still be written to
	}
	return pieces, nil
}

// land takes what a flight brought; nothing, where it failed.
func (r *Reader) land(f *flight, pieces []piece) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, p := range f.parts {
		p.flying = false
		var got *piece
		for j := range pieces {
			if pieces[j].partition == p.id {
				got = &pieces[j]
				break
			}
		}
		switch {
		case got == nil:
			if pieces != nil && !p.closed {
				r.delay(p, fmt.Errorf("%s is missing from the broker's answer", partitionName(f.topic, p.id)))
			}
		case p.closed || p.turn != f.turns[i]:
			r.recycleLocked(got.data)
		case got.code != codeNone || got.diverged:
			r.recycleLocked(got.data)
			r.refused(p, got)
		default:
			r.accept(p, got)
		}
	}
}

// accept takes a partition's data and finds where to fetch next.
func (r *Reader) accept(p *PartitionReader, got *piece) {
	p.stable = got.stable
	if len(got.data) == 0 {
		r.recycleLocked(got.data)
		p.pause.reset()
		return
	}
	var h header
	var err error
	useful := false
	for rest := got.data; ; rest = rest[h.size:] {
		if err = readHeader(rest, &h); err != nil {
			break
		}
		if h.next() > p.fetchAt {
			p.fetchAt, p.lastEpoch, useful = h.next(), h.epoch, true
		}
	}
	if errors.Is(err, errPartial) && !useful {
		// Less than a batch, or only ones that were read: it comes first another time. A broker that insists is paced.
		r.recycleLocked(got.data)
		p.resumeAt = time.Now().Add(p.pause.next())
		return
	}
	p.pause.reset()
	p.waiting = &chunk{data: got.data, aborted: got.aborted}
	p.signal()
}

// refused deals with a partition's error.
func (r *Reader) refused(p *PartitionReader, got *piece) {
	subject := partitionName(r.log.config.Topic, p.id)
	switch err := refusal(got.code, "fetch from", subject, ""); {
	case got.diverged || got.code == codeOutOfRange:
		p.flying = true // until it is known what happened
		turn, want, position := p.turn, p.fetchAt, p.position
		r.wg.Go(func() { r.investigate(p, turn, want, position) })
	case got.code.class() == fatal:
		r.failLocked(p, err)
	default:
		if got.code.class() == refresh {
			r.ask()
		}
		r.delay(p, err)
	}
}

// delay has a partition wait before it is fetched again, and shows why, where it is not the first time.
func (r *Reader) delay(p *PartitionReader, err error) {
	p.resumeAt = time.Now().Add(p.pause.next())
	if p.pause.tries > 2 {
		r.log.warn("fetching again", err, "partition", p.id)
	}
}

// investigate finds out why the leader does not have what is wanted, or has another there.
func (r *Reader) investigate(p *PartitionReader, turn int, want int64, position Position) {
	err := r.log.persist(r.ctx, "find out what the log holds", func(ctx context.Context) error {
		return r.log.verify(ctx, p.id, want, position)
	})
	r.mu.Lock()
	p.flying = false
	if p.turn == turn && r.ctx.Err() == nil {
		if err != nil {
			r.failLocked(p, err)
		} else {
			p.lastEpoch = -1
			r.delay(p, errors.New("the leader changed its mind about what it holds"))
		}
	}
	r.mu.Unlock()
	r.wake()
}

// take returns a buffer of n bytes. Buffers come in powers of two.
func (r *Reader) take(n int) []byte {
	class := bits.Len(uint(max(n, 4096) - 1))
	r.mu.Lock()
	defer r.mu.Unlock()
	if free := r.free[class]; len(free) > 0 {
		b := free[len(free)-1]
		r.free[class] = free[:len(free)-1]
		r.freeBytes -= cap(b)
		return b[:n]
	}
	return make([]byte, n, 1<<class)
}

func (r *Reader) recycle(b []byte) {
	r.mu.Lock()
	r.recycleLocked(b)
	r.mu.Unlock()
}

func (r *Reader) recycleLocked(b []byte) {
	if cap(b) < 4096 || r.freeBytes+cap(b) > r.log.config.MaxBytes {
		return
	}
	class := bits.Len(uint(cap(b) - 1))
	if cap(b) != 1<<class {
		return
	}
	r.free[class] = append(r.free[class], b)
	r.freeBytes += cap(b)
}
