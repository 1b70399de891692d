package stream

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go/protocol"
)

// Offsets are what a partition holds.
type Offsets struct {
	Start  int64 // of the first record
	End    int64 // after the last record on all in-sync replicas
	Stable int64 // up to where nothing is undecided: what a reader is given; below End while a transaction is open
}

const (
	earliest = -2
	latest   = -1

	uncommitted = 0
	committed   = 1
)

// Offsets asks the leaders for every partition's offsets.
func (l *Log) Offsets(ctx context.Context) (map[int32]Offsets, error) {
	return l.askOffsets(ctx, func(Partition) bool { return true })
}

// PartitionOffsets asks the leader for one partition's offsets; false: the topic has no such partition.
func (l *Log) PartitionOffsets(ctx context.Context, partition int32) (Offsets, bool, error) {
	all, err := l.askOffsets(ctx, func(p Partition) bool { return p.ID == partition })
	o, ok := all[partition]
	return o, ok, err
}

func (l *Log) askOffsets(ctx context.Context, wanted func(Partition) bool) (map[int32]Offsets, error) {
	var all map[int32]Offsets
	err := l.persistBriefly(ctx, "ask for the offsets of topic "+l.config.Topic, func(ctx context.Context) error {
		t, err := l.metadata(ctx, l.config.Topic)
		if err != nil {
			return err
		}
		var ids []int32
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

func (l *Log) offsetsOf(ctx context.Context, t *Topic, partitions []int32) (map[int32]Offsets, error) {
	all := make(map[int32]Offsets, len(partitions))
	byLeader := map[int32][]Partition{}
	for _, id := range partitions {
		p, ok := t.partition(id)
		if !ok {
			return nil, refusal(codeUnknownTopic, "list offsets of", partitionName(t.Name, id), "")
		}
		if p.Leader < 0 {
			return nil, refusal(codeNoLeader, "list offsets of", partitionName(t.Name, id), "")
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

func (l *Log) listOffsets(ctx context.Context, node int32, topic string, ps []Partition, time int64, isolation int8) (map[int32]int64, error) {
	version, err := l.version(ctx, node, protocol.ListOffsets, 5)
	if err != nil {
		return nil, err
	}
	var e encoder
	e.int32(-1)
	e.int8(isolation)
	e.array(1)
	e.string(topic)
	e.array(len(ps))
	for _, p := range ps {
		e.int32(p.ID)
		e.int32(-1) // whatever the leader's epoch
		e.int64(time)
	}
	r := &request{key: protocol.ListOffsets, version: version, node: node, body: e.b}
	if err := l.send(ctx, r); err != nil {
		return nil, err
	}
	found, err := decodeListOffsets(r.whole, topic)
	if err != nil {
		return nil, err
	}
	for _, p := range ps {
		if _, ok := found[p.ID]; !ok {
			return nil, fmt.Errorf("list offsets of %s: the broker's answer leaves it out", partitionName(topic, p.ID))
		}
	}
	return found, nil
}

func decodeListOffsets(b []byte, topic string) (map[int32]int64, error) {
	d := decoder{b: b}
	found := map[int32]int64{}
	var refused error
	d.int32()
	for n := d.array(6); n > 0; n-- {
		name := d.string()
		for m := d.array(26); m > 0; m-- {
			id, c := d.int32(), code(d.int16())
			d.int64()
			offset := d.int64()
			d.int32()
			if name != topic {
				continue
			}
			if c != codeNone && refused == nil {
				refused = refusal(c, "list offsets of", partitionName(topic, id), "")
			}
			found[id] = offset
		}
	}
	if d.err != nil {
		return nil, fmt.Errorf("list offsets of topic %s: %w", topic, d.err)
	}
	return found, refused
}
