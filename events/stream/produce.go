package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events/stream/batch"
	"headcount/events/stream/wire"
)

const (
	// batchBytes is what a batch holds before compression: below the brokers' default max.message.bytes of 1 MiB.
	batchBytes = 960 << 10
	// produceLanes is how many partitions are written at a time.
	produceLanes = 16
)

type laneID struct {
	topic     string
	partition int32
}

// lane is the way into one partition: one batch at a time, so that order holds.
type lane struct {
	mu      sync.Mutex
	state   batch.Producer
	encoder batch.Encoder
}

// producer is the id under which brokers know batches that they have already.
type producer struct {
	mu      sync.Mutex
	known   bool
	id      int64
	epoch   int16
	rotates atomic.Uint32 // partition for messages without a key
}

// Produce sends the messages and returns when all in-sync replicas have them all. Those of a partition are written in order, each
// once: a retry that finds its batch there already counts as done. What can pass is retried as long as the context lasts; when
// Produce fails, a part of the messages may be written, in each partition a beginning of them. ErrNoTopic: there is no such topic.
func (l *Log) Produce(ctx context.Context, messages []Message) error {
	byLane := map[laneID][]*Message{}
	spread := l.producer.rotates.Add(1)
	var t *Topic
	for i := range messages {
		m := &messages[i]
		id := laneID{m.Topic, m.Partition}
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
			id.partition = int32(spread % uint32(n))
		default:
			id.partition = batch.PartitionOf(m.Key, n)
		}
		byLane[id] = append(byLane[id], m)
	}
	// All lanes are locked in one order before anything is sent: two calls cannot interleave within a partition, nor lock each
	// other out.
	ids := slices.SortedFunc(maps.Keys(byLane), func(a, b laneID) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	lanes := make([]*lane, len(ids))
	for i, id := range ids {
		lanes[i] = l.lane(id)
		lanes[i].mu.Lock()
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, produceLanes)
	errs := make([]error, len(ids))
	for i, id := range ids {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { lanes[i].mu.Unlock(); <-slots }()
			errs[i] = l.fill(ctx, lanes[i], id, byLane[id])
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

func (l *Log) lane(id laneID) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lanes[id] == nil {
		l.lanes[id] = &lane{state: batch.Producer{ID: -2}}
	}
	return l.lanes[id]
}

// fill writes the messages into one partition, batch by batch.
func (l *Log) fill(ctx context.Context, n *lane, id laneID, ms []*Message) error {
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
		err := l.write(ctx, n, id, ms[:take])
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
func (l *Log) write(ctx context.Context, n *lane, id laneID, ms []*Message) error {
	var data []byte
	encoded := batch.Producer{ID: -2}
	maybe := false // written: an answer was lost, or leaves it open, as that of a leader that led no longer when the replicas had it
	now := time.Now().UnixMilli()
	err := l.persist(ctx, "write to "+wire.PartitionName(id.topic, id.partition), func(ctx context.Context) error {
		if !maybe { // else it goes as it was: under another producer id it would be written twice
			if err := l.joinProducers(ctx, n); err != nil {
				return err
			}
		}
		if n.state != encoded {
			c, _ := batch.ParseCodec(l.config.Compression) // Validate has seen to it
			var err error
			if data, err = n.encoder.Encode(ms, c, n.state, now); err != nil {
				return err
			}
			encoded = n.state
		}
		t, err := l.known(ctx, id.topic)
		if err != nil {
			return err
		}
		p, ok := t.partition(id.partition)
		if !ok || p.Leader < 0 {
			l.unknow(id.topic)
			return wire.Refusal(wire.CodeNoLeader, "write to", wire.PartitionName(id.topic, id.partition), "")
		}
		c, message, err := l.produceOnce(ctx, p.Leader, id, data)
		if err != nil {
			maybe = true
			l.unknow(id.topic)
			l.forget(p.Leader)
			return err
		}
		switch c {
		case wire.CodeNone, wire.CodeDuplicateSequence:
			return nil
		case wire.CodeOutOfOrderSequence, wire.CodeUnknownProducer, wire.CodeProducerEpoch:
			l.leaveProducers(n) // the broker forgot what this producer wrote
			maybe = false
		default:
			maybe = maybe || c.Class() != wire.Fatal
		}
		if c.Class() == wire.Refresh {
			l.unknow(id.topic)
		}
		return wire.Refusal(c, "write to", wire.PartitionName(id.topic, id.partition), message)
	})
	if err == nil && n.state.ID >= 0 {
		n.state.Sequence = int32((int64(n.state.Sequence) + int64(len(ms))) & 0x7fffffff)
	}
	if err != nil && maybe {
		l.leaveProducers(n) // whether its sequence numbers are used is not known
	}
	return err
}

// unknow drops what is known of a topic's leaders.
func (l *Log) unknow(topic string) {
	l.mu.Lock()
	delete(l.topics, topic)
	l.mu.Unlock()
}

// joinProducers gives the lane the producer id in force, asking for one where there is none.
func (l *Log) joinProducers(ctx context.Context, n *lane) error {
	p := &l.producer
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.known {
		version, err := l.version(ctx, anyBroker, protocol.InitProducerId, 1, 0)
		if err != nil {
			return err
		}
		var e wire.Encoder
		e.Nullable("") // no transactions
		e.Int32(0)     // nor how long one may take
		d, err := l.call(ctx, anyBroker, protocol.InitProducerId, version, e.Buf)
		if err != nil {
			return err
		}
		c, id, epoch, err := decodeProducerID(d)
		switch {
		case err != nil:
			return err
		case c == wire.CodeNone:
			p.id, p.epoch = id, epoch
		case c.Class() == wire.Fatal:
			// Without leave to be idempotent, a retry can write twice: no harm to a set of facts.
			l.config.Logger.Warn("producing without a producer id: a retry may write a message twice", "error", c)
			p.id, p.epoch = -1, -1
		default:
			return wire.Refusal(c, "ask for a producer id for", "topic "+l.config.Topic, "")
		}
		p.known = true
	}
	if n.state.ID != p.id {
		n.state = batch.Producer{ID: p.id, Epoch: p.epoch}
		if p.id < 0 {
			n.state.Sequence = -1
		}
	}
	return nil
}

func decodeProducerID(d *wire.Decoder) (c wire.Code, id int64, epoch int16, err error) {
	d.Int32() // throttle
	c, id, epoch = wire.Code(d.Int16()), d.Int64(), d.Int16()
	if d.Err != nil {
		return 0, 0, 0, fmt.Errorf("ask for a producer id: answer: %w", d.Err)
	}
	if c == wire.CodeNone && (id < 0 || epoch < 0) {
		return 0, 0, 0, fmt.Errorf("ask for a producer id: answer: id %d, epoch %d", id, epoch)
	}
	return c, id, epoch, nil
}

// leaveProducers has the lane, and those that share its id, take a new one.
func (l *Log) leaveProducers(n *lane) {
	p := &l.producer
	p.mu.Lock()
	if p.known && p.id == n.state.ID && p.id >= 0 {
		p.known = false
	}
	p.mu.Unlock()
}

// produceOnce sends a batch to the leader.
func (l *Log) produceOnce(ctx context.Context, node int32, id laneID, data []byte) (wire.Code, string, error) {
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
	e.Int32(id.partition)
	e.Bytes(data)
	r := &request{key: protocol.Produce, version: version, node: node, body: e.Buf}
	if err := l.send(ctx, r); err != nil {
		return 0, "", err
	}
	return decodeProduce(version, r.whole, id)
}

func decodeProduce(version int16, b []byte, id laneID) (c wire.Code, message string, err error) {
	d := wire.Decoder{Buf: b}
	found := false
	for n := d.Array(6); n > 0; n-- {
		topic := d.Str()
		for m := d.Array(30); m > 0; m-- {
			partition, got := d.Int32(), wire.Code(d.Int16())
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
