package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// OpenTransaction is one that is neither committed nor aborted: nothing behind its first record is read until it is.
type OpenTransaction struct {
	ProducerID    int64
	ProducerEpoch int32
	From          int64     // offset of its first record in the partition
	Last          time.Time // when its producer last wrote to the partition
}

func (o OpenTransaction) String() string {
	return fmt.Sprintf("producer id %d, epoch %d, from offset %d on, last heard of at %s", o.ProducerID, o.ProducerEpoch, o.From, o.Last.UTC().Format(time.RFC3339))
}

// describeProducers is the request's key; kafka-go has no name for it.
const describeProducers protocol.ApiKey = 61

// OpenTransactions asks the partition's leader which transactions are open in it. Apache Kafka answers from 2.8 on; of a broker
// that does not, the error is that it lacks the request.
func (l *Log) OpenTransactions(ctx context.Context, partition int32) ([]OpenTransaction, error) {
	var open []OpenTransaction
	name := partitionName(l.config.Topic, partition)
	err := l.persistBriefly(ctx, "ask for the open transactions of "+name, func(ctx context.Context) error {
		t, err := l.metadata(ctx, l.config.Topic)
		if err != nil {
			return err
		}
		p, ok := t.partition(partition)
		if !ok {
			return refusal(codeUnknownTopic, "describe producers of", name, "")
		}
		if p.Leader < 0 {
			return refusal(codeNoLeader, "describe producers of", name, "")
		}
		version, err := l.version(ctx, p.Leader, describeProducers, 0)
		if err != nil {
			return err
		}
		e := encoder{flexible: true}
		e.array(1)
		e.string(l.config.Topic)
		e.array(1)
		e.int32(partition)
		e.tags()
		e.tags()
		q := &request{key: describeProducers, version: version, node: p.Leader, flexible: true, body: e.b}
		if err := l.send(ctx, q); err != nil {
			return err
		}
		open, err = decodeProducers(q.whole, l.config.Topic, partition)
		return err
	})
	return open, err
}

// decodeProducers reads an answer to DescribeProducers 0 and keeps the producers with an open transaction.
func decodeProducers(b []byte, topic string, partition int32) ([]OpenTransaction, error) {
	d := decoder{b: b, flexible: true}
	var open []OpenTransaction
	var refused error
	d.int32() // throttle
	for n := d.array(3); n > 0; n-- {
		name := d.string()
		for m := d.array(9); m > 0; m-- {
			id, c, message := d.int32(), code(d.int16()), d.string()
			ours := name == topic && id == partition
			if ours && c != codeNone && refused == nil {
				refused = refusal(c, "describe producers of", partitionName(topic, id), message)
			}
			for k := d.array(37); k > 0; k-- {
				var o OpenTransaction
				o.ProducerID, o.ProducerEpoch = d.int64(), d.int32()
				d.int32() // last sequence number
				o.Last = time.UnixMilli(d.int64())
				d.int32() // coordinator's epoch
				o.From = d.int64()
				d.tags()
				if ours && o.From >= 0 && d.err == nil {
					open = append(open, o)
				}
			}
			d.tags()
		}
		d.tags()
	}
	d.tags()
	if d.err != nil {
		return nil, fmt.Errorf("describe producers of %s: %w", partitionName(topic, partition), d.err)
	}
	return open, refused
}
