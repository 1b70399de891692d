package closing

import (
	"context"
	"errors"

	"headcount/ingest/worker"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// checkMonth refuses a month that must not be closed now.
func (w *work) checkMonth(ctx context.Context) error {
	if err := w.checkTime(); err != nil {
		return err
	}
	return w.checkOrder(ctx)
}

// check refuses log, state and ledger that would not be closed as the month was counted. It writes nothing.
func (r *reached) check(ctx context.Context) error {
	policy := worker.Policy{Template: r.conn.Template, Keys: r.Keys, TemplateFile: r.Names.Template, KeyFile: r.Names.Keys}
	if err := worker.CheckRules(ctx, r.conn.State, policy); err != nil {
		return err
	}
	if _, err := worker.CheckSiblings(ctx, r.conn.State, r.conn.Topic, false); err != nil {
		return err
	}
	if err := r.checkLedger(ctx); err != nil {
		return err
	}
	return r.checkPublished(ctx, r.conn)
}

// checkPublished refuses a ledger that lacks what the log's signed records say of it.
func (w *work) checkPublished(ctx context.Context, conn *Connection) error {
	p := closed.Published{Log: conn.Log, Topic: conn.Topic, State: conn.State, Key: conn.Template.SealKey,
		Until: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return w.Clock.Until(ctx, w.Clock.Now().Add(patience))
		}}
	var l closed.Chain
	if w.ledger != nil {
		l = w.ledger
	}
	return p.Check(ctx, l, w.Names.Ledger)
}

// checkTime refuses a month that is not over, or whose grace goes on.
func (w *work) checkTime() error {
	ends, err := w.ends()
	if err != nil {
		return err
	}
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
		return w.checkFrom()
	}
	last, ok, err := w.ledger.LastClosed(ctx)
	if err != nil {
		return closed.LedgerFailed(err)
	}
	if !ok {
		return w.checkFrom()
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
func (r *reached) checkLedger(ctx context.Context) error {
	sealed, err := r.conn.State.NewestSealed(ctx)
	if err != nil || sealed == 0 {
		return err
	}
	if r.ledger == nil { // another first close may have been quicker, and have sealed since
		if err := r.openLedger(ctx); err != nil {
			return err
		}
	}
	if r.ledger != nil {
		_, err := r.ledger.Closing(ctx, sealed)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ledger.ErrNotFound) {
			return closed.LedgerFailed(err)
		}
	}
	return &ForeignLedgerError{sealed, r.Names.State, r.Names.Ledger}
}
