package recount

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"headcount/events"
	"headcount/events/stream"
)

// Letters are the dead letters that were written before: a month that is counted again meets the same records, and must not write theirs
// twice.
type Letters map[[16]byte]struct{}

// DeadLog is the log of dead letters: a *stream.Log's methods, which say what they promise.
type DeadLog interface {
	Offsets(ctx context.Context) (map[events.Partition]stream.Offsets, error)
	NewReader(ctx context.Context) *stream.Reader
}

// ReadLetters reads the topic of dead letters up to its present end.
func ReadLetters(ctx context.Context, log DeadLog) (Letters, error) {
	ends, err := log.Offsets(ctx)
	if err != nil {
		return nil, &UnreachableError{"dead letters", err}
	}
	in := log.NewReader(ctx)
	defer in.Close()
	all := Letters{}
	for p, o := range ends {
		if o.Start >= o.Stable {
			continue
		}
		part := in.Open(p, stream.Position{Offset: o.Start, BatchOffset: -1, LeaderEpoch: -1})
		err := all.read(ctx, part, o.Stable)
		part.Close()
		if err != nil {
			return nil, &UnreachableError{fmt.Sprintf("dead letters, partition %d", p), err}
		}
	}
	return all, nil
}

func (l Letters) read(ctx context.Context, part *stream.PartitionReader, end events.Offset) error {
	for next := events.Offset(0); next < end; {
		b, err := part.Next(ctx)
		if err != nil {
			return err
		}
		for i := range b.Records {
			r := &b.Records[i]
			l[letterID(&stream.Message{Key: r.Key, Value: r.Value, Headers: stream.HeadersOf(r)})] = struct{}{}
		}
		next = b.Next
		b.Release()
	}
	return nil
}

// Have says whether a letter was written before: of the same record, for the same reason.
func (l Letters) Have(m *stream.Message) bool {
	_, ok := l[letterID(m)]
	return ok
}

// letterID is the same for two letters of one record. What a record is, its headers say: topic, partition, offset. Its bytes tell it from
// one of a former topic of the name.
func letterID(m *stream.Message) (id [16]byte) {
	h := sha256.New()
	put := func(b []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	headers := slices.Clone(m.Headers)
	slices.SortFunc(headers, func(a, b stream.Header) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
	for _, x := range headers {
		put([]byte(x.Key))
		put(x.Value)
	}
	put(m.Key)
	put(m.Value)
	copy(id[:], h.Sum(nil))
	return id
}
