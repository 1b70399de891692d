// Package status reads an open month's numbers from the newest checkpoints: month to date, provisional.
package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/rollup/closing"
	"headcount/cmd/rollup/usage"
	"headcount/cmd/site"
	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/rating"
)

// Document is the usage so far, with what it will come to.
type Document struct {
	usage.Document
	Forecast []Forecast `json:"forecast"`
	Alarms   []string   `json:"alarms,omitempty"` // for which invoices would be held

	SealedPartitions int              `json:"-"` // in which the month is sealed already
	Books            *rating.Catalog  `json:"-"` // by which it was read
	Accounts         *rating.Accounts `json:"-"`
}

// Forecast is where a meter is heading.
type Forecast struct {
	App      string `json:"app"`
	Meter    string `json:"meter"`
	Exact    uint64 `json:"exact"`
	Free     string `json:"free"`     // the plan's quota
	Used     string `json:"used"`     // share of it, as 0.25; empty: no quota
	Forecast uint64 `json:"forecast"` // at the month's end, by the pace so far
}

// Read unites the newest checkpoints of all partitions. Month 0 stands for the present one; where that has no event yet, for the
// newest before it that has.
func Read(ctx context.Context, c *config.Config, m events.Month, now time.Time, logger *slog.Logger) (*Document, error) {
	keys, err := site.Keys(c)
	if err != nil {
		return nil, err
	}
	books, err := site.Catalog(c)
	if err != nil {
		return nil, err
	}
	accounts, err := site.Accounts(c, books)
	if err != nil {
		return nil, err
	}
	bucket, err := site.State(ctx, c)
	if err != nil {
		return nil, err
	}
	conn, err := site.Connect(ctx, c, logger)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	topic, err := conn.Topic(ctx, c)
	if err != nil {
		return nil, err
	}
	offsets, err := conn.Offsets(ctx)
	if err != nil {
		return nil, cli.Fail(cli.Unreachable, "offsets of %s: %w", topic.Name, err)
	}
	owners := map[int32]string{}
	if c.Kafka.Group != "" {
		if owners, err = conn.Owners(ctx); err != nil {
			return nil, cli.Fail(cli.Unreachable, "group %s: %w", c.Kafka.Group, err)
		}
	}
	state := checkpoint.OpenTopic(bucket, topic.Name, topic.ID)
	rules, err := state.Rules(ctx, nil)
	if errors.Is(err, checkpoint.ErrNoRules) {
		rules, err = nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	if m == 0 {
		if m, err = newest(ctx, rules, now.In(c.Zone())); err != nil {
			return nil, err
		}
	}
	r := reader{
		month: m, topic: topic, state: state, keys: keys, logger: logger,
		doc: &Document{Document: usage.Document{
			Month: m, TimeZone: c.Billing.TimeZone, Topic: topic.Name, Provisional: true, Usage: []usage.App{},
		}, Forecast: []Forecast{}, Books: books, Accounts: accounts},
	}
	defer r.close()
	if err := r.partitions(ctx, rules, offsets, owners); err != nil {
		return nil, err
	}
	r.doc.SealedPartitions = len(r.open)
	if r.facts == nil {
		return r.doc, nil // no rules: no event of the month was counted
	}
	limit, err := decimal.NewFromString(c.Billing.SkewLimit)
	if err != nil {
		return nil, err
	}
	alarms, err := usage.Gather(&r.doc.Document, r.facts, nil, closing.Biller(books, accounts, m, c.Billing.TimeZone), usage.SkewLimit{Decimal: limit})
	if err != nil {
		return nil, err
	}
	for _, a := range r.doc.Usage {
		if a.Account == nil {
			delete(alarms, a.App) // nobody's invoice
		}
	}
	for _, app := range slices.Sorted(maps.Keys(alarms)) {
		r.doc.Alarms = append(r.doc.Alarms, alarms[app]...)
	}
	r.doc.Alarms = append(r.doc.Alarms, r.lost...)
	r.doc.Forecast = forecast(r.doc.Usage, accounts, books, r.facts.Rules, m, c, now)
	return r.doc, nil
}

type reader struct {
	month  events.Month
	topic  *stream.Topic
	state  *checkpoint.Topic
	keys   *events.Keyring
	logger *slog.Logger
	doc    *Document
	facts  *usage.Facts // nil: the month has no rules
	open   []*checkpoint.SealedMonth
	lost   []string // of the log, and accepted
}

func (r *reader) close() {
	for _, s := range r.open {
		s.Close()
	}
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

// partitions adds what each partition has; rules is nil where the topic has none yet.
func (r *reader) partitions(ctx context.Context, rules *checkpoint.Rules, offsets map[int32]stream.Offsets, owners map[int32]string) (err error) {
	if rules != nil {
		if fixed, err := rules.Known(r.month); err == nil {
			r.facts = &usage.Facts{Rules: fixed}
		} else if !errors.Is(err, checkpoint.ErrNoRules) {
			return fmt.Errorf("rules: %w", err)
		}
	}
	for _, p := range r.topic.Partitions {
		at := usage.Partition{Partition: p.ID, End: offsets[p.ID].End, Owner: owners[p.ID]}
		if rules != nil {
			if at.Offset, err = r.partition(ctx, p.ID, rules); err != nil {
				return fmt.Errorf("partition %d: %w", p.ID, err)
			}
		}
		at.Lag = max(at.End-at.Offset, 0)
		r.doc.Partitions = append(r.doc.Partitions, at)
	}
	return nil
}

// partition adds a partition's facts and returns its next offset.
func (r *reader) partition(ctx context.Context, p int32, rules *checkpoint.Rules) (int64, error) {
	id := counter.Identity{Cluster: r.topic.Cluster, TopicID: r.topic.ID, Partition: p}
	part := r.state.Partition(id)
	shard, loaded, err := part.Load(ctx, func() *counter.Shard { return counter.NewShard(id, rules, r.keys) })
	if errors.Is(err, checkpoint.ErrNone) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if r.facts == nil {
		r.doc.Rejected += shard.State().Unattributed.Rejected
		return loaded.Position.Next, nil
	}
	sealed, err := part.OpenSealed(ctx, r.month)
	seal := int64(math.MaxInt64)
	if err == nil {
		r.open = append(r.open, sealed)
		seal = sealed.Index.Offset
	}
	lost, failed := closing.Losses(ctx, part, p, r.month, seal, time.Time{})
	if failed != nil {
		return 0, failed
	}
	r.lost = append(r.lost, lost...)
	if err == nil {
		r.doc.Rejected += sealed.Index.Unattributed.Rejected
		r.facts.OnTime = append(r.facts.OnTime, sealed.OnTime())
		if shard.State().Sealed == r.month {
			r.facts.Late = append(r.facts.Late, shard.Snapshot(r.month+1).Late())
		}
		return loaded.Position.Next, nil
	}
	if !errors.Is(err, checkpoint.ErrNotSealed) {
		return 0, err
	}
	seen := shard.Snapshot(r.month)
	r.doc.Rejected += seen.Unattributed.Rejected
	r.facts.OnTime = append(r.facts.OnTime, seen.OnTime())
	return loaded.Position.Next, nil
}

// forecast stretches each meter's pace to the month's end.
func forecast(apps []usage.App, accounts *rating.Accounts, books *rating.Catalog, rules *events.MonthRules, m events.Month, c *config.Config, now time.Time) []Forecast {
	first, last := rules.DayStarts[0], rules.DayStarts[len(rules.DayStarts)-1]
	passed := min(max(float64(now.UnixMilli()-first)/float64(last-first), 0), 1)
	list := []Forecast{}
	for _, a := range apps {
		if a.Account == nil {
			continue
		}
		for _, meter := range a.Meters {
			f := Forecast{App: a.App, Meter: meter.Meter, Exact: meter.Exact, Forecast: meter.Exact}
			f.Free = accounts.FreeOf(books, m, c.Zone(), a.App, meter.Meter)
			if free, err := decimal.NewFromString(f.Free); err == nil && free.IsPositive() {
				f.Used = decimal.NewFromUint64(meter.Exact).DivRound(free, 4).String()
			}
			if passed > 0 && passed < 1 {
				f.Forecast = uint64(float64(meter.Exact) / passed)
			}
			list = append(list, f)
		}
	}
	return list
}
