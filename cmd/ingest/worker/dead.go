package worker

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"headcount/events"
	"headcount/events/stream"
)

// bury copies the records that were rejected, with the reason and the place they came from: the reader's buffers are about to
// be used again.
func (w *Worker) bury(recs []events.Record) {
	for i, dead := 0, w.shard.TakeDead(); len(dead) > 0; i++ {
		if recs[i].Offset != dead[0].Offset {
			continue
		}
		r := &recs[i]
		w.dead = append(w.dead, stream.Message{
			Topic: w.cfg.DeadLetter, Partition: -1,
			Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value), Time: time.UnixMilli(max(r.Timestamp, 0)),
			Headers: []stream.Header{
				{Key: "reason", Value: []byte(dead[0].Reason)},
				{Key: "topic", Value: []byte(w.cfg.Topic.Name)},
				{Key: "partition", Value: strconv.AppendInt(nil, int64(w.partition), 10)},
				{Key: "offset", Value: strconv.AppendInt(nil, r.Offset, 10)},
			},
		})
		dead = dead[1:]
	}
}

// mostDead is how many dead letters are held before they are written without waiting for a checkpoint.
const mostDead = 1000

// writeDead writes dead letters to the log. Where their topic is missing the shard waits, loudly: a checkpoint must not pass a
// record that went nowhere. A worker that was told to stop does not wait: the next one reads those records again.
func (w *Worker) writeDead(ctx context.Context, dead []stream.Message) error {
	for wait := time.Second; len(dead) > 0; wait = min(2*wait, 30*time.Second) {
		err := w.cfg.Log.Produce(ctx, dead)
		if err == nil {
			w.log.Info("dead letters written", "topic", w.cfg.DeadLetter, "records", len(dead))
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("write dead letters: %w", ctx.Err())
		}
		w.log.Error("dead letters cannot be written; the partition waits. Create the topic (`ingest init`) or allow writing to it",
			"topic", w.cfg.DeadLetter, "records", len(dead), "error", err)
		if w.cfg.Clock.Sleep(w.told, wait) != nil { // ctx ends later
			return fmt.Errorf("write dead letters: %w", err)
		}
	}
	return nil
}
