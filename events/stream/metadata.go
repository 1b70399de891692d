package stream

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/wire"
)

// topicID is the id that a topic has for life. A topic of the same name made again has another.
type topicID [16]byte

func (id topicID) String() string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// Topic is a topic as a broker describes it.
type Topic struct {
	Name       string
	ID         string // a UUID: of this topic, and of none made later under its name
	Cluster    string
	Partitions []PartitionInfo // sorted by ID

	id         topicID
	seen       time.Time
	operations int32 // bits: what this principal may do; unknownOperations where the broker does not say
	brokers    []int32
}

// PartitionInfo is what metadata says of one of a topic's partitions.
type PartitionInfo struct {
	ID          events.Partition
	Leader      int32 // −1: none at the moment
	LeaderEpoch int32
	Replicas    []int32
	ISR         []int32
}

func (t *Topic) partition(id events.Partition) (PartitionInfo, bool) {
	i, ok := slices.BinarySearchFunc(t.Partitions, id, func(p PartitionInfo, id events.Partition) int { return int(p.ID) - int(id) })
	if !ok {
		return PartitionInfo{}, false
	}
	return t.Partitions[i], true
}

// Version 10 is the first with topic ids (Kafka 2.8).
var metadataVersions = []int16{12, 10}

// goneFor is how long a topic that was seen may be unknown before that is final: brokers that just started know no topics.
const goneFor = 15 * time.Second

// Describe asks for the topic as it is now. ErrNoTopic: there is none. RecreatedError: it is not the one this Log saw first.
func (l *Log) Describe(ctx context.Context) (*Topic, error) {
	var t *Topic
	err := l.persistBriefly(ctx, "describe topic "+l.config.Topic, func(ctx context.Context) (err error) {
		t, err = l.metadata(ctx, l.config.Topic)
		return err
	})
	return t, err
}

// persistBriefly is persist for questions that an operator waits for: each try has half the time, so that a line that stalls is
// left for another.
func (l *Log) persistBriefly(ctx context.Context, what string, f func(context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, l.config.RequestTimeout)
	defer cancel()
	err := l.persist(within, what, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, l.config.RequestTimeout/2)
		defer cancel()
		return f(ctx)
	})
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return err
}

// metadata asks once, and remembers what it hears.
func (l *Log) metadata(ctx context.Context, name string) (*Topic, error) {
	version, err := l.version(ctx, anyBroker, protocol.Metadata, metadataVersions...)
	if err != nil {
		return nil, err
	}
	r := &request{key: protocol.Metadata, version: version, node: anyBroker, flexible: true, body: encodeMetadata(version, name)}
	if err := l.send(ctx, r); err != nil {
		return nil, err
	}
	t, err := decodeMetadata(version, r.whole, name)
	l.mu.Lock()
	defer l.mu.Unlock()
	if name == l.config.Topic && l.pinned != (topicID{}) && errors.Is(err, ErrNoTopic) {
		if l.goneSince.IsZero() {
			l.goneSince = time.Now()
		}
		if time.Since(l.goneSince) < goneFor {
			return nil, wire.Refusal(wire.CodeUnknownTopic, "find", "topic "+name, "it was there before; the broker may have just started")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("describe topic %s: %w", name, err)
	}
	if name == l.config.Topic {
		l.goneSince = time.Time{}
		if l.pinned == (topicID{}) {
			l.pinned = t.id
		}
		if l.pinned != t.id {
			return nil, &RecreatedError{Topic: name, Was: l.pinned.String(), Now: t.ID}
		}
	}
	t.seen = time.Now()
	l.topics[name] = t
	return t, nil
}

// known returns the topic as last seen, asking where it was never.
func (l *Log) known(ctx context.Context, name string) (*Topic, error) {
	l.mu.Lock()
	t := l.topics[name]
	l.mu.Unlock()
	if t != nil {
		return t, nil
	}
	return l.metadata(ctx, name)
}

func encodeMetadata(version int16, name string) []byte {
	e := wire.Encoder{Flexible: true}
	e.Array(1)
	e.Buf = append(e.Buf, make([]byte, 16)...) // by name, not by id
	e.Str(name)
	e.Tags()
	e.Bool(false) // create nothing
	if version <= 10 {
		e.Bool(false) // operations on the cluster
	}
	e.Bool(true) // operations on the topic
	e.Tags()
	return e.Buf
}

func decodeMetadata(version int16, b []byte, name string) (*Topic, error) {
	d := wire.Decoder{Buf: b, Flexible: true}
	t := &Topic{Name: name, operations: wire.UnknownOperations}
	d.Int32() // throttle
	t.brokers = decodeBrokers(&d)
	t.Cluster = d.Str()
	d.Int32() // controller
	found := false
	c := wire.CodeNone
	for n := d.Array(21); n > 0; n-- {
		topicCode := wire.Code(d.Int16())
		got := d.Str()
		var id topicID
		copy(id[:], d.Take(16))
		d.Bool()
		partitions := decodePartitions(&d)
		operations := d.Int32()
		d.Tags()
		if got == name {
			found, c = true, topicCode
			t.id, t.ID, t.Partitions, t.operations = id, id.String(), partitions, operations
		}
	}
	if version <= 10 {
		d.Int32()
	}
	d.Tags()
	if d.Err == nil && !found {
		d.Err = wire.ErrLeftOut
	}
	if d.Err != nil {
		return nil, fmt.Errorf("metadata answer: %w", d.Err)
	}
	if err := wire.Refusal(c, wire.OpDescribe, "topic "+name, ""); err != nil {
		return nil, err
	}
	if len(t.Partitions) == 0 {
		return nil, wire.Refusal(wire.CodeNoLeader, wire.OpDescribe, "topic "+name, "no partitions yet")
	}
	if t.id == (topicID{}) {
		return nil, fmt.Errorf("topic %s has no id: the brokers' metadata is older than Kafka 2.8 (raise inter.broker.protocol.version)", name)
	}
	return t, nil
}

func decodeBrokers(d *wire.Decoder) (ids []int32) {
	for n := d.Array(11); n > 0; n-- {
		ids = append(ids, d.Int32())
		d.Str()
		d.Int32()
		d.Str()
		d.Tags()
	}
	return ids
}

func decodePartitions(d *wire.Decoder) []PartitionInfo {
	var ps []PartitionInfo
	for n := d.Array(18); n > 0; n-- {
		d.Int16() // of the leader: a partition without one has Leader −1
		var p PartitionInfo
		p.ID, p.Leader, p.LeaderEpoch = d.Partition(), d.Int32(), d.Int32()
		p.Replicas, p.ISR = d.Int32s(), d.Int32s()
		d.Int32s() // offline
		d.Tags()
		ps = append(ps, p)
	}
	slices.SortFunc(ps, func(a, b PartitionInfo) int { return int(a.ID) - int(b.ID) })
	return ps
}
