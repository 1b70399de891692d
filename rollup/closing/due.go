package closing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headcount/counter/checkpoint"
	"headcount/events"
)

// Due returns the months that are over, their grace passed, and not closed, oldest first. Before the first closing they begin
// with the oldest month that has rules, so that has events, and in which an account was in force; where there is none, only
// the newest month that is over. It fails with a *UnreachableError of the ledger, or with what Site fails with.
func (c *Closer) Due(ctx context.Context) ([]events.Month, error) {
	w := c.begin(0)
	defer w.end()
	zone, err := events.LoadZone(w.Terms.Zone)
	if err != nil {
		return nil, err
	}
	now := w.Clock.Now().Add(-w.Terms.Grace).In(zone)
	newest := events.MonthOf(now.Year(), now.Month()) - 1
	first, err := w.firstOpen(ctx, newest, zone)
	if err != nil {
		return nil, err
	}
	var due []events.Month
	for m := first; m <= newest; m++ {
		due = append(due, m)
	}
	return due, nil
}

// firstOpen is the first month that is to be closed, if it is not after newest.
func (w *work) firstOpen(ctx context.Context, newest events.Month, zone *time.Location) (events.Month, error) {
	if err := w.openLedger(ctx); err != nil {
		return 0, err
	}
	if w.ledger != nil {
		last, ok, err := w.ledger.LastClosed(ctx)
		if err != nil {
			return 0, ledgerFailed(err)
		}
		if ok {
			return last + 1, nil
		}
	}
	if err := w.readPrices(); err != nil {
		return 0, err
	}
	if err := w.connect(ctx); err != nil {
		return 0, err
	}
	rules, err := w.state.Rules(ctx, nil)
	if errors.Is(err, checkpoint.ErrNoRules) {
		return newest, nil
	}
	if err != nil {
		return 0, fmt.Errorf("rules: %w", err)
	}
	months, err := rules.Months(ctx)
	if err != nil {
		return 0, fmt.Errorf("rules: %w", err)
	}
	catalog, err := w.cache.catalog(w.books)
	if err != nil {
		return 0, fmt.Errorf("books: %w", err)
	}
	accounts, err := w.cache.accounts(w.accounts)
	if err != nil {
		return 0, err
	}
	configured := &prices{catalog, accounts}
	for _, m := range months {
		if m <= newest && configured.anyInForce(m, zone) {
			return m, nil
		}
	}
	return newest, nil
}

// anyInForce says whether anybody is billed for anything in a month.
func (p *prices) anyInForce(m events.Month, zone *time.Location) bool {
	for _, id := range p.accounts.IDs() {
		for _, app := range p.accounts.AppsOf(id) {
			if account, _, _ := p.accounts.MetersOf(p.catalog, m, zone, app); account != "" {
				return true
			}
		}
	}
	return false
}
