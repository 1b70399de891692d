package dead

import (
	"context"
	"fmt"
	"slices"
	"time"

	"headcount/events"
	"headcount/events/decode"
	"headcount/events/stream"
)

// ReplayHeader is the header of a record that was sent again: partition and offset of the one that was a dead letter.
const ReplayHeader = "headcount-replay"

// Replay sends again what was dead and would count by the rules of today.
type Replay struct {
	Log     *stream.Log     // of the topic
	Decoder *decode.Decoder // of today's rules
	Plain   bool            // events are CloudEvents, which can be given a time
	NoDoor  bool            // what a door held against a record, such as that its key was another app's, does not count
	DryRun  bool            // nothing is sent
	Now     func() time.Time
}

// Replayed says what became of letters.
type Replayed struct {
	Sent    int64                   `json:"sent"`    // with a dry run: that would be
	Dead    map[events.Reason]int64 `json:"dead"`    // that are dead letters still, by today's reason
	Unknown int64                   `json:"unknown"` // of types that are not counted
	Gone    int64                   `json:"gone"`    // that are whole neither in the log nor in their letter, or of a batch that cannot be read
}

func (to *Replayed) reject(why events.Reason) {
	if to.Dead == nil {
		to.Dead = map[events.Reason]int64{}
	}
	to.Dead[why]++
}

// Add sends one letter's record again, if it would count, and counts what became of it.
func (r *Replay) Add(ctx context.Context, l *Letter, to *Replayed) error {
	if l.Last > l.Offset || l.Reason == events.BrokenBatch {
		to.Gone += l.Records()
		return nil
	}
	if ok, err := r.original(ctx, l); err != nil {
		return err
	} else if !ok {
		to.Gone++
		return nil
	}
	l.Headers = slices.DeleteFunc(l.Headers, func(h stream.Header) bool {
		return h.Key == ReplayHeader || r.NoDoor && h.Key == events.DoorHeader
	})
	e, err := l.read(r.Decoder, 0)
	if err != nil {
		return err
	}
	// What had none was of its record's time, which another record does not have: sent without one, it would count in another month. A record's time before the
	// year 2000 is none either.
	if e.Outcome == events.Rejected && e.Reason == events.NoTime && (l.Time.Year() < 2000 || !r.giveTime(l)) {
		to.reject(e.Reason)
		return nil
	}
	if e, err = l.read(r.Decoder, r.Now().UnixMilli()); err != nil {
		return err
	}
	switch e.Outcome {
	case events.Rejected:
		to.reject(e.Reason)
		return nil
	case events.Unknown, events.Control, events.Tombstone:
		to.Unknown++
		return nil
	}
	to.Sent++
	if r.DryRun {
		return nil
	}
	m := stream.Message{Partition: -1, Key: e.Key(), Value: l.Value, Time: l.Time,
		Headers: append(l.Headers, stream.Header{Key: ReplayHeader, Value: fmt.Appendf(nil, "%d:%d", l.Partition, l.Offset)})}
	if err := r.Log.Produce(ctx, []stream.Message{m}); err != nil {
		return fmt.Errorf("send partition %d offset %d again: %w", l.Partition, l.Offset, err)
	}
	return nil
}

// original puts the record of the log in the place of what the letter has of it; false: it is nowhere whole.
func (r *Replay) original(ctx context.Context, l *Letter) (bool, error) {
	ends, there, err := r.Log.PartitionOffsets(ctx, l.Partition)
	if err != nil {
		return false, err
	}
	if !there || l.Offset < ends.Start || l.Offset >= ends.Stable {
		return l.Whole == 0, nil
	}
	in := r.Log.NewReader(ctx)
	defer in.Close()
	p := in.Open(l.Partition, stream.Position{Offset: l.Offset, BatchOffset: -1, LeaderEpoch: -1})
	defer p.Close()
	b, err := p.Next(ctx)
	if err != nil {
		return false, err
	}
	defer b.Release()
	i := slices.IndexFunc(b.Records, func(x events.Record) bool { return x.Offset == l.Offset })
	if i < 0 {
		return l.Whole == 0, nil
	}
	x := &b.Records[i]
	l.Time, l.Key, l.Value, l.Headers = time.UnixMilli(x.Timestamp).UTC(), slices.Clone(x.Key), slices.Clone(x.Value), stream.HeadersOf(x)
	return true, nil
}

// giveTime has the event say the time that its record had; false: it is not known where.
func (r *Replay) giveTime(l *Letter) bool {
	at := l.Time.Format(time.RFC3339Nano)
	if slices.ContainsFunc(l.Headers, func(h stream.Header) bool { return h.Key == "ce_type" }) {
		l.Headers = slices.DeleteFunc(l.Headers, func(h stream.Header) bool { return h.Key == "ce_time" })
		l.Headers = append(l.Headers, stream.Header{Key: "ce_time", Value: []byte(at)})
		return true
	}
	if !r.Plain {
		return false
	}
	value, ok := events.AddAttribute(l.Value, "time", at)
	l.Value = value
	return ok
}
