package closing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// A host's clock that is ahead must not close a month that goes on, nor, unasked, months that nobody has lived through: what is sealed takes no more
// events. So a close asks the log too, before its row. Its newest records bear the brokers' time where the topic says LogAppendTime, else
// their producers'. One at or after the month's end says that it is over. Where none does:
//
//   - by the brokers' time the month goes on, as far as the log knows, and has to be closed by word of mouth;
//   - producers may have given events their own, old times, as a load of history does. So the log is watched for a moment: where records
//     of before the month's end come in now, it goes on; else the host's clock is taken at its word, and that is said.
//
// Forged times ahead of the host's clock do not count.

const (
	tail  = 64          // so many offsets of a partition are looked at
	watch = time.Second // how long a log is watched that has nothing of after the month
)

// mayClose refuses to close a month that is not over by the log, or that nobody named and that has no event, unless that was said aloud.
func (r *reached) mayClose(ctx context.Context) error {
	if r.Yes {
		return nil
	}
	if begun, err := r.closingBegun(ctx); begun || err != nil {
		return err
	}
	over, err := r.overByLog(ctx)
	if err != nil {
		return err
	}
	if !r.FromClock || over && r.Terms.AutoClose {
		return nil
	}
	return r.lived(ctx)
}

// closingBegun says whether the month's closing is recorded: it was asked then.
func (r *reached) closingBegun(ctx context.Context) (bool, error) {
	if r.ledger == nil {
		return false, nil
	}
	_, err := r.ledger.Closing(ctx, r.month)
	if errors.Is(err, ledger.ErrNotFound) {
		return false, nil
	}
	return err == nil, closed.LedgerFailed(err)
}

// overByLog says whether the log has anything of after the month. It refuses a month that goes on.
func (r *reached) overByLog(ctx context.Context) (bool, error) {
	ends, err := r.ends()
	if err != nil {
		return false, err
	}
	offsets, err := r.conn.Offsets(ctx)
	if err != nil {
		return false, &closed.UnreachableError{What: "offsets of " + r.conn.Topic.Name, Err: err, Again: true}
	}
	last, err := r.newest(ctx, offsets, nil)
	if err != nil || !last.at.Before(ends) {
		return err == nil, err
	}
	if last.at.IsZero() { // nothing of others is there, or was kept
		return false, nil
	}
	if last.brokers {
		return false, &GoesOnError{Month: r.month, Ends: ends, Newest: last.at, Now: r.Clock.Now(), BrokersTime: true}
	}
	if err := r.Clock.Sleep(ctx, watch); err != nil {
		return false, err
	}
	now, err := r.conn.Offsets(ctx)
	if err != nil {
		return false, &closed.UnreachableError{What: "offsets of " + r.conn.Topic.Name, Err: err, Again: true}
	}
	came, err := r.newest(ctx, now, offsets)
	if err != nil || !came.at.Before(ends) {
		return err == nil, err
	}
	if !came.at.IsZero() {
		return false, &GoesOnError{Month: r.month, Ends: ends, Newest: came.at, Now: r.Clock.Now()}
	}
	r.Log.Warn("the month is over by this host's clock alone: no record of the log is of after its end, by the clocks of those who produced them", "month", r.month, "ends", ends.Format(time.RFC3339), "newest_record", last.at.UTC().Format(time.RFC3339))
	return false, nil
}

// ends is when the month ends.
func (w *work) ends() (time.Time, error) {
	zone, err := events.LoadZone(w.Terms.Zone)
	if err != nil {
		return time.Time{}, err
	}
	return time.Date(w.month.Year(), w.month.Calendar()+1, 1, 0, 0, 0, 0, zone), nil
}

// stamp is the newest time of records.
type stamp struct {
	at      time.Time // zero: there is none
	brokers bool      // by the brokers' clock
}

// newest returns the newest time that records of others bear at the partitions' ends, and behind offsets that were their ends before, if
// those are given.
func (r *reached) newest(ctx context.Context, offsets, before map[events.Partition]stream.Offsets) (last stamp, _ error) {
	in := r.conn.NewReader(ctx)
	defer in.Close()
	var open []worker.PartitionReader
	var of []events.Partition
	for _, p := range r.conn.Topic.Partitions { // all before the first is read: a broker holds a fetch at the log's end for a while
		o := offsets[p.ID]
		from := max(o.Start, o.Stable-tail)
		if before != nil {
			from = max(from, before[p.ID].Stable)
		}
		if from < o.Stable {
			of, open = append(of, p.ID), append(open, in.Open(p.ID, stream.Position{Offset: from, BatchOffset: -1, LeaderEpoch: -1}))
		}
	}
	for i, reading := range open {
		one, err := r.newestOf(ctx, reading, offsets[of[i]].Stable)
		reading.Close()
		if err != nil && ctx.Err() != nil {
			return last, err
		}
		if err != nil { // counting will tell
			r.Log.Warn("the newest records cannot be read", "partition", of[i], "error", err)
		}
		if one.at.After(last.at) {
			last = one
		}
	}
	return last, nil
}

func (r *reached) newestOf(ctx context.Context, reading worker.PartitionReader, end events.Offset) (last stamp, _ error) {
	ctx, cancel := r.Clock.Until(ctx, r.Clock.Now().Add(patience))
	defer cancel()
	for next := events.Offset(0); next < end; {
		b, err := reading.Next(ctx)
		if err != nil {
			return last, err
		}
		for i := range b.Records {
			at := time.UnixMilli(b.Records[i].Timestamp)
			if at.After(last.at) && !at.After(r.Clock.Now()) && b.Records[i].Timestamp > 0 && !ours(b.Records[i].Value) {
				last = stamp{at, b.BrokersTime}
			}
		}
		next = b.Next
		b.Release()
	}
	return last, nil
}

// ours says whether a record is of a close: its time is a closing host's.
func ours(value []byte) bool {
	var r struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(value, &r) == nil && strings.HasPrefix(r.Type, events.ControlPrefix)
}

// lived refuses a month without any event, which follows from the clock alone.
func (r *reached) lived(ctx context.Context) error {
	if ok, err := r.hasRules(ctx); ok || err != nil {
		return err
	}
	// Nothing was counted: is there anything to count?
	err := r.counted(ctx, func(*counter.Shard) error { return nil })
	if err != nil {
		return err
	}
	if ok, err := r.hasRules(ctx); ok || err != nil {
		return err
	}
	return &NoEventsError{r.month}
}

// hasRules says whether the month has any, so that somebody has counted an event of it.
func (r *reached) hasRules(ctx context.Context) (bool, error) {
	rules, err := r.conn.State.Rules(ctx, nil)
	if errors.Is(err, checkpoint.ErrNoRules) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("rules: %w", err)
	}
	months, err := rules.Months(ctx)
	if err != nil {
		return false, fmt.Errorf("rules: %w", err)
	}
	return slices.Contains(months, r.month), nil
}
