package closing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// The first close opens the books: what is older is finished by it, and never billed. Where the configuration says with which month they
// open, that is the one. Where it does not, one event with a wrong clock, or a forged one, must not decide it: the close says which older
// months have events, and goes on only where it was told to.

// MonthEvents are the events of a month, as far as they are counted.
type MonthEvents struct {
	Month  events.Month
	Events uint64 // and reported quantities
}

// checkFrom refuses to open the books with another month than Terms say.
func (w *work) checkFrom() error {
	switch from := w.Terms.From; {
	case from == 0:
		return nil
	case w.month < from:
		return &BeforeBooksError{w.month, from}
	case w.month > from:
		return &NotClosedBeforeError{w.month, from}
	}
	return nil
}

// mayOpen refuses to open the books unasked where older months than the one to be closed have events.
func (r *reached) mayOpen(ctx context.Context) error {
	if r.Terms.From != 0 || r.OpenBooks {
		return nil
	}
	if r.ledger != nil {
		_, begun, err := r.ledger.LastClosed(ctx)
		if err == nil && !begun { // or the closing of this month is adopted: it was asked then
			_, err = r.ledger.Closing(ctx, r.month)
			begun = err == nil
			if errors.Is(err, ledger.ErrNotFound) {
				err = nil
			}
		}
		if begun || err != nil {
			return closed.LedgerFailed(err)
		}
	}
	older, err := r.monthsUntil(ctx, r.month-1)
	if err == nil && len(older) > 0 {
		err = &UnopenedError{Month: r.month, Events: older}
	}
	return err
}

// monthsUntil returns the months up to one that have events, oldest first.
func (r *reached) monthsUntil(ctx context.Context, until events.Month) ([]MonthEvents, error) {
	sum := map[events.Month]uint64{}
	err := r.counted(ctx, func(shard *counter.Shard) error {
		for _, m := range shard.Months() {
			if m > until {
				continue
			}
			n, err := eventsOf(shard.Snapshot(m).OnTime())
			if err != nil {
				return err
			}
			if n > 0 {
				sum[m] += n
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := make([]MonthEvents, 0, len(sum))
	for _, m := range slices.Sorted(maps.Keys(sum)) {
		all = append(all, MonthEvents{m, sum[m]})
	}
	return all, nil
}

// counted hands every partition's shard to look. What lies in the log now is counted before, as by `ingest run`.
func (r *reached) counted(ctx context.Context, look func(*counter.Shard) error) error {
	ends, err := r.catchUp(ctx)
	if err != nil {
		return err
	}
	rules, err := r.conn.State.Rules(ctx, nil)
	if errors.Is(err, checkpoint.ErrNoRules) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	for _, p := range r.conn.Topic.Partitions {
		id := r.identity(p.ID)
		load := func() (*counter.Shard, error) {
			shard, _, err := r.conn.State.Partition(id).Load(ctx, func() *counter.Shard { return counter.NewShard(id, rules, r.Keys) })
			return shard, err
		}
		shard, err := load()
		if errors.Is(err, checkpoint.ErrNone) && ends[p.ID].Stable > 0 { // nothing that is there verifies
			if err = r.countHere(ctx, []events.Partition{p.ID}, map[events.Partition]events.Offset{}); err == nil {
				shard, err = load()
			}
		}
		if errors.Is(err, checkpoint.ErrNone) {
			continue
		}
		if err == nil {
			err = look(shard)
		}
		if err != nil {
			return fmt.Errorf("partition %d: %w", p.ID, err)
		}
	}
	return nil
}

func eventsOf(month counter.RowReader) (n uint64, _ error) {
	for {
		app, err := month.NextApp()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		n += app.Counters.Events + uint64(len(app.Totals))
	}
}

func (r *reached) identity(p events.Partition) counter.Identity {
	return counter.Identity{Cluster: r.conn.Topic.Cluster, TopicID: r.conn.Topic.ID, Partition: p}
}

// catchUp returns when the partitions are counted as far as they reach now, by those that read them, else here; and where that is.
func (r *reached) catchUp(ctx context.Context) (map[events.Partition]stream.Offsets, error) {
	ends, err := r.conn.Offsets(ctx)
	if err != nil {
		return nil, err
	}
	counted := map[events.Partition]events.Offset{}
	began, pause := r.Clock.Now(), firstPause
	said := began
	var behind []events.Partition
	var why string
	for {
		if behind, err = r.behind(ctx, ends, counted); err != nil || len(behind) == 0 {
			break
		}
		var own []events.Partition
		if own, why = r.unowned(ctx, behind, r.Clock.Now().Sub(began)); len(own) > 0 {
			if err = r.countHere(ctx, own, counted); err != nil {
				break
			}
			continue
		}
		if now := r.Clock.Now(); now.Sub(said) > saidEvery {
			said = now
			r.Log.Warn("the close waits for the log to be counted as far as it reaches", "month", r.month, "partitions", list(behind), "why", why, "since", began.Format(time.RFC3339))
		}
		if err = r.Clock.Sleep(ctx, pause); err != nil {
			break
		}
		pause = min(2*pause, longestPause)
	}
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = &TimedOutError{Month: r.month, Waited: r.Timeout, Partitions: behind, Why: why}
	}
	return ends, err
}

// behind returns the partitions that are not counted as far as they reached.
func (r *reached) behind(ctx context.Context, ends map[events.Partition]stream.Offsets, counted map[events.Partition]events.Offset) (behind []events.Partition, _ error) {
	for _, p := range slices.Sorted(maps.Keys(ends)) {
		end := ends[p].Stable
		if at, ok := counted[p]; end == 0 || ok && at >= end {
			continue
		}
		pos, _, err := r.conn.State.Partition(r.identity(p)).Glance(ctx)
		if err != nil && !errors.Is(err, checkpoint.ErrNone) && !errors.Is(err, checkpoint.ErrOldList) {
			return nil, fmt.Errorf("partition %d: %w", p, err)
		}
		if err != nil || pos.Next < end {
			behind = append(behind, p)
		}
	}
	return behind, nil
}
