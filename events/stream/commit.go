package stream

import (
	"context"
	"errors"

	"github.com/segmentio/kafka-go/protocol/offsetcommit"
)

// Commit tells the group how far each partition is counted, for whoever watches its lag. Headcount itself never reads it back. It
// does nothing without a group, or while this process is no member.
func (l *Log) Commit(ctx context.Context, offsets map[int32]int64) error {
	l.mu.Lock()
	ours := l.member
	l.mu.Unlock()
	if ours == nil || len(offsets) == 0 {
		return nil
	}
	m := *ours
	err := m.commit(ctx, offsets)
	if err != nil && (codeOf(err) == codeNone || codeOf(err) == codeNotCoordinator || codeOf(err) == codeNoCoordinator) {
		m.coordinator = anyBroker // it may have moved
		err = m.commit(ctx, offsets)
	}
	return err
}

func (m *membership) commit(ctx context.Context, offsets map[int32]int64) error {
	if err := m.find(ctx); err != nil {
		return err
	}
	l := m.l
	topic := offsetcommit.RequestTopic{Name: l.config.Topic}
	for p, o := range offsets {
		topic.Partitions = append(topic.Partitions, offsetcommit.RequestPartition{PartitionIndex: p, CommittedOffset: o, CommittedLeaderEpoch: -1})
	}
	a, err := ask[*offsetcommit.Response](ctx, l, m.coordinator, commitVersion, &offsetcommit.Request{
		GroupID: l.config.Group, GenerationID: m.generation, MemberID: m.id, GroupInstanceID: l.config.Instance, Topics: []offsetcommit.RequestTopic{topic}})
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range a.Topics {
		for _, p := range t.Partitions {
			errs = append(errs, refusal(code(p.ErrorCode), "commit the offset of", partitionName(t.Name, p.PartitionIndex), ""))
		}
	}
	return errors.Join(errs...)
}
