package closing

import (
	"context"
	"errors"
	"maps"
	"slices"

	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
)

// testLog is the site's log as a close has it.
type testLog struct{ s *testSite }

func (l testLog) offsets(p events.Partition) stream.Offsets {
	n := events.Offset(len(l.s.log[p]))
	return stream.Offsets{Start: l.s.start[p], End: n, Stable: n}
}

func (l testLog) PartitionOffsets(_ context.Context, p events.Partition) (o stream.Offsets, ok bool, err error) {
	err = l.s.faults.do("PartitionOffsets", func() error {
		o, ok = l.offsets(p), true
		return nil
	})
	return o, ok, err
}

func (l testLog) Offsets(ctx context.Context) (all map[events.Partition]stream.Offsets, err error) {
	if err := l.s.hangs(ctx, "Offsets"); err != nil {
		return nil, err
	}
	if l.s.gone {
		return nil, &stream.RecreatedError{Topic: l.s.topic.Name}
	}
	err = l.s.faults.do("Offsets", func() error {
		all = map[events.Partition]stream.Offsets{}
		for p := range l.s.log {
			all[events.Partition(p)] = l.offsets(events.Partition(p))
		}
		return nil
	})
	return all, err
}

func (l testLog) Members(context.Context) (all []stream.GroupMember, err error) {
	err = l.s.faults.do("Members", func() error {
		for _, p := range slices.Sorted(maps.Keys(l.s.owners)) {
			all = append(all, stream.GroupMember{Name: l.s.owners[p], Client: "headcount", Host: "/10.0.0.7", Partitions: []events.Partition{p}, Stranger: l.s.strangers[l.s.owners[p]]})
		}
		return nil
	})
	return all, err
}

func (l testLog) Verify(context.Context, events.Partition, stream.Position) error {
	return l.s.faults.do("Verify", func() error { return nil })
}

func (l testLog) Commit(context.Context, map[events.Partition]events.Offset) error {
	return l.s.faults.do("Commit offset", func() error { return nil })
}

func (l testLog) Committed(context.Context, events.Partition) (events.Offset, error) { return -1, nil }

func (l testLog) Produce(ctx context.Context, messages []stream.Message) error {
	if err := l.s.hangs(ctx, "Produce"); err != nil {
		return err
	}
	return l.s.faults.do("Produce", func() error {
		for _, m := range messages {
			if m.Topic == stream.DeadTopic(l.s.topic.Name) {
				l.s.dead++
				continue
			}
			if m.Topic != "" {
				return errors.New("a close writes to the topic, and dead letters, alone")
			}
			l.s.log[m.Partition] = append(l.s.log[m.Partition], events.Record{
				Offset: events.Offset(len(l.s.log[m.Partition])), Timestamp: m.Time.UnixMilli(), Value: m.Value,
			})
		}
		return nil
	})
}

func (l testLog) NewReader(context.Context) worker.Reader { return testReader(l) }

type testReader struct{ s *testSite }

func (testReader) Close() {}

func (r testReader) Open(p events.Partition, at stream.Position) worker.PartitionReader {
	return &testReading{r.s, p, at.Offset}
}

// testReading hands out what there is in one batch.
type testReading struct {
	s    *testSite
	p    events.Partition
	next events.Offset
}

func (*testReading) Close() {}

func (r *testReading) Next(ctx context.Context) (b *stream.Batch, err error) {
	end := events.Offset(len(r.s.log[r.p]))
	if r.next >= end {
		return nil, context.DeadlineExceeded
	}
	err = r.s.faults.do("Next", func() error {
		b = &stream.Batch{Records: r.s.log[r.p][r.next:end], Base: r.next, Next: end, End: end, BrokersTime: r.s.brokersTime}
		r.next = end
		return ctx.Err()
	})
	return b, err
}
