package closing

import (
	"context"
	"fmt"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/ingest/worker"
	"headcount/rating"
	"headcount/rating/ledger"
)

// former is the closing of the month before, with the state that it sealed: another than this one's where the topic was made
// again since. nil: there is none.
func (w *work) former(ctx context.Context) (*ClosedMonth, error) {
	previous := w.this.Closing.Previous
	if w.before != nil || previous == nil {
		return w.before, nil
	}
	closing, err := w.ledger.Closing(ctx, previous.Month)
	if err != nil {
		return nil, ledgerFailed(err)
	}
	w.before = w.closedMonth(previous.Month, closing)
	return w.before, nil
}

// closedMonth is a month as the close reads it.
func (w *work) closedMonth(month events.Month, closing ledger.Closing) *ClosedMonth {
	state := w.state
	if closing.TopicID != w.topic.ID {
		state = checkpoint.OpenTopic(w.conn.Bucket, closing.Topic, closing.TopicID)
	}
	m := newClosedMonth(month, closing, w.ledger, state)
	m.template = w.conn.Template
	return m
}

// restore is a restorer that counts again from the log, where the topic is still the same.
func (w *work) restore(ctx context.Context, m *ClosedMonth, p events.Partition, why error) error {
	if m.Closing.TopicID != w.topic.ID {
		return &SealedMonthLostError{p, m.Month, m.Closing.TopicID, why}
	}
	w.Log.Warn("sealed month cannot be read", "partition", p, "month", m.Month, "error", why)
	return worker.Remake(ctx, w.counting(), p, m.Month)
}

// settleLate prices what came late of the month before, by the accounts and books of its own closing, or of its newest amendment:
// further revisions of its invoices. It also returns what that month left of packages.
func (w *work) settleLate(ctx context.Context) ([]rating.Invoice, []rating.Balance, error) {
	m := w.before
	if m == nil {
		return nil, nil, nil
	}
	if err := m.readBilled(ctx); err != nil {
		return nil, nil, err
	}
	prices, err := m.prices(w.cache)
	if err != nil {
		return nil, nil, err
	}
	onTime, late := m.onTime(), m.late()
	doc, err := m.unite(ctx, fmt.Sprintf("what came late of %s", m.Month), append(onTime, late...), prices.biller(m))
	if err != nil {
		return nil, nil, err
	}
	in := rating.Input{Month: m.Month, Accounts: prices.accounts, Catalog: prices.catalog}
	if in.Usage, err = doc.Rating(); err != nil {
		return nil, nil, err
	}
	if in.Zone, err = events.LoadZone(m.Closing.Zone); err != nil {
		return nil, nil, err
	}
	if in.Balances, err = m.balancesBefore(ctx); err != nil {
		return nil, nil, err
	}
	further, err := rating.RateLate(in, m.Issued, w.month)
	if err != nil {
		return nil, nil, fmt.Errorf("settle what came late of %s: %w", m.Month, err)
	}
	return further, rating.Balances(append(m.Issued, further...)), nil
}
