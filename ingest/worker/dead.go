package worker

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"headcount/events"
	"headcount/events/stream"
)

// addDeadLetters copies the records that were rejected, with the reason and the place they came from: the reader's buffers are about
// to be used again.
func (w *Worker) addDeadLetters(recs []events.Record) {
	for i, dead := 0, w.shard.TakeDead(); len(dead) > 0; i++ {
		if recs[i].Offset != dead[0].Offset {
			continue
		}
		r := &recs[i]
		w.figure.rejected(dead[0].Reason, 1)
		if dead[0].Reason == events.OverLimit {
			w.over.add(dead[0].App)
		}
		w.bury(w.letter(r, dead[0].Reason, int64(len(r.Key)+len(r.Value))))
		dead = dead[1:]
	}
}

// refuse counts what stands in the log and is no record, and makes its dead letter: of a batch that its producer broke one for all its
// offsets.
func (w *Worker) refuse(x *stream.Refused) {
	n := uint64(x.Last - x.First + 1)
	w.shard.Refuse(n, x.Reason)
	w.figure.rejected(x.Reason, n)
	if x.Reason == events.OverLimit {
		w.over.records += int(n)
	} else {
		w.log.Error("a batch was broken by its producer: its records are not counted; find out who sent it", "from", x.First, "to", x.Last, "records", n)
	}
	m := w.letter(&events.Record{Offset: x.First, Timestamp: x.Timestamp, Key: x.Key, Value: x.Value}, x.Reason, x.Bytes)
	if x.Reason == events.BrokenBatch {
		m.Headers = append(m.Headers, number("first-offset", int64(x.First)), number("last-offset", int64(x.Last)))
	}
	w.bury(m)
}

func (w *Worker) bury(m stream.Message) {
	if w.cfg.Buried != nil && w.cfg.Buried(&m) {
		return
	}
	w.dead = append(w.dead, m)
	w.deadBytes += len(m.Key) + len(m.Value)
}

// takeDead returns the dead letters that are to be written.
func (w *Worker) takeDead() []stream.Message {
	dead := w.dead
	w.dead, w.deadBytes = nil, 0
	return dead
}

func number(header string, n int64) stream.Header {
	return stream.Header{Key: header, Value: strconv.AppendInt(nil, n, 10)}
}

// mostLetter is what a letter holds of a record's key and value: a topic takes a record of 1 MiB unless it was told otherwise, and
// what the log took in another compression, or was told to take, must not stop the partition. The whole record is where the letter
// says.
const mostLetter = 1<<20 - 4<<10 - mostHeaders

// letter makes the dead letter of a record whose key and value have that many bytes. Brokers refuse times that lie far ahead.
func (w *Worker) letter(r *events.Record, reason events.Reason, whole int64) stream.Message {
	key := r.Key[:min(len(r.Key), mostLetter)]
	value := r.Value[:min(len(r.Value), mostLetter-len(key))]
	m := stream.Message{
		Topic: w.cfg.DeadLetter, Partition: -1,
		Key: bytes.Clone(key), Value: bytes.Clone(value), Time: time.UnixMilli(min(max(r.Timestamp, 0), w.cfg.Clock.Now().UnixMilli())),
		Headers: []stream.Header{
			{Key: "reason", Value: []byte(reason)},
			{Key: "topic", Value: []byte(w.cfg.Topic.Name)},
			number("partition", int64(w.partition)),
			number("offset", int64(r.Offset)),
		},
	}
	headers, cut := headersOf(r)
	if whole > mostLetter || cut {
		m.Headers = append(m.Headers, number("cut-from-bytes", whole+int64(len(r.Headers))))
	}
	m.Headers = append(m.Headers, headers...)
	return m
}

// mostHeaders is what a letter keeps of a record's headers, bytes.
const mostHeaders = 16 << 10

// headersOf are a record's headers as its letter has them, behind its own: those that are called as one of them are called original-…. cut: some do not fit.
func headersOf(r *events.Record) (headers []stream.Header, cut bool) {
	in, bytes := r.EncodedHeaders(), 0
	for range r.HeaderCount {
		key, value, ok := in.Next()
		if !ok {
			break
		}
		if len(key)+len(value) > mostHeaders-bytes {
			cut = true
			continue
		}
		bytes += len(key) + len(value)
		name := string(key)
		if stream.LetterHeader(name) {
			name = stream.Original + name
		}
		headers = append(headers, stream.Header{Key: name, Value: slices.Clone(value)})
	}
	return headers, cut
}

// over is what was over a limit since it was said last.
type over struct {
	records int
	apps    map[string]bool // a few of them
}

func (o *over) add(app string) {
	if o.apps == nil {
		o.apps = map[string]bool{}
	}
	if len(o.apps) < 5 && app != "" {
		o.apps[app] = true
	}
	o.records++
}

// alarm says what was over a limit since the last checkpoint.
func (w *Worker) alarm() {
	if w.over.records > 0 {
		w.log.Error("over limit: records were not counted, and the bills of their apps will be held; find out who sends so many new ids, or raise the limits of the months to come",
			"records", w.over.records, "apps", slices.Sorted(maps.Keys(w.over.apps)))
		w.over = over{}
	}
}

// mostDead is how many dead letters are held before they are written without waiting for a checkpoint, and mostDeadBytes how large they may be.
const (
	mostDead      = 1000
	mostDeadBytes = 16 << 20
)

// DeadLetterError says that dead letters cannot be written.
type DeadLetterError struct{ Err error }

func (e *DeadLetterError) Error() string { return "write dead letters: " + e.Err.Error() }
func (e *DeadLetterError) Unwrap() error { return e.Err }

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
		w.log.Error("dead letters cannot be written; the partition waits. Create the topic or allow writing to it",
			"topic", w.cfg.DeadLetter, "records", len(dead), "error", &DeadLetterError{err})
		if w.cfg.Clock.Sleep(w.told, wait) != nil { // ctx ends later
			return &DeadLetterError{err}
		}
	}
	return nil
}
