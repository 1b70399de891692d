package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/wire"
)

// OpenTransaction is one that is neither committed nor aborted: nothing behind its first record is read until it is.
type OpenTransaction struct {
	ProducerID    int64
	ProducerEpoch int32
	From          events.Offset // offset of its first record in the partition
	Last          time.Time     // when its producer last wrote to the partition
}

func (o OpenTransaction) String() string {
	return fmt.Sprintf("producer id %d, epoch %d, from offset %d on, last heard of at %s", o.ProducerID, o.ProducerEpoch, o.From, o.Last.UTC().Format(time.RFC3339))
}

// describeProducers is the request's key; kafka-go has no name for it.
const describeProducers protocol.ApiKey = 61

// OpenTransactions asks the partition's leader which transactions are open in it. Apache Kafka answers from 2.8 on; of a broker
// that does not, the error is that it lacks the request.
func (l *Log) OpenTransactions(ctx context.Context, partition events.Partition) ([]OpenTransaction, error) {
	var open []OpenTransaction
	name := wire.PartitionName(l.config.Topic, partition)
	err := l.persistBriefly(ctx, "ask for the open transactions of "+name, func(ctx context.Context) error {
		t, err := l.metadata(ctx, l.config.Topic)
		if err != nil {
			return err
		}
		p, ok := t.partition(partition)
		if !ok {
			return wire.Refusal(wire.CodeUnknownTopic, "describe producers of", name, "")
		}
		if p.Leader < 0 {
			return wire.Refusal(wire.CodeNoLeader, "describe producers of", name, "")
		}
		version, err := l.version(ctx, p.Leader, describeProducers, 0)
		if err != nil {
			return err
		}
		e := wire.Encoder{Flexible: true}
		e.Array(1)
		e.Str(l.config.Topic)
		e.Array(1)
		e.Partition(partition)
		e.Tags()
		e.Tags()
		q := &request{key: describeProducers, version: version, node: p.Leader, flexible: true, body: e.Buf}
		if err := l.send(ctx, q); err != nil {
			return err
		}
		open, err = decodeProducers(q.whole, l.config.Topic, partition)
		return err
	})
	return open, err
}

// decodeProducers reads an answer to DescribeProducers 0 and keeps the producers with an open transaction.
func decodeProducers(b []byte, topic string, partition events.Partition) ([]OpenTransaction, error) {
	d := wire.Decoder{Buf: b, Flexible: true}
	var open []OpenTransaction
	var refused error
	d.Int32() // throttle
	for n := d.Array(3); n > 0; n-- {
		name := d.Str()
		for m := d.Array(9); m > 0; m-- {
			id, c, message := d.Partition(), wire.Code(d.Int16()), d.Str()
			ours := name == topic && id == partition
			if ours && c != wire.CodeNone && refused == nil {
				refused = wire.Refusal(c, "describe producers of", wire.PartitionName(topic, id), message)
			}
			for k := d.Array(37); k > 0; k-- {
				var o OpenTransaction
				o.ProducerID, o.ProducerEpoch = d.Int64(), d.Int32()
				d.Int32() // last sequence number
				o.Last = time.UnixMilli(d.Int64())
				d.Int32() // coordinator's epoch
				o.From = d.Offset()
				d.Tags()
				if ours && o.From >= 0 && d.Err == nil {
					open = append(open, o)
				}
			}
			d.Tags()
		}
		d.Tags()
	}
	d.Tags()
	if d.Err != nil {
		return nil, fmt.Errorf("describe producers of %s: %w", wire.PartitionName(topic, partition), d.Err)
	}
	return open, refused
}
