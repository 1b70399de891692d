package closing

import (
	"context"
	"fmt"

	"headcount/events"
	"headcount/ingest/worker"
	"headcount/rating"
	"headcount/rollup/closed"
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
	doc, err := m.Unite(ctx, append(onTime, late...), prices.Biller(m))
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
	return further, rating.Balances(append(m.Issued, further...)), nil
}
