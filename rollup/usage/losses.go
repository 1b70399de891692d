package usage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headcount/counter/checkpoint"
	"headcount/events"
)

// Losses says which accepted losses may have taken events of a month that were to be counted in a partition up to an offset: that of
// its seal, which was written after the close began.
func Losses(ctx context.Context, in *checkpoint.Partition, p events.Partition, m events.Month, seal events.Offset, began time.Time) (lost []string, err error) {
	losses, damaged, err := in.Losses(ctx)
	if err != nil || len(losses)+len(damaged) == 0 {
		return nil, err
	}
	after := events.Offset(-1)
	index, err := in.Index(ctx, m-2)
	switch {
	case err == nil:
		after = index.Offset
	case !errors.Is(err, checkpoint.ErrNotSealed):
		return nil, fmt.Errorf("partition %d: %w", p, err)
	}
	for _, l := range losses {
		if mayConcern(l, m, after, seal, began) {
			lost = append(lost, fmt.Sprintf("partition %d: records were lost (%s), and the loss was accepted", p, l.Reason))
		}
	}
	for _, err := range damaged {
		lost = append(lost, fmt.Sprintf("partition %d: records were lost, and which ones cannot be read: %v: restore it from the state store's backup", p, err))
	}
	return lost, nil
}

// early is how long before a month begins in UTC its first events may be written: time zones, and clocks that are wrong.
const early = 48 * time.Hour

// mayConcern says whether a loss may have taken events of a month: after is the offset of the seal of the month before the last
// (−1: none), seal that of the month. Where the log was cut off and the seal was the first to be written again, it lies at the
// very offset from which records were lost.
//
// What lies before the seal of the month before the last is none of this month's where that was closed in time. Where closes were
// missed it may be: unless the loss was accepted before the month began. What was accepted before the close began comes before the seal,
// also where that has a lower offset: in a log that was cut since, with an older state.
func mayConcern(l checkpoint.Loss, m events.Month, after, seal events.Offset, began time.Time) bool {
	begins := time.Date(m.Year(), m.Calendar(), 1, 0, 0, 0, 0, time.UTC)
	if !l.Accepted.Before(begins.Add(-early)) {
		return l.From <= seal || l.Accepted.Before(began)
	}
	return l.From <= seal && l.To > after
}
