package stream

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/wire"
)

// epochEnd is what a leader knows of an epoch: the newest that is not after the one asked for, and where in its log that ends.
// A leader that knows none says −1.
type epochEnd struct {
	epoch  int32
	offset events.Offset
}

// offsetForLeaderEpoch 3 is the first that clients may ask (Kafka 2.3); 4 is flexible.
var offsetForLeaderEpochVersions = []int16{3, 4}

// epochEnd asks the partition's leader where an epoch ends in its log (KIP-320). The epoch of the leader itself goes along, so that
// one that was replaced refuses to answer. false: the broker does not have the request, or knows nothing of the epoch.
func (l *Log) epochEnd(ctx context.Context, t *Topic, p PartitionInfo, epoch int32) (epochEnd, bool, error) {
	version, err := l.version(ctx, p.Leader, protocol.OffsetForLeaderEpoch, offsetForLeaderEpochVersions...)
	if wire.CodeOf(err) == wire.CodeUnsupported {
		return epochEnd{}, false, nil
	}
	if err != nil {
		return epochEnd{}, false, err
	}
	e := wire.Encoder{Flexible: version >= 4}
	e.Int32(-1) // no replica
	e.Array(1)
	e.Str(t.Name)
	e.Array(1)
	e.Partition(p.ID)
	e.Int32(p.LeaderEpoch)
	e.Int32(epoch)
	e.Tags()
	e.Tags()
	e.Tags()
	r := &request{key: protocol.OffsetForLeaderEpoch, version: version, node: p.Leader, flexible: e.Flexible, body: e.Buf}
	if err := l.send(ctx, r); err != nil {
		return epochEnd{}, false, err
	}
	end, err := decodeEpochEnd(version, r.whole, t.Name, p.ID)
	// An epoch after the one that was asked for answers another question.
	return end, err == nil && end.epoch >= 0 && end.epoch <= epoch && end.offset >= 0, err
}

func decodeEpochEnd(version int16, b []byte, topic string, partition events.Partition) (epochEnd, error) {
	d := wire.Decoder{Buf: b, Flexible: version >= 4}
	end := epochEnd{-1, -1}
	found := false
	var refused error
	const op = "ask for the leader epochs of"
	d.Int32() // throttle
	for n := d.Array(3); n > 0; n-- {
		name := d.Str()
		for m := d.Array(18); m > 0; m-- {
			c, id := wire.Code(d.Int16()), d.Partition()
			got := epochEnd{d.Int32(), d.Offset()}
			d.Tags()
			if name == topic && id == partition {
				found, end, refused = true, got, wire.Refusal(c, op, wire.PartitionName(topic, id), "")
			}
		}
		d.Tags()
	}
	d.Tags()
	if d.Err == nil && !found {
		d.Err = wire.ErrLeftOut
	}
	if d.Err != nil {
		return epochEnd{-1, -1}, fmt.Errorf("%s %s: answer: %w", op, wire.PartitionName(topic, partition), d.Err)
	}
	return end, refused
}

// parted says in words where the log and what was read from it part, by the leader's word on the epoch of the last batch read; from
// is the first offset that is gone or replaced. Empty: they do not part.
func (end epochEnd) parted(at Position) (detail string, from events.Offset) {
	switch {
	case end.epoch < at.LeaderEpoch:
		return fmt.Sprintf("the leader's log knows no epoch %d, in which offset %d was read; its epoch %d ends at offset %d",
			at.LeaderEpoch, at.BatchOffset, end.epoch, end.offset), min(end.offset, at.BatchOffset)
	case end.offset < at.Offset:
		return fmt.Sprintf("leader epoch %d, in which offset %d was read, ends at offset %d in the leader's log",
			at.LeaderEpoch, at.BatchOffset, end.offset), end.offset
	}
	return "", 0
}
