package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/batch"
	"headcount/events/stream/wire"
)

// Verify checks that the log still holds what was read up to the position: it reaches that far, the epoch of the last batch read
// does not end before, and the batch at Position.BatchOffset has the CRC and the epoch that were seen. A batch that retention has
// deleted since cannot be checked and is no error as long as what comes next is there. GapError, TruncatedError, RecreatedError say
// what is lost.
func (l *Log) Verify(ctx context.Context, partition events.Partition, at Position) error {
	return l.persistBriefly(ctx, "verify "+wire.PartitionName(l.config.Topic, partition), func(ctx context.Context) error {
		t, err := l.metadata(ctx, l.config.Topic)
		if err != nil {
			return err
		}
		if err := l.compare(ctx, t, partition, at); err != nil {
			return err
		}
		p, _ := t.partition(partition)
		l.mu.Lock()
		l.verified[partition] = verified{at, p.LeaderEpoch}
		l.mu.Unlock()
		return nil
	})
}

// verified is a position that was compared with the log of a leader, by its epoch.
type verified struct {
	at    Position
	epoch int32
}

// verifiedIn returns the epoch of the leader whose log the position was last compared with; −1: none.
func (l *Log) verifiedIn(partition events.Partition, at Position) int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.verified[partition]
	delete(l.verified, partition)
	if !ok || v.at != at {
		return -1
	}
	return v.epoch
}

// compare holds a position against the log, once.
func (l *Log) compare(ctx context.Context, t *Topic, partition events.Partition, at Position) error {
	all, err := l.offsetsOf(ctx, t, []events.Partition{partition})
	if err != nil {
		return err
	}
	o := all[partition]
	if at.Offset < o.Start {
		return &GapError{Topic: t.Name, Partition: partition, Want: at.Offset, Start: o.Start, End: o.End,
			Until: l.timeAt(ctx, t, partition, o.Start, o, firstRecord)}
	}
	detail, from, err := l.parting(ctx, t, partition, at, o)
	if err != nil || detail == "" {
		return err
	}
	return &TruncatedError{Topic: t.Name, Partition: partition, Want: at.Offset, Start: o.Start, End: o.End, Detail: detail, From: from,
		Since: l.timeAt(ctx, t, partition, from-1, o, lastRecord)}
}

// parting says in words how the log differs from what was read, and from which offset on; empty: it does not.
func (l *Log) parting(ctx context.Context, t *Topic, partition events.Partition, at Position, o Offsets) (detail string, from events.Offset, err error) {
	if at.BatchOffset >= 0 && at.LeaderEpoch >= 0 {
		p, _ := t.partition(partition)
		end, known, err := l.epochEnd(ctx, t, p, at.LeaderEpoch)
		if err != nil {
			return "", 0, err
		}
		if known {
			if detail, from = end.parted(at); detail != "" {
				return detail, from, nil
			}
		}
	}
	if at.Offset > o.End {
		return fmt.Sprintf("the log ends at offset %d", o.End), o.End, nil
	}
	if at.BatchOffset < 0 || at.BatchOffset < o.Start {
		return "", 0, nil
	}
	h, found, err := l.batchAt(ctx, t, partition, at.BatchOffset)
	if err != nil {
		return "", 0, err
	}
	from = at.BatchOffset
	switch {
	case !found:
		return fmt.Sprintf("there is no batch at offset %d any more", at.BatchOffset), from, nil
	case h.Base != at.BatchOffset:
		return fmt.Sprintf("the batch read at offset %d is gone, there is one at %d", at.BatchOffset, h.Base), from, nil
	case h.CRC != at.BatchCRC:
		return fmt.Sprintf("the batch at offset %d has checksum %08x, when read it had %08x", h.Base, h.CRC, at.BatchCRC), from, nil
	case at.LeaderEpoch >= 0 && h.Epoch != at.LeaderEpoch:
		return fmt.Sprintf("the batch at offset %d is of leader epoch %d, when read it was of %d", h.Base, h.Epoch, at.LeaderEpoch), from, nil
	}
	return "", 0, nil
}

func firstRecord(h batch.Header) int64 { return h.FirstTime }
func lastRecord(h batch.Header) int64  { return h.MaxTime }

// timeAt is when the batch that holds an offset was written, as far as that can be told: it only makes an error clearer.
func (l *Log) timeAt(ctx context.Context, t *Topic, partition events.Partition, offset events.Offset, o Offsets, which func(batch.Header) int64) time.Time {
	if offset < o.Start || offset >= o.End {
		return time.Time{}
	}
	h, found, err := l.batchAt(ctx, t, partition, offset)
	if err != nil || !found || which(h) < 0 {
		return time.Time{}
	}
	return time.UnixMilli(which(h)).UTC()
}

// batchAt fetches the header of the batch that holds an offset, or of the next one.
func (l *Log) batchAt(ctx context.Context, t *Topic, partition events.Partition, offset events.Offset) (h batch.Header, found bool, err error) {
	p, ok := t.partition(partition)
	if !ok || p.Leader < 0 {
		return h, false, wire.Refusal(wire.CodeNoLeader, "fetch from", wire.PartitionName(t.Name, partition), "")
	}
	version, err := l.version(ctx, p.Leader, protocol.Fetch, fetchVersions...)
	if err != nil {
		return h, false, err
	}
	f := fetchRequest{topic: t.Name, id: t.id, isolation: uncommitted, maxWaitMS: 100, maxBytes: 1,
		slices: []slice{{partition: partition, leaderEpoch: -1, offset: offset, lastEpoch: -1, maxBytes: 1}}}
	var got []piece
	q := &request{key: protocol.Fetch, version: version, node: p.Leader, flexible: version >= 12, body: f.encode(version),
		limit: l.config.mostSent() + fetchOverhead,
		answer: func(r io.Reader, size int) error {
			return decodeFetch(r, size, version, &f, func(n int) []byte { return make([]byte, n) }, func(p piece) { got = append(got, p) })
		}}
	if err := l.send(ctx, q); err != nil {
		return h, false, err
	}
	for _, g := range got {
		if g.partition != partition {
			continue
		}
		if err := wire.Refusal(g.code, "fetch from", wire.PartitionName(t.Name, partition), ""); err != nil {
			return h, false, err
		}
		for rest := g.data; ; rest = rest[h.Size:] {
			if err := batch.ReadHeader(rest, &h); errors.Is(err, batch.ErrPartial) {
				return batch.Header{}, false, nil
			} else if err != nil {
				return h, false, &CorruptError{Topic: t.Name, Partition: partition, Offset: h.Base, Err: err}
			}
			if h.Next() > offset {
				return h, true, nil
			}
		}
	}
	return h, false, nil
}
