package stream

import (
	"context"
	"fmt"
	"time"

	"headcount/events"
	"headcount/events/stream/batch"
	"headcount/events/stream/wire"
)

// batchBytes is what a batch holds before compression: below the brokers' default max.message.bytes of 1 MiB.
const batchBytes = 960 << 10

type topicPartition struct {
	topic     string
	partition events.Partition
}

// Produce sends the messages and returns when all in-sync replicas have them all. Those of a partition are written in order, each
// once, and with no other call's between them: a retry that finds its batch there already counts as done. What can pass is retried as
// long as the context lasts; when Produce fails, a part of the messages may be written, in each partition a beginning of them.
// ErrNoTopic: there is no such topic. Calls at the same time share batches, and none waits for another's context; so the messages'
// bytes are not to be changed after a call that was given up.
func (l *Log) Produce(ctx context.Context, messages []Message) error {
	if len(messages) == 0 {
		return nil
	}
	byPartition, err := l.parcels(ctx, messages)
	if err != nil {
		return err
	}
	c := newCall(len(byPartition))
	for id, ms := range byPartition {
		l.lane(id).add(c, ms)
	}
	return c.wait(ctx)
}

// parcels sorts messages by the partition that they go to.
func (l *Log) parcels(ctx context.Context, messages []Message) (map[topicPartition][]*Message, error) {
	byPartition := make(map[topicPartition][]*Message, min(len(messages), 8))
	spread := l.producer.rotates.Add(1)
	var t *Topic
	for i := range messages {
		m := &messages[i]
		id := topicPartition{m.Topic, m.Partition}
		if id.topic == "" {
			id.topic = l.config.Topic
		}
		if t == nil || t.Name != id.topic {
			if err := l.produceLayout(ctx, id.topic, &t); err != nil {
				return nil, err
			}
		}
		n := len(t.Partitions)
		switch {
		case m.Partition >= 0:
			if int(m.Partition) >= n {
				return nil, fmt.Errorf("produce to %s: the topic has %d partitions", wire.PartitionName(id.topic, m.Partition), n)
			}
		case m.Key == nil:
			id.partition = events.Partition(spread % uint32(n))
		default:
			id.partition = batch.PartitionOf(m.Key, n)
		}
		byPartition[id] = append(byPartition[id], m)
	}
	return byPartition, nil
}

// produceLayout finds how many partitions a topic has, as of late: it may grow.
func (l *Log) produceLayout(ctx context.Context, topic string, t **Topic) error {
	l.mu.Lock()
	*t = l.topics[topic]
	l.mu.Unlock()
	if *t != nil && time.Since((*t).seen) < l.config.MetadataInterval {
		return nil
	}
	return l.persist(ctx, "find topic "+topic, func(ctx context.Context) (err error) {
		*t, err = l.metadata(ctx, topic)
		return err
	})
}

func (l *Log) lane(id topicPartition) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lanes[id] == nil {
		l.lanes[id] = newLane(l, id)
	}
	return l.lanes[id]
}

// write has one batch written, whatever it takes.
func (w *lane) write(ctx context.Context, ms []*Message) error {
	l, id := w.log, w.id
	var data []byte
	encoded := batch.Producer{ID: -2}
	maybe := false // written: an answer was lost, or leaves it open, as that of a leader that led no longer when the replicas had it
	now := time.Now().UnixMilli()
	err := l.persist(ctx, "write to "+wire.PartitionName(id.topic, id.partition), func(ctx context.Context) error {
		if !maybe { // else it goes as it was: under another producer id it would be written twice
			if err := l.joinProducers(ctx, w); err != nil {
				return err
			}
		}
		if w.state != encoded {
			c, _ := batch.ParseCodec(l.config.Compression) // Validate has seen to it
			var err error
			if data, err = w.encoder.Encode(ms, c, w.state, now); err != nil {
				return err
			}
			encoded = w.state
		}
		t, err := l.known(ctx, id.topic)
		if err != nil {
			return err
		}
		p, ok := t.partition(id.partition)
		if !ok || p.Leader < 0 {
			l.forgetLeaders(id.topic)
			return wire.Refusal(wire.CodeNoLeader, "write to", wire.PartitionName(id.topic, id.partition), "")
		}
		c, message, err := l.produceOnce(ctx, p.Leader, id, data)
		if err != nil {
			maybe = true
			l.forgetLeaders(id.topic)
			l.forget(p.Leader)
			return err
		}
		switch c {
		case wire.CodeNone, wire.CodeDuplicateSequence:
			return nil
		case wire.CodeOutOfOrderSequence, wire.CodeUnknownProducer, wire.CodeProducerEpoch:
			l.leaveProducers(w) // the broker forgot what this producer wrote
			maybe = false
		default:
			maybe = maybe || c.Class() != wire.Fatal
		}
		if c.Class() == wire.Refresh {
			l.forgetLeaders(id.topic)
		}
		return wire.Refusal(c, "write to", wire.PartitionName(id.topic, id.partition), message)
	})
	if err == nil && w.state.ID >= 0 {
		w.state.Sequence = int32((int64(w.state.Sequence) + int64(len(ms))) & 0x7fffffff)
	}
	if err != nil && maybe {
		l.leaveProducers(w) // whether its sequence numbers are used is not known
	}
	return err
}

// forgetLeaders drops what is known of a topic's leaders.
func (l *Log) forgetLeaders(topic string) {
	l.mu.Lock()
	delete(l.topics, topic)
	l.mu.Unlock()
}
