package stream

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
)

// Verify checks that the log still holds what was read up to the position: it reaches that far, and the batch at
// Position.BatchOffset has the CRC that was seen. A batch that retention has deleted since cannot be checked and is no error as
// long as what comes next is there. GapError, TruncatedError, RecreatedError say what is lost.
func (l *Log) Verify(ctx context.Context, partition int32, at Position) error {
	return l.persistBriefly(ctx, "verify "+partitionName(l.config.Topic, partition), func(ctx context.Context) error {
		return l.verify(ctx, partition, at.Offset, at)
	})
}

// verify is one try. want is the next offset to fetch, at or after at.Offset.
func (l *Log) verify(ctx context.Context, partition int32, want int64, at Position) error {
	t, err := l.metadata(ctx, l.config.Topic)
	if err != nil {
		return err
	}
	all, err := l.offsetsOf(ctx, t, []int32{partition})
	if err != nil {
		return err
	}
	o := all[partition]
	if err := lostOr(t.Name, partition, want, o); err != nil {
		return err
	}
	if at.BatchOffset < 0 || at.BatchOffset < o.Start {
		return nil
	}
	h, found, err := l.batchAt(ctx, t, partition, at.BatchOffset)
	if err != nil {
		return err
	}
	var detail string
	switch {
	case !found:
		detail = fmt.Sprintf("there is no batch at offset %d any more", at.BatchOffset)
	case h.base != at.BatchOffset:
		detail = fmt.Sprintf("the batch read at offset %d is gone, there is one at %d", at.BatchOffset, h.base)
	case h.crc != at.BatchCRC:
		detail = fmt.Sprintf("the batch at offset %d has checksum %08x, when read it had %08x", h.base, h.crc, at.BatchCRC)
	default:
		return nil
	}
	return &TruncatedError{Topic: t.Name, Partition: partition, Want: want, Start: o.Start, End: o.End, Detail: detail}
}

// batchAt fetches the header of the batch that holds an offset, or of the next one.
func (l *Log) batchAt(ctx context.Context, t *Topic, partition int32, offset int64) (h header, found bool, err error) {
	p, ok := t.partition(partition)
	if !ok || p.Leader < 0 {
		return h, false, refusal(codeNoLeader, "fetch from", partitionName(t.Name, partition), "")
	}
	version, err := l.version(ctx, p.Leader, protocol.Fetch, fetchVersions...)
	if err != nil {
		return h, false, err
	}
	f := fetchRequest{topic: t.Name, id: t.id, isolation: uncommitted, maxWaitMS: 100, maxBytes: 1,
		slices: []slice{{partition: partition, leaderEpoch: -1, offset: offset, lastEpoch: -1, maxBytes: 1}}}
	var got []piece
	q := &request{key: protocol.Fetch, version: version, node: p.Leader, flexible: version >= 12, body: f.encode(version),
		limit: l.config.MaxBatchBytes + maxAnswer,
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
		if err := refusal(g.code, "fetch from", partitionName(t.Name, partition), ""); err != nil {
			return h, false, err
		}
		for rest := g.data; ; rest = rest[h.size:] {
			if err := readHeader(rest, &h); errors.Is(err, errPartial) {
				return header{}, false, nil
			} else if err != nil {
				return h, false, &CorruptError{Topic: t.Name, Partition: partition, Offset: h.base, Err: err}
			}
			if h.next() > offset {
				return h, true, nil
			}
		}
	}
	return h, false, nil
}
