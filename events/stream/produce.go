package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"headcount/events"
	"headcount/events/stream/batch"
	"headcount/events/stream/wire"
)

const (
	// batchBytes is what a batch holds before compression: below the brokers' default max.message.bytes of 1 MiB.
	batchBytes = 960 << 10
	// mostWriters is how many partitions are written at a time.
	mostWriters = 16
)

type topicPartition struct {
	topic     string
	partition events.Partition
}

// partitionWriter is the way into one partition: one batch at a time, so that order holds.
type partitionWriter struct {
	mu      sync.Mutex
	state   batch.Producer
	encoder batch.Encoder
}

// Produce sends the messages and returns when all in-sync replicas have them all. Those of a partition are written in order, each
// once: a retry that finds its batch there already counts as done. What can pass is retried as long as the context lasts; when
// Produce fails, a part of the messages may be written, in each partition a beginning of them. ErrNoTopic: there is no such topic.
func (l *Log) Produce(ctx context.Context, messages []Message) error {
	byPartition := map[topicPartition][]*Message{}
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
				return err
			}
		}
		n := len(t.Partitions)
		switch {
		case m.Partition >= 0:
			if int(m.Partition) >= n {
				return fmt.Errorf("produce to %s: the topic has %d partitions", wire.PartitionName(id.topic, m.Partition), n)
			}
		case m.Key == nil:
			id.partition = events.Partition(spread % uint32(n))
		default:
			id.partition = batch.PartitionOf(m.Key, n)
		}
		byPartition[id] = append(byPartition[id], m)
	}
	// All writers are locked in one order before anything is sent: two calls cannot interleave within a partition, nor lock each
	// other out.
	ids := slices.SortedFunc(maps.Keys(byPartition), func(a, b topicPartition) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	writers := make([]*partitionWriter, len(ids))
	for i, id := range ids {
		writers[i] = l.writer(id)
		writers[i].mu.Lock()
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, mostWriters)
	errs := make([]error, len(ids))
	for i, id := range ids {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { writers[i].mu.Unlock(); <-slots }()
			errs[i] = l.fill(ctx, writers[i], id, byPartition[id])
		})
	}
	wg.Wait()
	return errors.Join(errs...)
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

func (l *Log) writer(id topicPartition) *partitionWriter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writers[id] == nil {
		l.writers[id] = &partitionWriter{state: batch.Producer{ID: -2}}
	}
	return l.writers[id]
}

// fill writes the messages into one partition, batch by batch.
func (l *Log) fill(ctx context.Context, w *partitionWriter, id topicPartition, ms []*Message) error {
	most := len(ms)
	for len(ms) > 0 {
		take, bytes := 0, 0
		for take < min(len(ms), most) && (take == 0 || bytes < batchBytes) {
			bytes += ms[take].Size()
			if take > 0 && bytes > batchBytes {
				break
			}
			take++
		}
		err := l.write(ctx, w, id, ms[:take])
		if wire.CodeOf(err) == wire.CodeTooLarge && take > 1 {
			most = take / 2 // the topic takes less than is usual
			continue
		}
		if err != nil {
			return err
		}
		ms = ms[take:]
	}
	return nil
}

// write has one batch written, whatever it takes.
func (l *Log) write(ctx context.Context, w *partitionWriter, id topicPartition, ms []*Message) error {
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
