package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events/stream/backoff"
	"headcount/events/stream/batch"
	"headcount/events/stream/wire"
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
	checks chan struct{} // holds one for each partition that is being compared with its leader's log

	mu    sync.Mutex
	parts map[int32]*PartitionReader
	loops map[int32]chan struct{} // by broker: wakes it; holds one
	topic *Topic                  // layout; nil: none yet
	err   error                   // final for all partitions: the topic is gone or another
	memory
}

// mostChecks is how many partitions are compared with their leaders' logs at a time: many may change leader at once.
const mostChecks = 16

// NewReader starts a reader. It ends with the context, or by Close.
func (l *Log) NewReader(ctx context.Context) *Reader {
	ctx, cancel := context.WithCancel(ctx)
	r := &Reader{
		log: l, ctx: ctx, cancel: cancel,
		asks:   make(chan struct{}, 1),
		checks: make(chan struct{}, mostChecks),
		parts:  map[int32]*PartitionReader{},
		loops:  map[int32]chan struct{}{},
		memory: memory{free: map[int][][]byte{}},
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
	if at.BatchOffset < 0 || at.LeaderEpoch < 0 {
		at.LeaderEpoch = -1
	}
	p := &PartitionReader{
		r: r, id: partition, next: at.Offset, ahead: at, position: at, checked: r.log.verifiedIn(partition, at),
		ready: make(chan struct{}, 1),
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

// seek fetches anew from what was last handed on, after a pause.
func (r *Reader) seek(p *PartitionReader) {
	r.mu.Lock()
	r.rewindLocked(p)
	p.resumeAt = time.Now().Add(p.pause.Next())
	r.mu.Unlock()
	r.wake()
}

// rewindLocked drops what was fetched and not handed on, also what is on its way.
func (r *Reader) rewindLocked(p *PartitionReader) {
	if p.waiting != nil {
		r.recycleLocked(p.waiting.data)
		p.waiting = nil
	}
	p.turn++
	p.ahead = p.position
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

// keepLayout follows who leads what, when asked and from time to time.
func (r *Reader) keepLayout() {
	var pause backoff.Pause
	for {
		t, err := r.log.metadata(r.ctx, r.log.config.Topic)
		switch {
		case err == nil:
			r.adopt(t)
		case r.ctx.Err() != nil:
			return
		case !wire.Retriable(err):
			r.mu.Lock()
			for _, p := range r.parts {
				r.failLocked(p, err)
			}
			if wire.IsLost(err) {
				r.err = err
			}
			r.mu.Unlock()
			if wire.IsLost(err) {
				return
			}
		}
		if err != nil {
			r.log.warn("asking for the topic's layout again", err)
			if !pause.Wait(r.ctx) {
				return
			}
			continue
		}
		// Asked again at once, the answer is likely the same: leaders take a moment to be elected.
		if pause.Tries > 0 && !pause.Wait(r.ctx) {
			return
		}
		timer := time.NewTimer(r.log.config.MetadataInterval)
		select {
		case <-r.asks:
			pause.Tries = min(pause.Tries+1, 5)
		case <-timer.C:
			pause.Reset()
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
	var pause backoff.Pause
	first := 0
	for r.ctx.Err() == nil {
		if err := r.log.throttles.wait(r.ctx, node, protocol.Fetch); err != nil {
			return
		}
		f, idle := r.board(node, first)
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
			first++
			if r.ctx.Err() != nil {
				return
			}
			r.log.warn("fetching again", err, "broker", node)
			if wire.CodeOf(err).Class() == wire.Fatal && wire.CodeOf(err) != wire.CodeNone {
				r.mu.Lock()
				for _, p := range f.parts {
					r.failLocked(p, err)
				}
				r.mu.Unlock()
			}
			r.log.forget(node)
			r.ask()
			pause.Wait(r.ctx)
			continue
		}
		pause.Reset()
		first = r.land(f, pieces)
	}
}

const (
	leastShare = 16 << 10
	mostShare  = 4 << 20
	// mostAnswered is what a fetch asks for in all, whatever the number of partitions: what is read soon after it came is read from
	// the processor's cache, and memory that is used again is there already.
	mostAnswered = 4 << 20
	// fetchOverhead is what an answer may hold beside batches: a partition takes 50 bytes, an aborted transaction 16.
	fetchOverhead = 8 << 20
	briefWait     = 5 * time.Millisecond // of a broker, where a partition that is left out may soon be ready
)

// board collects the partitions to fetch from a broker: those it leads, for which nothing waits or flies. Where there are none, it
// says how long to sleep. The first in a request gets at least one batch however large, so each comes first in turn.
func (r *Reader) board(node int32, first int) (f *flight, idle time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f = &flight{}
	idle = time.Second
	t := r.topic
	if t == nil {
		return f, idle
	}
	f.topic, f.id, f.isolation = t.Name, t.id, committed
	// Two of each partition: one that is worked on, one that waits or flies.
	share := int32(1 << (bits.Len(uint(min(max(r.log.config.MaxBytes/(2*max(len(r.parts), 1)), leastShare), mostShare))) - 1))
	wait := r.log.config.MaxWait
	now := time.Now()
	n := len(t.Partitions)
	for i := range n {
		m := t.Partitions[(i+first)%n]
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
		if p.checked != m.LeaderEpoch && p.ahead.BatchOffset >= 0 { // another leader, perhaps one that lacks what was read
			r.wg.Go(func() { r.check(p, t, m.LeaderEpoch, nil) })
			continue
		}
		p.checked = m.LeaderEpoch
		f.slices = append(f.slices, slice{partition: m.ID, leaderEpoch: m.LeaderEpoch, offset: p.ahead.Offset, lastEpoch: p.ahead.LeaderEpoch, maxBytes: share})
		f.parts = append(f.parts, p)
		f.turns = append(f.turns, p.turn)
	}
	f.maxBytes = int32(min(int64(share)*int64(len(f.slices)), mostAnswered))
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
		limit: int(f.maxBytes) + r.log.config.MaxBatchBytes + fetchOverhead}
	q.answer = func(rd io.Reader, size int) error {
		err := decodeFetch(rd, size, version, &f.fetchRequest, r.take, func(p piece) { pieces = append(pieces, p) })
		q.throttle = f.throttle
		return err
	}
	if err := r.log.send(r.ctx, q); err != nil {
		return nil, err // pieces may still be written to
	}
	return pieces, nil
}

// land takes what a flight brought; nothing, where it failed. It returns the partition to begin with next: after the last that got
// something, as an answer has room for so much.
func (r *Reader) land(f *flight, pieces []piece) (first int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, p := range f.parts {
		p.flying = false
		got := pieceOf(pieces, i, p.id)
		if got != nil && len(got.data) > 0 {
			first = int(p.id) + 1
		}
		switch {
		case got == nil:
			if pieces != nil && !p.closed {
				r.delay(p, fmt.Errorf("%s is missing from the broker's answer", wire.PartitionName(f.topic, p.id)))
			}
		case p.closed || p.turn != f.turns[i]:
			r.recycleLocked(got.data)
		case got.code != wire.CodeNone || got.diverged:
			r.recycleLocked(got.data)
			r.refused(p, got)
		default:
			r.accept(p, got)
		}
	}
	if n := len(f.parts); n > 0 && first == int(f.parts[n-1].id)+1 {
		first = int(f.parts[0].id) + 1 // there was room for all: a batch too large for its share still waits to be the first
	}
	return first
}

// pieceOf finds a partition's piece. Brokers answer in the order they were asked.
func pieceOf(pieces []piece, i int, partition int32) *piece {
	if i < len(pieces) && pieces[i].partition == partition {
		return &pieces[i]
	}
	if j := slices.IndexFunc(pieces, func(p piece) bool { return p.partition == partition }); j >= 0 {
		return &pieces[j]
	}
	return nil
}

// accept takes a partition's data and finds where to fetch next.
func (r *Reader) accept(p *PartitionReader, got *piece) {
	p.stable = got.stable
	if len(got.data) == 0 {
		r.recycleLocked(got.data)
		p.pause.Reset()
		return
	}
	var h batch.Header
	var err error
	useful := false
	for rest := got.data; ; rest = rest[h.Size:] {
		if err = batch.ReadHeader(rest, &h); err != nil {
			break
		}
		if h.Next() > p.ahead.Offset {
			p.ahead, useful = Position{h.Next(), h.Base, h.CRC, h.Epoch}, true
		}
	}
	if errors.Is(err, batch.ErrPartial) && !useful {
		// Less than a batch, or only ones that were read: it comes first another time. A broker that insists is paced, and shown.
		r.recycleLocked(got.data)
		r.delay(p, fmt.Errorf("answered with %d bytes, in which no batch that is to be read is whole", len(got.data)))
		return
	}
	p.pause.Reset()
	p.waiting = &chunk{data: got.data, aborted: got.aborted, turn: p.turn}
	p.signal()
}

// refused deals with a partition's error.
func (r *Reader) refused(p *PartitionReader, got *piece) {
	subject := wire.PartitionName(r.log.config.Topic, p.id)
	switch err := wire.Refusal(got.code, "fetch from", subject, ""); {
	case got.diverged || got.code == wire.CodeOutOfRange:
		if err == nil {
			err = errDiverged
		}
		p.flying = true // until it is known what happened
		t := r.topic
		m, _ := t.partition(p.id)
		r.wg.Go(func() { r.check(p, t, m.LeaderEpoch, err) })
	case got.code.Class() == wire.Fatal:
		r.failLocked(p, err)
	default:
		if got.code.Class() == wire.Refresh {
			r.ask()
		}
		r.delay(p, err)
	}
}

// delay has a partition wait before it is fetched again, and shows why, where it is not the first time.
func (r *Reader) delay(p *PartitionReader, err error) {
	p.resumeAt = time.Now().Add(p.pause.Next())
	if p.pause.Tries > 2 {
		r.log.warn("fetching again", err, "partition", p.id)
	}
}

var errDiverged = errors.New("the leader's log diverges from what was read")

// check compares what was fetched with the log of the leader of an epoch, as t has it. What was fetched and not handed on is dropped
// where the leader lacks it: it was not counted. What was handed on and is lacking is lost. refused is what the leader said to a
// fetch; nil: nothing, it is new.
func (r *Reader) check(p *PartitionReader, t *Topic, epoch int32, refused error) {
	r.checks <- struct{}{}
	defer func() { <-r.checks }()
	r.mu.Lock()
	ahead := p.ahead
	r.mu.Unlock()
	err := r.compare(p, t, ahead, &epoch)
	if _, truncated := errors.AsType[*TruncatedError](err); truncated {
		r.mu.Lock()
		r.rewindLocked(p)
		position := p.position
		r.mu.Unlock()
		if position != ahead {
			err = r.compare(p, t, position, &epoch)
		}
	}
	r.mu.Lock()
	p.flying = false
	switch {
	case r.ctx.Err() != nil || p.closed:
	case err != nil:
		r.failLocked(p, err)
	default:
		p.checked = epoch
		if refused != nil { // and now says otherwise
			r.delay(p, refused)
		}
	}
	r.mu.Unlock()
	r.wake()
}

// compare is Log.compare until it has an answer. The layout t is for the first try; epoch becomes that of the leader that answered.
func (r *Reader) compare(p *PartitionReader, t *Topic, at Position, epoch *int32) error {
	return r.log.persist(r.ctx, "compare what was read with the log of "+wire.PartitionName(r.log.config.Topic, p.id), func(ctx context.Context) (err error) {
		if t == nil {
			if t, err = r.log.metadata(ctx, r.log.config.Topic); err != nil {
				return err
			}
		}
		now := t
		t = nil // who refuses may not lead any more
		if err := r.log.compare(ctx, now, p.id, at); err != nil {
			return err
		}
		m, _ := now.partition(p.id)
		*epoch = m.LeaderEpoch
		return nil
	})
}
