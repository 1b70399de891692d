package closing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headcount/events"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
)

// check refuses what must not be closed now. It writes nothing.
func (w *work) check(ctx context.Context) error {
	if err := w.checkTime(); err != nil {
		return err
	}
	if err := w.checkOrder(ctx); err != nil {
		return err
	}
	if err := w.readPrices(); err != nil {
		return err
	}
	if err := w.connect(ctx); err != nil {
		return err
	}
	if err := worker.CheckRules(ctx, w.state, w.policy()); err != nil {
		return err
	}
	if _, err := worker.CheckSiblings(ctx, w.state, w.topic, false); err != nil {
		return err
	}
	return w.checkLedger(ctx)
}

// checkTime refuses a month that is not over, or whose grace goes on.
func (w *work) checkTime() error {
	zone, err := events.LoadZone(w.Terms.Zone)
	if err != nil {
		return err
	}
	ends := time.Date(w.month.Year(), w.month.Calendar()+1, 1, 0, 0, 0, 0, zone)
	now := w.Clock.Now()
	if now.Before(ends) {
		return &NotOverError{w.month, ends, w.Terms.Zone}
	}
	if until := ends.Add(w.Terms.Grace); now.Before(until) {
		return &GraceError{w.month, until, w.Terms.Grace}
	}
	return nil
}

// checkOrder refuses a month that is not the one after the last closed one.
func (w *work) checkOrder(ctx context.Context) error {
	if w.ledger == nil {
		return nil
	}
	last, ok, err := w.ledger.LastClosed(ctx)
	if err != nil || !ok {
		return ledgerFailed(err)
	}
	switch {
	case w.month < last:
		return &BooksOpenedLaterError{w.month, last}
	case w.month > last+1:
		return &NotClosedBeforeError{w.month, last + 1}
	}
	return nil
}

// checkLedger refuses to open the books where they were open before: partitions with sealed months belong to a ledger that is
// not this one.
func (w *work) checkLedger(ctx context.Context) error {
	sealed, err := w.state.NewestSealed(ctx)
	if err != nil || sealed == 0 {
		return err
	}
	if w.ledger == nil { // another first close may have been quicker, and have sealed since
		if err := w.openLedger(ctx); err != nil {
			return err
		}
	}
	if w.ledger != nil {
		_, err := w.ledger.Closing(ctx, sealed)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ledger.ErrNotFound) {
			return ledgerFailed(err)
		}
	}
	return &ForeignLedgerError{sealed, fmt.Sprintf("the state store %s has month %s sealed, but the ledger %s knows no closing of it: it is not the ledger that this state belongs to; restore that one from its backup", w.Names.State, sealed, w.Names.Ledger)}
}

// readPrices reads accounts and books as the closing would take them.
func (w *work) readPrices() (err error) {
	w.accounts, w.books, err = w.Site.Prices()
	return err
}
