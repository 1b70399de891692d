package stream

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"

	"headcount/events"
	"headcount/events/stream/wire"
)

// Offsets are what a partition holds.
type Offsets struct {
	Start  events.Offset // of the first record
	End    events.Offset // after the last record on all in-sync replicas
	Stable events.Offset // up to where nothing is undecided: what a reader is given; below End while a transaction is open
}

const (
	earliest = -2
	latest   = -1

	uncommitted = 0
	committed   = 1
)

// Offsets asks the leaders for every partition's offsets.
func (l *Log) Offsets(ctx context.Context) (map[events.Partition]Offsets, error) {
	return l.askOffsets(ctx, func(PartitionInfo) bool { return true })
}

// PartitionOffsets asks the leader for one partition's offsets; false: the topic has no such partition.
func (l *Log) PartitionOffsets(ctx context.Context, partition events.Partition) (Offsets, bool, error) {
	all, err := l.askOffsets(ctx, func(p PartitionInfo) bool { return p.ID == partition })
	o, ok := all[partition]
	return o, ok, err
}

func (l *Log) askOffsets(ctx context.Context, wanted func(PartitionInfo) bool) (map[events.Partition]Offsets, error) {
	var all map[events.Partition]Offsets
	err := l.persistBriefly(ctx, "ask for the offsets of topic "+l.config.Topic, func(ctx context.Context) error {
		t, err := l.metadata(ctx, l.config.Topic)
		if err != nil {
			return err
		}
		var ids []events.Partition
		for _, p := range t.Partitions {
			if wanted(p) {
				ids = append(ids, p.ID)
			}
		}
		all, err = l.offsetsOf(ctx, t, ids)
		return err
	})
	return all, err
}

func (l *Log) offsetsOf(ctx context.Context, t *Topic, partitions []events.Partition) (map[events.Partition]Offsets, error) {
	all := make(map[events.Partition]Offsets, len(partitions))
	byLeader := map[int32][]PartitionInfo{}
	for _, id := range partitions {
		p, ok := t.partition(id)
		if !ok {
			return nil, wire.Refusal(wire.CodeUnknownTopic, "list offsets of", wire.PartitionName(t.Name, id), "")
		}
		if p.Leader < 0 {
			return nil, wire.Refusal(wire.CodeNoLeader, "list offsets of", wire.PartitionName(t.Name, id), "")
		}
		byLeader[p.Leader] = append(byLeader[p.Leader], p)
	}
	for node, ps := range byLeader {
		// The end is asked for last: it only grows, so that Start ≤ Stable ≤ End holds.
		start, err := l.listOffsets(ctx, node, t.Name, ps, earliest, uncommitted)
		if err != nil {
			return nil, err
		}
		stable, err := l.listOffsets(ctx, node, t.Name, ps, latest, committed)
		if err != nil {
			return nil, err
		}
		end, err := l.listOffsets(ctx, node, t.Name, ps, latest, uncommitted)
		if err != nil {
			return nil, err
		}
		for _, p := range ps {
			all[p.ID] = Offsets{Start: start[p.ID], End: end[p.ID], Stable: stable[p.ID]}
		}
	}
	return all, nil
}

func (l *Log) listOffsets(ctx context.Context, node int32, topic string, ps []PartitionInfo, time int64, isolation int8) (map[events.Partition]events.Offset, error) {
	version, err := l.version(ctx, node, protocol.ListOffsets, 5)
	if err != nil {
		return nil, err
	}
	var e wire.Encoder
	e.Int32(-1)
	e.Int8(isolation)
	e.Array(1)
	e.Str(topic)
	e.Array(len(ps))
	for _, p := range ps {
		e.Partition(p.ID)
		e.Int32(-1) // whatever the leader's epoch
		e.Int64(time)
	}
	r := &request{key: protocol.ListOffsets, version: version, node: node, body: e.Buf}
	if err := l.send(ctx, r); err != nil {
		return nil, err
	}
	found, err := decodeListOffsets(r.whole, topic)
	if err != nil {
		return nil, err
	}
	for _, p := range ps {
		if _, ok := found[p.ID]; !ok {
			return nil, fmt.Errorf("list offsets of %s: the broker's answer leaves it out", wire.PartitionName(topic, p.ID))
		}
	}
	return found, nil
}

func decodeListOffsets(b []byte, topic string) (map[events.Partition]events.Offset, error) {
	d := wire.Decoder{Buf: b}
	found := map[events.Partition]events.Offset{}
	var refused error
	d.Int32()
	for n := d.Array(6); n > 0; n-- {
		name := d.Str()
		for m := d.Array(26); m > 0; m-- {
			id, c := d.Partition(), wire.Code(d.Int16())
			d.Int64()
			offset := d.Offset()
			d.Int32()
			if name != topic {
				continue
			}
			if c != wire.CodeNone && refused == nil {
				refused = wire.Refusal(c, "list offsets of", wire.PartitionName(topic, id), "")
			}
			found[id] = offset
		}
	}
	if d.Err != nil {
		return nil, fmt.Errorf("list offsets of topic %s: %w", topic, d.Err)
	}
	return found, refused
}
