// Package dead reads dead letters, and sends again what would count today.
//
// A letter is written at least once: after a crash, or a recount, it may be there twice. Its headers say which record it is of, and Read hands on
// the first of each.
package dead

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"headcount/events"
	"headcount/events/decode"
	"headcount/events/stream"
)

// Letter is a dead letter: a record that was not counted, and why.
type Letter struct {
	Reason    events.Reason
	Partition events.Partition // where the record lies
	Offset    events.Offset    // or the first of a batch that its producer broke
	Last      events.Offset    // of that batch; else Offset
	Time      time.Time        // of the record; the letter's where the record's lay ahead
	Key       []byte
	Value     []byte
	Headers   []stream.Header // the record's own
	Whole     int64           // bytes of a record of which a part is here; 0: it is all here
}

// Records is of how many records the letter is.
func (l *Letter) Records() int64 { return int64(l.Last-l.Offset) + 1 }

// letterOf reads a record of the dead-letter topic; false: it is no letter about the topic.
func letterOf(r *events.Record, topic string) (Letter, bool) {
	l := Letter{Time: time.UnixMilli(r.Timestamp).UTC(), Key: slices.Clone(r.Key), Value: slices.Clone(r.Value)}
	said := map[string]string{}
	in := r.EncodedHeaders()
	for range r.HeaderCount {
		key, value, ok := in.Next()
		if !ok {
			return l, false
		}
		if name := string(key); stream.LetterHeader(name) {
			if _, twice := said[name]; !twice {
				said[name] = string(value)
			}
		} else {
			if original, is := strings.CutPrefix(name, stream.Original); is && stream.LetterHeader(original) {
				name = original
			}
			l.Headers = append(l.Headers, stream.Header{Key: name, Value: slices.Clone(value)})
		}
	}
	partition, errP := strconv.ParseInt(said["partition"], 10, 32)
	offset, errO := strconv.ParseInt(said["offset"], 10, 64)
	if errP != nil || errO != nil || said["topic"] != topic || said["reason"] == "" {
		return l, false
	}
	l.Reason, l.Partition, l.Offset, l.Last = events.Reason(said["reason"]), events.Partition(partition), events.Offset(offset), events.Offset(offset)
	if last, err := strconv.ParseInt(said["last-offset"], 10, 64); err == nil && last > offset {
		l.Last = events.Offset(last)
	}
	l.Whole, _ = strconv.ParseInt(said["cut-from-bytes"], 10, 64)
	return l, true
}

// read decodes the letter's record as if it came at a time, milliseconds.
func (l *Letter) read(d *decode.Decoder, at int64) (e events.Event, err error) {
	d.Reset()
	err = d.Decode(&events.Record{Timestamp: at, Value: l.Value, Headers: stream.EncodeHeaders(nil, l.Headers), HeaderCount: len(l.Headers)}, &e)
	return e, err
}

// place is what a letter is of.
type place struct {
	partition events.Partition
	offset    events.Offset
}

// Read hands on every letter about a topic that lies in the log of its dead letters now, partition by partition, each record's first. It
// returns how many records there are no letters.
func Read(ctx context.Context, log *stream.Log, topic string, each func(*Letter) error) (others int64, err error) {
	ends, err := log.Offsets(ctx)
	if err != nil {
		return 0, fmt.Errorf("dead letters: %w", err)
	}
	partitions := make([]events.Partition, 0, len(ends))
	for p := range ends {
		partitions = append(partitions, p)
	}
	slices.Sort(partitions)
	seen := map[place]bool{}
	in := log.NewReader(ctx)
	defer in.Close()
	for _, p := range partitions {
		at := ends[p].Start
		reader := in.Open(p, stream.Position{Offset: at, BatchOffset: -1, LeaderEpoch: -1})
		for at < ends[p].Stable {
			b, err := reader.Next(ctx)
			if err != nil {
				return others, fmt.Errorf("dead letters: %w", err)
			}
			for i := range b.Records {
				l, ok := letterOf(&b.Records[i], topic)
				if !ok {
					others++
					continue
				}
				if id := (place{l.Partition, l.Offset}); !seen[id] {
					seen[id] = true
					if err := each(&l); err != nil {
						return others, err
					}
				}
			}
			at = b.Next
			b.Release()
		}
		reader.Close()
	}
	return others, nil
}
