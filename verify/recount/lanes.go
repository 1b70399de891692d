package recount

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"headcount/verify/report"
)

// lanes count partitions side by side, each partition in the order of its log, in one lane. What a partition has to say goes into a report
// of its own, and those are put together in the order of partitions: what comes out does not hang on which lane was faster.
type lanes struct {
	of    *pass
	parts map[int32]*partition
	all   []*lane

	mu     sync.Mutex // of what the partitions share: where facts and closed records go, and err
	err    error      // the first
	failed atomic.Bool
	done   sync.WaitGroup
}

// lane counts some partitions.
type lane struct {
	in    chan []piece
	next  []piece // being filled
	bytes int     // of its values
}

// piece is a record, or what is refused in its place.
type piece struct {
	p   *partition
	rec *kgo.Record
	x   *Refused
}

// A lane is given so much at once, by records or by their values' bytes.
const (
	laneRecords = 256
	laneBytes   = 1 << 20
)

func startLanes(ctx context.Context, of *pass) *lanes {
	l := &lanes{of: of, parts: map[int32]*partition{}, all: make([]*lane, max(1, min(runtime.GOMAXPROCS(0), len(of.s.Closing.Partitions))))}
	for i := range l.all {
		in := make(chan []piece, 1)
		l.all[i] = &lane{in: in}
		l.done.Go(func() {
			for pieces := range in {
				for i := range pieces {
					if err := pieces[i].count(ctx); err != nil {
						l.fail(err)
					}
					if l.failed.Load() {
						break
					}
				}
			}
		})
	}
	return l
}

func (c *piece) count(ctx context.Context) (err error) {
	if c.rec != nil {
		err = c.p.take(ctx, c.rec)
	} else {
		c.p.refuse(c.x)
	}
	if !c.p.wantsMore() {
		c.p.enough.Store(true)
	}
	return err
}

// part is a partition, new where nothing was read of it yet.
func (l *lanes) part(id int32) *partition {
	p := l.parts[id]
	if p != nil {
		return p
	}
	own := *l.of
	own.r = report.New(l.of.r.Month)
	own.keep = func(x fact, r *reading, offset int64) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.of.keep(x, r, offset)
	}
	own.closed = func(c *Closed, sig *Signed, partition int32, offset int64) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.of.closed(c, sig, partition, offset)
	}
	p = newPartition(&own, id)
	l.parts[id] = p
	return p
}

// give gives a lane what comes next of a partition, and says whether more of that is wanted, as far as is known.
func (l *lanes) give(id int32, next piece, bytes int) (more bool, err error) {
	if l.failed.Load() {
		return false, l.failure()
	}
	next.p = l.part(id)
	if next.p.enough.Load() {
		return false, nil
	}
	to := l.all[int(id)%len(l.all)]
	to.next, to.bytes = append(to.next, next), to.bytes+bytes
	if len(to.next) >= laneRecords || to.bytes >= laneBytes {
		to.flush()
	}
	return true, nil
}

func (l *lane) flush() {
	l.in <- l.next
	l.next, l.bytes = make([]piece, 0, laneRecords), 0
}

// end waits until all that was given is counted, and puts the partitions' reports together.
func (l *lanes) end() error {
	for _, to := range l.all {
		to.flush()
		close(to.in)
	}
	l.done.Wait()
	for _, id := range slices.Sorted(maps.Keys(l.parts)) {
		l.of.r.Merge(l.parts[id].r)
		l.parts[id].r = l.of.r
	}
	return l.err
}

func (l *lanes) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
	l.failed.Store(true)
}

func (l *lanes) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
