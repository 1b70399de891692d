package closing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/rating"
	"headcount/rating/ledger"
)

// Due returns the months that are over, their grace passed, and not closed, oldest first. Before the first closing they begin
// with the oldest month that has rules, so that has events, and in which an account was in force; where there is none, only
// the newest month that is over.
func (c *Closer) Due(ctx context.Context) ([]events.Month, error) {
	zone := c.Config.Zone()
	now := c.begin(0).Clock.Now().Add(-time.Duration(c.Config.Billing.Grace)).In(zone)
	newest := events.MonthOf(now.Year(), now.Month()) - 1
	first, err := c.firstOpen(ctx, newest)
	if err != nil {
		return nil, err
	}
	var due []events.Month
	for m := first; m <= newest; m++ {
		due = append(due, m)
	}
	return due, nil
}

func (c *Closer) firstOpen(ctx context.Context, newest events.Month) (events.Month, error) {
	w := c.begin(0)
	defer w.end()
	if err := w.openLedger(ctx); err != nil {
		return 0, err
	}
	if w.ledger != nil {
		last, ok, err := w.ledger.LastClosed(ctx)
		if err != nil {
			return 0, cli.Fail(cli.Unreachable, "ledger: %w", err)
		}
		if ok {
			return last + 1, nil
		}
	}
	if err := w.checkPrices(); err != nil {
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
	catalog, accounts, err := w.prices()
	if err != nil {
		return 0, err
	}
	for _, m := range months {
		if m <= newest && anyInForce(accounts, catalog, m, c.Config) {
			return m, nil
		}
	}
	return newest, nil
}

// anyInForce says whether anybody is billed for anything in a month.
func anyInForce(accounts *rating.Accounts, books *rating.Catalog, m events.Month, c *config.Config) bool {
	for _, id := range accounts.IDs() {
		for _, app := range accounts.AppsOf(id) {
			if account, _, _ := accounts.MetersOf(books, m, c.Zone(), app); account != "" {
				return true
			}
		}
	}
	return false
}

// Stored returns what the ledger has of a month, nil where it is not closed.
func (c *Closer) Stored(ctx context.Context, m events.Month) (*Result, error) {
	l, err := ledger.OpenExisting(ctx, c.Config.Ledger)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	r, err := Stored(ctx, l, m)
	if errors.Is(err, ErrNotClosed) {
		return nil, nil
	}
	return r, err
}
