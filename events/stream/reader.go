package stream

import (
	"context"
	"sync"
	"time"

	"headcount/events"
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
	parts map[events.Partition]*PartitionReader
	loops map[int32]chan struct{} // by broker: wakes it; holds one
	topic *Topic                  // layout; nil: none yet
	err   error                   // final for all partitions: the topic is gone or another
	memory
}

// NewReader starts a reader. It ends with the context, or by Close.
func (l *Log) NewReader(ctx context.Context) *Reader {
	ctx, cancel := context.WithCancel(ctx)
	r := &Reader{
		log: l, ctx: ctx, cancel: cancel,
		asks:   make(chan struct{}, 1),
		checks: make(chan struct{}, mostChecks),
		parts:  map[events.Partition]*PartitionReader{},
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
func (r *Reader) Open(partition events.Partition, at Position) *PartitionReader {
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
