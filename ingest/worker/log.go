package worker

import (
	"context"

	"headcount/counter"
	"headcount/events"
	"headcount/events/stream"
)

// Log is what a worker needs of the log: LogOf makes it of a *stream.Log, whose methods say what they promise.
type Log interface {
	Source
	Sink
}

// Source is where records come from.
type Source interface {
	PartitionOffsets(ctx context.Context, partition events.Partition) (stream.Offsets, bool, error)
	Verify(ctx context.Context, partition events.Partition, at stream.Position) error
	NewReader(ctx context.Context) Reader
}

// Sink takes dead letters, and how far the group has come, which Committed tells; −1: it is not known.
type Sink interface {
	Produce(ctx context.Context, messages []stream.Message) error
	Commit(ctx context.Context, offsets map[events.Partition]events.Offset) error
	Committed(ctx context.Context, partition events.Partition) (events.Offset, error)
}

// Reader reads partitions, one PartitionReader at a time for each.
type Reader interface {
	Open(partition events.Partition, at stream.Position) PartitionReader
	Close()
}

// PartitionReader hands out batches in order. An error other than the context's is final.
type PartitionReader interface {
	Next(ctx context.Context) (*stream.Batch, error)
	Close()
}

// Group tells a crew which partitions are its own, and what it watches over.
type Group interface {
	Assign(ctx context.Context, h stream.Handler) error
	Offsets(ctx context.Context) (map[events.Partition]stream.Offsets, error)
	OpenTransactions(ctx context.Context, partition events.Partition) ([]stream.OpenTransaction, error)
}

// LogOf returns a log as workers need it.
func LogOf(l *stream.Log) Log { return streamLog{l} }

type streamLog struct{ *stream.Log }

func (l streamLog) NewReader(ctx context.Context) Reader { return streamReader{l.Log.NewReader(ctx)} }

type streamReader struct{ *stream.Reader }

func (r streamReader) Open(partition events.Partition, at stream.Position) PartitionReader {
	return r.Reader.Open(partition, at)
}

// LogPosition says in the reader's words where the shard stands.
func LogPosition(p counter.Position) stream.Position {
	return stream.Position{Offset: p.Next, BatchOffset: p.BatchOffset, BatchCRC: p.BatchCRC, LeaderEpoch: p.LeaderEpoch}
}
