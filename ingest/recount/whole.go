package recount

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
)

// wholeLog refuses where records that the month may need are gone, also where others took their place: a count from the log's start
// would not miss them.
func (m *Month) wholeLog(ctx context.Context) error {
	offsets, err := m.Log.Offsets(ctx)
	if err != nil {
		return &UnreachableError{"offsets", err}
	}
	partitions := slices.Sorted(maps.Keys(offsets))
	short := &ShortLogError{Month: m.Month}
	for _, p := range partitions {
		if start := offsets[p].Start; start > 0 {
			short.Starts = append(short.Starts, Start{p, start})
		}
	}
	if len(short.Starts) > 0 {
		return short
	}
	for _, p := range partitions {
		if err := m.wholePartition(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// wholePartition holds the log against the newest checkpoint.
func (m *Month) wholePartition(ctx context.Context, p events.Partition) error {
	counted, _, err := m.State.Partition(counter.Identity{Cluster: m.Topic.Cluster, TopicID: m.Topic.ID, Partition: p}).Glance(ctx)
	if errors.Is(err, checkpoint.ErrNone) {
		return nil
	}
	if err != nil {
		return &UnreachableError{fmt.Sprintf("partition %d", p), err}
	}
	err = m.Log.Verify(ctx, p, worker.LogPosition(counted))
	if cut, ok := errors.AsType[*stream.TruncatedError](err); ok {
		return &CutLogError{m.Month, cut}
	}
	if err != nil {
		return &UnreachableError{fmt.Sprintf("partition %d", p), err}
	}
	return nil
}
