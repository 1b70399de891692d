package closing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"headcount/counter/checkpoint"
	"headcount/events/signed"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rollup/closed"
)

// patience is how long the log may take to give a seal that it says to have.
const patience = 30 * time.Second

// openSeal begins to read at the seal by which a partition was sealed; nil: by its offsets, the log does not hold it. All are opened
// before the first is read: a broker holds a fetch at the log's end for a while, and the next partition would wait behind it.
func openSeal(in worker.Reader, x *checkpoint.Index, o stream.Offsets) worker.PartitionReader {
	if x.Offset < o.Start || x.Offset >= o.Stable {
		return nil
	}
	return in.Open(x.Partition, stream.Position{Offset: x.Offset, BatchOffset: -1, LeaderEpoch: -1})
}

// cutBefore says how the log lacks the seal by which a partition was sealed, once that was read; empty: it has it, or retention took it.
// A log that was cut off before it may have grown past it again: only the record itself tells, signed with the month's key.
func (b *begun) cutBefore(ctx context.Context, from worker.PartitionReader, x *checkpoint.Index, o stream.Offsets, key ed25519.PublicKey) (string, error) {
	if o.Stable <= x.Offset {
		return fmt.Sprintf("the log ends at offset %d, before", o.Stable), nil
	}
	if from == nil {
		return "", nil
	}
	defer from.Close()
	ctx, cancel := b.Clock.Until(ctx, b.Clock.Now().Add(patience))
	defer cancel()
	batch, err := from.Next(ctx)
	if err != nil {
		return b.noSeal(x, err)
	}
	defer batch.Release()
	for _, r := range batch.Records {
		if r.Offset != x.Offset {
			continue
		}
		if seal, signature, err := signed.ParseSeal(r.Value); err == nil && seal.Hash() == x.SealHash && signature.Verify(key) == nil {
			return "", nil
		}
	}
	return "the log was replaced by another, which has grown past", nil
}

// noSeal is cutBefore where the log does not give what lies there.
func (b *begun) noSeal(x *checkpoint.Index, err error) (string, error) {
	if _, gap := errors.AsType[*stream.GapError](err); gap {
		return "", nil // just now
	}
	if cut, ok := errors.AsType[*stream.TruncatedError](err); ok {
		return cut.Detail + ", before", nil
	}
	if _, corrupt := errors.AsType[*stream.CorruptError](err); corrupt {
		return fmt.Sprintf("the log cannot be read (%v) at", err), nil
	}
	return "", &closed.UnreachableError{What: fmt.Sprintf("read the seal of %s in partition %d", b.month, x.Partition), Err: err, Again: true}
}
