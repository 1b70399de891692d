package closing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// Due returns the months that are over, their grace passed, and not closed, oldest first. Before the first closing they begin with the one
// with which the books open by Terms. Where that is not said it fails with an *UnopenedError; with OpenBooks they begin with the oldest
// month that has rules, so that has events, and in which an account was in force; where there is none, only the newest month that is
// over. More than one are a *SeveralDueError, unless that was said. It fails with a *closed.UnreachableError of the ledger, with what Close refuses a policy with, or with what Site fails with.
func (c *Closer) Due(ctx context.Context) ([]events.Month, error) {
	w, err := c.begin(ctx, 0)
	if err != nil {
		return nil, err
	}
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
	waits, cancel := w.within(ctx)
	defer cancel()
	if err := w.mayCloseAll(waits, due); err != nil {
		return nil, w.late(waits, "look whether several months may be closed", err)
	}
	return due, nil
}

// mayCloseAll refuses more than one month unasked, but for those whose closing is recorded.
func (w *work) mayCloseAll(ctx context.Context, due []events.Month) error {
	if len(due) < 2 || w.Yes || w.Terms.AutoClose {
		return nil
	}
	var open []events.Month
	for _, m := range due {
		if w.ledger != nil {
			_, err := w.ledger.Closing(ctx, m)
			if err == nil {
				continue
			}
			if !errors.Is(err, ledger.ErrNotFound) {
				return closed.LedgerFailed(err)
			}
		}
		open = append(open, m)
	}
	if len(open) < 2 {
		return nil
	}
	r, err := w.reach(ctx) // what does not belong together is worse
	if err != nil {
		return err
	}
	defer r.conn.Close()
	if err := r.check(ctx); err != nil {
		return err
	}
	return &SeveralDueError{Months: open, Now: w.Clock.Now()}
}

// firstOpen is the first month that is to be closed, if it is not after newest.
func (w *work) firstOpen(ctx context.Context, newest events.Month, zone *time.Location) (events.Month, error) {
	if w.ledger != nil {
		last, ok, err := w.ledger.LastClosed(ctx)
		if err != nil {
			return 0, closed.LedgerFailed(err)
		}
		if ok {
			return last + 1, nil
		}
	}
	if w.Terms.From != 0 {
		return w.Terms.From, nil
	}
	asConfigured, err := w.readPrices()
	if err != nil {
		return 0, err
	}
	r, err := w.reach(ctx)
	if err != nil {
		return 0, err
	}
	defer r.conn.Close()
	if !w.OpenBooks {
		if err := r.check(ctx); err != nil {
			return 0, err
		}
		all, err := r.monthsUntil(ctx, newest)
		if err == nil {
			err = &UnopenedError{Events: all}
		}
		return 0, err
	}
	rules, err := r.conn.State.Rules(ctx, nil)
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
	catalog, err := w.cache.Catalog(asConfigured.books)
	if err != nil {
		return 0, fmt.Errorf("books: %w", err)
	}
	accounts, err := w.cache.Accounts(asConfigured.accounts)
	if err != nil {
		return 0, err
	}
	for _, m := range months {
		if m <= newest && anyInForce(catalog, accounts, m, zone) {
			return m, nil
		}
	}
	return newest, nil
}

// anyInForce says whether anybody is billed for anything in a month.
func anyInForce(catalog *rating.Catalog, accounts *rating.Accounts, m events.Month, zone *time.Location) bool {
	for _, id := range accounts.IDs() {
		for _, app := range accounts.AppsOf(id) {
			if account, _, _ := accounts.MetersOf(catalog, m, zone, app); account != "" {
				return true
			}
		}
	}
	return false
}
