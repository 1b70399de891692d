package closing

import (
	"context"
	"fmt"
	"maps"

	"headcount/events"
	"headcount/ingest/worker"
	"headcount/rating"
	"headcount/rollup/closed"
	"headcount/rollup/usage"
)

// restore is a closed.Restorer that counts again from the log, where the topic is still the same.
func (r *reached) restore(ctx context.Context, m *closed.Month, p events.Partition, why error) error {
	if m.Closing.TopicID != r.conn.Topic.ID {
		return &closed.SealedMonthLostError{Partition: p, Month: m.Month, Former: m.Closing.TopicID, Err: why}
	}
	r.Log.Warn("sealed month cannot be read", "partition", p, "month", m.Month, "error", why)
	return worker.Remake(ctx, r.counting(), p, m.Month)
}

// settleLate prices what came late of the month before, by the accounts and books of its own closing, or of its newest amendment:
// further revisions of its invoices. It also returns what that month left of packages.
func (b *begun) settleLate(ctx context.Context) ([]rating.Invoice, []rating.Balance, error) {
	m := b.before
	if m == nil {
		return nil, nil, nil
	}
	if err := m.ReadBilled(ctx); err != nil {
		return nil, nil, err
	}
	prices, err := m.Prices(b.cache)
	if err != nil {
		return nil, nil, err
	}
	onTime, late := m.OnTime(), m.Late()
	doc, alarms, err := m.UniteAlarmed(ctx, append(onTime, late...), prices.Biller(m), b.formerOfLate(ctx))
	if err != nil {
		return nil, nil, fmt.Errorf("what came late of %s: %w", m.Month, err)
	}
	in := rating.Input{Month: m.Month, Accounts: prices.Accounts, Catalog: prices.Catalog}
	if in.Usage, err = doc.Rating(); err != nil {
		return nil, nil, err
	}
	if in.Zone, err = events.LoadZone(m.Closing.Zone); err != nil {
		return nil, nil, err
	}
	if in.Balances, err = m.BalancesBefore(ctx); err != nil {
		return nil, nil, err
	}
	further, err := rating.RateLate(in, m.Issued, b.month)
	if err != nil {
		return nil, nil, fmt.Errorf("settle what came late of %s: %w", m.Month, err)
	}
	for i := range further {
		alarms.Hold(&further[i], prices.Accounts, prices.Biller(m))
	}
	return further, rating.Balances(append(m.Issued, further...)), nil
}

// formerOfLate tells what meters of the month before came to as it was billed, and of what had nothing what they came to in the month before
// that: what comes late must be plausible too.
func (b *begun) formerOfLate(ctx context.Context) usage.Former {
	billed := closed.Former(ctx, b.ledger, b.before.Month, b.this.Closing.At)
	earlier := closed.Former(ctx, b.ledger, b.before.Month-1, b.this.Closing.At)
	return func(app string) (map[string]uint64, error) {
		is, err := billed(app)
		if err != nil {
			return nil, err
		}
		was, err := earlier(app)
		if err != nil {
			return nil, err
		}
		all := maps.Clone(was)
		if all == nil {
			all = map[string]uint64{}
		}
		for meter, value := range is {
			all[meter] = max(value, all[meter])
		}
		return all, nil
	}
}
