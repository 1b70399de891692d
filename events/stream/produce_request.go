package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events/stream/wire"
)

// mostWriters is how many batches are on their way to a broker at a time, each on a connection of its own.
const mostWriters = 16

// slot is what a batch takes on its way to a broker.
func (l *Log) slot(node int32) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.slots[node] == nil {
		l.slots[node] = make(chan struct{}, mostWriters)
	}
	return l.slots[node]
}

// produceOnce sends a batch to the leader.
func (l *Log) produceOnce(ctx context.Context, node int32, id topicPartition, data []byte) (wire.Code, string, error) {
	version, err := l.version(ctx, node, protocol.Produce, 8, 7)
	if err != nil {
		return 0, "", err
	}
	e := wire.Encoder{Buf: make([]byte, 0, 64+len(id.topic)+len(data))}
	e.Nullable("") // no transaction
	e.Int16(-1)    // all in-sync replicas
	e.Int32(int32(l.config.RequestTimeout / time.Millisecond))
	e.Array(1)
	e.Str(id.topic)
	e.Array(1)
	e.Partition(id.partition)
	e.Bytes(data)
	r := &request{key: protocol.Produce, version: version, node: node, body: e.Buf}
	slot := l.slot(node)
	select {
	case slot <- struct{}{}:
		defer func() { <-slot }()
	case <-ctx.Done():
		return 0, "", context.Cause(ctx)
	}
	if err := l.send(ctx, r); err != nil {
		return 0, "", err
	}
	return decodeProduce(version, r.whole, id)
}

func decodeProduce(version int16, b []byte, id topicPartition) (c wire.Code, message string, err error) {
	d := wire.Decoder{Buf: b}
	found := false
	for n := d.Array(6); n > 0; n-- {
		topic := d.Str()
		for m := d.Array(30); m > 0; m-- {
			partition, got := d.Partition(), wire.Code(d.Int16())
			d.Int64() // base offset
			d.Int64() // append time
			d.Int64() // log start
			words := ""
			if version >= 8 {
				for k := d.Array(6); k > 0; k-- {
					index := d.Int32()
					if s := d.Str(); words == "" && s != "" {
						words = fmt.Sprintf("record %d: %s", index, s)
					}
				}
				if s := d.Str(); s != "" {
					words = s
				}
			}
			if topic == id.topic && partition == id.partition {
				found, c, message = true, got, words
			}
		}
	}
	d.Int32() // throttle
	if d.Err == nil && !found {
		d.Err = wire.ErrLeftOut
	}
	if d.Err != nil {
		return 0, "", fmt.Errorf("write to %s: answer: %w", wire.PartitionName(id.topic, id.partition), d.Err)
	}
	return c, message, nil
}
