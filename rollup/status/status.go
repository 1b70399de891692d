// Package status reads an open month's numbers from the newest checkpoints: month to date, provisional.
package status

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/rollup/closed"
	"headcount/rollup/usage"
)

// Read unites the newest checkpoints of all partitions. Month 0 stands for the present one; where that has no event yet, for the
// newest before it that has. It returns a *closed.UnreachableError where the log does not answer; else the state store fails.
func Read(ctx context.Context, s Source, m events.Month, now time.Time) (*Document, error) {
	zone, err := events.LoadZone(s.Zone)
	if err != nil {
		return nil, err
	}
	offsets, owners, err := s.readers(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := s.State.Rules(ctx, nil)
	if errors.Is(err, checkpoint.ErrNoRules) {
		rules, err = nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	if m == 0 {
		if m, err = newest(ctx, rules, now.In(zone)); err != nil {
			return nil, err
		}
	}
	r := reader{Source: s, month: m, doc: &Document{
		Document: usage.Document{Month: m, TimeZone: s.Zone, Topic: s.Topic.Name, Provisional: true, Usage: []usage.App{}},
		Forecast: []Forecast{}, Books: s.Books, Accounts: s.Accounts,
	}}
	defer r.close()
	if err := r.partitions(ctx, rules, offsets, owners); err != nil {
		return nil, err
	}
	r.doc.SealedPartitions = len(r.open)
	if r.facts == nil {
		return r.doc, nil // the topic has no rules: no record was counted
	}
	if err := r.unite(); err != nil {
		return nil, err
	}
	var before *usage.Document
	if s.Before != nil {
		if before, err = s.Before(m - 1); err != nil {
			return nil, err
		}
	}
	if err := r.look(zone, now, before); err != nil {
		return nil, err
	}
	r.doc.Forecast = r.doc.forecast(r.facts.Rules, zone, now, before)
	return r.doc, nil
}

// readers tells how far the partitions reach, and who reads them.
func (s *Source) readers(ctx context.Context) (map[events.Partition]stream.Offsets, map[events.Partition]string, error) {
	offsets, err := s.Log.Offsets(ctx)
	if err != nil {
		return nil, nil, &closed.UnreachableError{What: "offsets of " + s.Topic.Name, Err: err}
	}
	if s.Group == "" {
		return offsets, nil, nil
	}
	owners, err := s.Log.Owners(ctx)
	if err != nil {
		return nil, nil, &closed.UnreachableError{What: "group " + s.Group, Err: err}
	}
	return offsets, owners, nil
}

// newest returns the newest month that has rules, so that has events, and is not after now.
func newest(ctx context.Context, rules *checkpoint.Rules, now time.Time) (events.Month, error) {
	present := events.MonthOf(now.Year(), now.Month())
	if rules == nil {
		return present, nil
	}
	months, err := rules.Months(ctx)
	if err != nil {
		return 0, fmt.Errorf("rules: %w", err)
	}
	months = slices.DeleteFunc(slices.Clone(months), func(m events.Month) bool { return m > present })
	if len(months) == 0 {
		return present, nil
	}
	return slices.Max(months), nil
}

// reader gathers what the partitions have.
type reader struct {
	Source
	month events.Month
	doc   *Document
	facts *usage.Facts // nil: the topic has no rules
	open  []*checkpoint.SealedMonth
	lost  []string // of the log, and accepted

	sealed events.Month // the newest that any partition is sealed for; 0: none
	from   events.Month // with which the books open; 0: it is not said
}

func (r *reader) close() {
	for _, s := range r.open {
		s.Close()
	}
}

// partitions adds what each partition has; rules is nil where the topic has none yet.
func (r *reader) partitions(ctx context.Context, rules *checkpoint.Rules, offsets map[events.Partition]stream.Offsets, owners map[events.Partition]string) (err error) {
	if rules != nil {
		if err := r.begin(rules); err != nil {
			return fmt.Errorf("rules: %w", err)
		}
		r.from = rules.TopicRules().From
		if r.sealed, err = r.State.NewestSealed(ctx); err != nil {
			return err
		}
	}
	for _, p := range r.Topic.Partitions {
		at := usage.Progress{Partition: p.ID, End: offsets[p.ID].End, Owner: owners[p.ID]}
		if rules != nil {
			if at.Offset, err = r.partition(ctx, p.ID, rules); err != nil {
				return fmt.Errorf("partition %d: %w", p.ID, err)
			}
		}
		at.Lag = int64(max(at.End-at.Offset, 0))
		r.doc.Partitions = append(r.doc.Partitions, at)
	}
	return nil
}

// begin has the facts read by the month's rules. Where it has none, no event of it was counted: what was rejected holds its invoices and
// accounts may be silent all the same, and of that any rules tell.
func (r *reader) begin(rules *checkpoint.Rules) error {
	fixed, err := rules.Known(r.month)
	if errors.Is(err, checkpoint.ErrNoRules) {
		fixed, err = &events.MonthRules{Month: r.month, Kinds: events.KindNames[:], Precision: events.DefaultPrecision}, nil
	}
	r.facts = &usage.Facts{Rules: fixed}
	return err
}

// partition adds a partition's facts and returns its next offset.
func (r *reader) partition(ctx context.Context, p events.Partition, rules *checkpoint.Rules) (events.Offset, error) {
	id := counter.Identity{Cluster: r.Topic.Cluster, TopicID: r.Topic.ID, Partition: p}
	part := r.State.Partition(id)
	shard, loaded, err := part.Load(ctx, func() *counter.Shard { return counter.NewShard(id, rules, r.Keys) })
	if errors.Is(err, checkpoint.ErrNone) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return loaded.Position.Next, r.addFacts(ctx, part, p, shard)
}

// addFacts adds a partition's facts: where the month is sealed there, what it was sealed with and what came late since.
func (r *reader) addFacts(ctx context.Context, part *checkpoint.Partition, p events.Partition, shard *counter.Shard) error {
	sealed, err := part.OpenSealed(ctx, r.month)
	seal := events.Offset(math.MaxInt64)
	if err == nil {
		r.open = append(r.open, sealed)
		seal = sealed.Index.Offset
	}
	lost, failed := usage.Losses(ctx, part, p, r.month, seal, time.Time{})
	if failed != nil {
		return failed
	}
	r.lost = append(r.lost, lost...)
	switch {
	case err == nil:
		r.facts.Unattributed = r.facts.Unattributed.Plus(counter.Stretch(sealed.Index.Unattributed))
		r.facts.Remarks = append(r.facts.Remarks, sealed.Index.Remarked()...)
		r.facts.OnTime = append(r.facts.OnTime, sealed.OnTime())
		if shard.State().Sealed == r.month {
			r.facts.Late = append(r.facts.Late, shard.Snapshot(r.month+1).Late())
		}
	case errors.Is(err, checkpoint.ErrNotSealed):
		st := shard.State()
		seen := shard.Snapshot(r.month)
		facts := seen.OnTime()
		if r.sealsNext(&st) {
			r.facts.Unattributed = r.facts.Unattributed.Plus(seen.Unattributed)
			r.facts.Remarks = append(r.facts.Remarks, seen.Remarks...)
		} else {
			facts = counter.WithoutStretches(facts)
		}
		r.facts.OnTime = append(r.facts.OnTime, facts)
	default:
		return err
	}
	return nil
}

// sealsNext says whether the month is the one that a partition is sealed for next: what it rejected, and what expired in it, since its last
// seal is that month's. Nobody knows where no partition was ever sealed and nothing says with which month the books open; then it is every
// open month's.
func (r *reader) sealsNext(st *counter.State) bool {
	switch {
	case st.Sealed != 0:
		return r.month == st.Sealed+1
	case r.sealed != 0: // elsewhere: the topic has grown
		return r.month == max(r.sealed+1, r.from)
	}
	return r.from == 0 || r.month == r.from
}

// look says what would not be billed if the month were closed as it stands, and what wants a look before it is.
func (r *reader) look(zone *time.Location, now time.Time, before *usage.Document) error {
	_, ends := r.month.Span(zone)
	by := usage.Review{Limits: r.Limits, Catalog: r.Books, Accounts: r.Accounts, Over: !now.Before(ends)}
	if before != nil {
		by.Former = map[string]usage.FormerApp{}
		for i := range before.Usage {
			a := &before.Usage[i]
			by.Former[a.App] = usage.FormerApp{Events: a.Events, Devices: a.Devices()}
		}
	}
	return r.doc.Look(by)
}

// unite makes usage of the facts, and lists why invoices would be held.
func (r *reader) unite() error {
	bill := usage.NewBiller(r.Books, r.Accounts, r.month, r.Zone)
	if r.Former != nil {
		r.facts.Former = r.Former(r.month - 1)
	}
	alarms, err := usage.Gather(&r.doc.Document, r.facts, nil, bill, r.Limits)
	if err != nil {
		return err
	}
	r.doc.held, r.doc.bill = maps.Clone(alarms), bill
	r.doc.held[""] = append(slices.Clone(alarms[""]), r.lost...)
	for _, a := range r.doc.Usage {
		if a.Account == nil {
			delete(alarms, a.App) // nobody's invoice
		}
	}
	for _, app := range slices.Sorted(maps.Keys(alarms)) {
		r.doc.Alarms = append(r.doc.Alarms, alarms[app]...)
	}
	r.doc.Alarms = append(r.doc.Alarms, r.lost...)
	return nil
}
