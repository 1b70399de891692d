package stream

import (
	"context"
	"fmt"
	"slices"

	"headcount/events"
	"headcount/events/stream/backoff"
	"headcount/events/stream/group"
	"headcount/events/stream/wire"
)

// Handler is told which partitions are ours. Its methods are called one at a time.
type Handler = group.Handler

// Assign keeps the handler told until the context ends, revokes all, and returns nil. With a Config.Group it takes part in the
// group; without, every partition is ours, and new ones are seen within Config.MetadataInterval. FencedError: another process
// joined under our instance name. RecreatedError, ErrNoTopic: the topic is not there any more. Before any error, all is revoked.
func (l *Log) Assign(ctx context.Context, h Handler) error {
	var err error
	if l.config.Group == "" {
		err = l.assignAll(ctx, h)
	} else {
		err = l.group.Assign(ctx, h)
	}
	if ctx.Err() != nil && !wire.IsLost(err) {
		return nil
	}
	return err
}

// assignAll has every partition be ours, as there is no group.
func (l *Log) assignAll(ctx context.Context, h Handler) error {
	var ours []events.Partition
	defer func() {
		if len(ours) > 0 {
			h.Revoked(ours)
		}
	}()
	for {
		var t *Topic
		err := l.persist(ctx, "look at topic "+l.config.Topic, func(ctx context.Context) (err error) {
			t, err = l.metadata(ctx, l.config.Topic)
			return err
		})
		if err != nil {
			return fmt.Errorf("assign the partitions of topic %s: %w", l.config.Topic, err)
		}
		var more []events.Partition
		for _, p := range t.Partitions {
			if !slices.Contains(ours, p.ID) {
				more = append(more, p.ID)
			}
		}
		if len(more) > 0 {
			ours = append(ours, more...)
			h.Assigned(more)
		}
		if !backoff.Sleep(ctx, l.config.MetadataInterval) {
			return nil
		}
	}
}
