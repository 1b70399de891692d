package closing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
)

// unread is how long a partition may stay without a sealed index, where neither a group nor the state store tells that nobody reads
// it, before the close counts it itself.
const unread = 10 * time.Second

// unowned returns those of the open partitions that nobody reads, and what is known of the rest. What a stranger in the group has is read by
// nobody of ours.
func (r *reached) unowned(ctx context.Context, open []events.Partition, waited time.Duration) ([]events.Partition, string) {
	if r.Group == "" {
		if r.conn.OwnBroker || waited > unread || r.conn.State.Unattended() {
			return open, "counted by the close"
		}
		return nil, fmt.Sprintf("a process without a group may read them; after %s they are counted by the close", unread)
	}
	members, err := r.conn.Members(ctx)
	if err != nil {
		return nil, fmt.Sprintf("group %s cannot be described: %v", r.Group, err)
	}
	owners := map[events.Partition]stream.GroupMember{}
	for _, m := range members {
		for _, p := range m.Partitions {
			owners[p] = m
		}
	}
	var own []events.Partition
	var readers []string
	for _, p := range open {
		switch m, ok := owners[p]; {
		case ok && m.Stranger == "":
			readers = append(readers, fmt.Sprintf("%d by %s", p, m))
		case ok:
			r.Log.Warn("a stranger is in the group: what it reads is not counted into this state store, and the close counts it itself; give one of the two a group of its own", "group", r.Group, "member", m.String(), "partition", p)
			fallthrough
		default:
			own = append(own, p)
		}
	}
	if len(readers) == 0 {
		return own, "counted by the close"
	}
	return own, "being read: " + strings.Join(readers, ", ")
}

// counting is what a worker of this close is told.
func (r *reached) counting() worker.Config {
	return worker.Config{
		Log: r.conn, Topic: r.conn.Topic, State: r.conn.State, Template: r.conn.Template, Keys: r.Keys,
		Interval: r.Interval, DeadLetter: stream.DeadTopic(r.conn.Topic.Name),
		Until: func(events.Partition) bool { return true }, Logger: r.Log,
		Clock: r.Clock, Go: r.Go,
	}
}

// countHere counts partitions up to their present end, as a worker would: whoever else does the same writes the same. Those
// that hold nothing more than when they were counted last, as counted says, are left out.
func (r *reached) countHere(ctx context.Context, partitions []events.Partition, counted map[events.Partition]events.Offset) error {
	offsets, err := r.conn.Offsets(ctx)
	if err != nil {
		return err
	}
	var grown []events.Partition
	for _, p := range partitions {
		if at, ok := counted[p]; !ok || offsets[p].Stable > at {
			grown = append(grown, p)
		}
	}
	if len(grown) == 0 {
		return nil
	}
	r.Log.Info("nobody reads these partitions: the close counts them", "partitions", list(grown))
	reader := r.conn.NewReader(context.WithoutCancel(ctx)) // the workers hear of the end first
	defer reader.Close()
	counting := make([]worker.Task, len(grown))
	for i, p := range grown {
		counting[i] = r.Go(func() error { return worker.New(r.counting(), p).Run(ctx, reader) })
	}
	var failed error
	for i, p := range grown {
		switch err := counting[i].Wait(); {
		case err == nil:
			counted[p] = offsets[p].Stable
		case errors.Is(err, checkpoint.ErrLost): // another has gone on with it
		case failed == nil:
			failed = err
		}
	}
	return failed
}
