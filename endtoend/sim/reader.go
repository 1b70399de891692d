package sim

import (
	"context"
	"errors"

	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
)

// client is the log as one process has it.
type client struct {
	w *World
	p *process
}

var errBroker = errors.New("the broker's answer did not come")

func (c client) PartitionOffsets(_ context.Context, id events.Partition) (stream.Offsets, bool, error) {
	if err := c.w.request(c.p); err != nil {
		return stream.Offsets{}, false, err
	}
	if int(id) >= len(c.w.log.partitions) {
		return stream.Offsets{}, false, nil
	}
	return c.w.log.partitions[id].offsets(), true, nil
}

func (c client) Offsets(context.Context) (map[events.Partition]stream.Offsets, error) {
	if err := c.w.request(c.p); err != nil {
		return nil, err
	}
	c.shake()
	all := map[events.Partition]stream.Offsets{}
	for _, p := range c.w.log.partitions {
		all[p.id] = p.offsets()
		c.looks(p.id)
	}
	return all, nil
}

func (c client) Verify(_ context.Context, id events.Partition, at stream.Position) error {
	if err := c.w.request(c.p); err != nil {
		return err
	}
	err := c.w.log.check(c.w.log.partitions[id], at)
	if lost, ok := lacks(err); ok {
		if c.p.told == nil {
			c.p.told = map[events.Partition][2]events.Offset{}
		}
		c.p.told[id] = lost
	}
	return err
}

// lacks is what an error says that the log lacks: from where on, and up to where it was read.
func lacks(err error) (lost [2]events.Offset, ok bool) {
	if gap, ok := errors.AsType[*stream.GapError](err); ok {
		return [2]events.Offset{gap.Want, gap.Start}, true
	}
	if cut, ok := errors.AsType[*stream.TruncatedError](err); ok {
		return [2]events.Offset{min(cut.From, cut.Want, cut.End), cut.Want}, true
	}
	return lost, false
}

// shake precedes a close's look at the log.
func (c client) shake() {
	if c.p.closing {
		c.w.loseSeal(c.p)
	}
}

// looks notes that a close looks at a partition's log.
func (c client) looks(id events.Partition) {
	if c.p.closing {
		if c.p.looked == nil {
			c.p.looked = map[events.Partition]int{}
		}
		c.p.looked[id] = c.w.steps
	}
}

func (c client) Commit(_ context.Context, offsets map[events.Partition]events.Offset) error {
	if err := c.w.request(c.p); err != nil {
		return err
	}
	for id, offset := range offsets {
		if c.w.group.owner[id] == c.p { // else it is no member, or of a former generation
			c.w.log.partitions[id].committed = offset
		}
	}
	return nil
}

func (c client) Committed(_ context.Context, id events.Partition) (events.Offset, error) {
	if c.w.alone {
		return -1, nil
	}
	if err := c.w.request(c.p); err != nil {
		return -1, err
	}
	return c.w.log.partitions[id].committed, nil
}

// Produce writes messages, in order within a partition; where it fails, none, a part or all of them may be written.
func (c client) Produce(_ context.Context, messages []stream.Message) error {
	w := c.w
	if err := w.gate(c.p); err != nil {
		return err
	}
	n := len(messages)
	var failed error
	switch {
	case w.hit(produceLost):
		n, failed = 0, errBroker
	case w.hit(produceApplied):
		failed = errBroker
	case n > 1 && w.hit(producePart):
		n, failed = 1+w.draw(n-1), errBroker
	}
	for _, m := range messages[:n] {
		if m.Topic != "" {
			w.log.dead = append(w.log.dead, m)
			continue
		}
		ts := m.Time.UnixMilli()
		w.log.partitions[m.Partition].append([]events.Record{{Timestamp: ts, Value: m.Value}}, nil)
	}
	if failed != nil && w.chanceEven() {
		w.kill(c.p, crash) // neither does the process live to hear of it
		return errDead
	}
	return failed
}

func (c client) NewReader(context.Context) worker.Reader { return &reader{c} }

type reader struct{ client }

func (r *reader) Close() {}

func (r *reader) Open(id events.Partition, at stream.Position) worker.PartitionReader {
	defer r.shake()
	return &reading{client: r.client, part: r.w.log.partitions[id], at: at}
}

// reading reads a partition. What it hands out lies in memory that the next batch takes.
type reading struct {
	client
	part   *partition
	at     stream.Position
	batch  stream.Batch
	memory []byte
}

func (r *reading) Close() {}

func (r *reading) Next(ctx context.Context) (*stream.Batch, error) {
	w := r.w
	if r.p.dead {
		return nil, errDead
	}
	if len(w.gaps) > 0 {
		w.goesOn(r.p, r.part.id)
	}
	clear(r.memory) // who kept what it was given finds nothing there
	r.memory = r.memory[:0]
	wake := int64(0)
	d, bounded := ctx.Deadline()
	if bounded {
		wake = max(d.UnixMilli()-r.p.off+1, w.now+1)
	}
	w.await(func() bool {
		return r.p.dead || ctx.Err() != nil || r.p.stalled <= w.now && r.news()
	}, wake, !r.p.closing) // a close waits for what may not come
	if err := w.gate(r.p); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.p.stalled > w.now {
		w.await(func() bool { return r.p.dead || ctx.Err() != nil }, r.p.stalled, false)
		if r.p.dead {
			return nil, errDead
		}
		return nil, context.DeadlineExceeded
	}
	if w.hit(fetchError) {
		return nil, errBroker
	}
	r.looks(r.part.id)
	if err := w.log.check(r.part, r.at); err != nil {
		return nil, err
	}
	return r.take()
}

// news says whether the partition has something to say: more records, or that it lost some.
func (r *reading) news() bool {
	return r.part.stable() > r.at.Offset || r.part.start > r.at.Offset || r.part.end < r.at.Offset
}

// take hands out the next batch, or some that follow each other.
func (r *reading) take() (*stream.Batch, error) {
	p := r.part
	b := &r.batch
	*b = stream.Batch{Records: b.Records[:0], Base: -1, Next: r.at.Offset, CRC: r.at.BatchCRC, LeaderEpoch: r.at.LeaderEpoch}
	most := 1 + r.w.draw(4)
	for i := p.at(r.at.Offset); i < len(p.batches) && most > 0; i++ {
		from := p.batches[i]
		if from.next > p.stable() {
			break
		}
		if !from.aborted {
			for _, rec := range from.records {
				if rec.Offset >= r.at.Offset {
					b.Records = append(b.Records, rec)
				}
			}
		}
		b.Base, b.Next, b.CRC, b.LeaderEpoch = from.base, from.next, from.crc, from.epoch
		b.Bytes += from.size
		most--
	}
	if b.Base < 0 {
		return nil, context.DeadlineExceeded // nothing yet
	}
	size := 0
	for i := range b.Records {
		size += len(b.Records[i].Value) + len(b.Records[i].Headers)
	}
	if cap(r.memory) < size {
		r.memory = make([]byte, 0, 2*size)
	}
	for i := range b.Records {
		b.Records[i].Value = r.keep(b.Records[i].Value)
		b.Records[i].Headers = r.keep(b.Records[i].Headers)
	}
	b.End = max(p.stable(), b.Next)
	r.at = b.Position()
	r.w.read += len(b.Records)
	r.p.unsaved += len(b.Records)
	return b, nil
}

func (r *reading) keep(b []byte) []byte {
	if b == nil {
		return nil
	}
	n := len(r.memory)
	r.memory = append(r.memory, b...)
	return r.memory[n:len(r.memory):len(r.memory)]
}
