package sim

import (
	"context"
	"errors"
	"fmt"

	"headcount/rating/ledger"
	"headcount/rollup/closing"
)

// distant is the ledger as one process has it: it may be down, and what it did may not be heard of.
type distant struct {
	closing.Ledger
	p *process
}

var errLedger = errors.New("the database does not answer")

func (d *distant) call() error {
	w := d.p.w
	if err := w.gate(d.p); err != nil {
		return err
	}
	if w.hit(ledgerDown) {
		return errLedger
	}
	return nil
}

// late is the error of what was done all the same.
func (d *distant) late() error {
	w := d.p.w
	if d.p.dead {
		return errDead
	}
	if w.hit(ledgerLate) {
		if w.chanceEven() {
			w.kill(d.p, closeKilled)
			return errDead
		}
		return errLedger
	}
	return nil
}

func (d *distant) Close() error { return nil }

func (d *distant) LastClosed(ctx context.Context) (ledger.Month, bool, error) {
	if err := d.call(); err != nil {
		return 0, false, err
	}
	return d.Ledger.LastClosed(ctx)
}

func (d *distant) Lacks(ctx context.Context, heads []string) ([]string, error) {
	if err := d.call(); err != nil {
		return nil, err
	}
	return d.Ledger.Lacks(ctx, heads)
}

func (d *distant) Closing(ctx context.Context, month ledger.Month) (ledger.Closing, error) {
	if err := d.call(); err != nil {
		return ledger.Closing{}, err
	}
	return d.Ledger.Closing(ctx, month)
}

func (d *distant) Result(ctx context.Context, month ledger.Month) (ledger.Result, error) {
	if err := d.call(); err != nil {
		return ledger.Result{}, err
	}
	return d.Ledger.Result(ctx, month)
}

func (d *distant) Invoices(ctx context.Context, month ledger.Month) ([]ledger.Invoice, error) {
	if err := d.call(); err != nil {
		return nil, err
	}
	return d.Ledger.Invoices(ctx, month)
}

func (d *distant) Begin(ctx context.Context, c ledger.Closing) (ledger.Closing, bool, error) {
	if err := d.call(); err != nil {
		return ledger.Closing{}, false, err
	}
	stored, adopted, err := d.Ledger.Begin(ctx, c)
	return stored, adopted, errors.Join(err, d.late())
}

func (d *distant) Commit(ctx context.Context, r ledger.Result) (bool, error) {
	if err := d.call(); err != nil {
		return false, err
	}
	already, err := d.Ledger.Commit(ctx, r)
	if already {
		d.p.w.took(closeTwice)
	} else if err == nil {
		d.p.w.billed[r.Month] = d.p
	}
	return already, errors.Join(err, d.late())
}

func (d *distant) Outbox(ctx context.Context) ([]ledger.Message, error) {
	if err := d.call(); err != nil {
		return nil, err
	}
	return d.Ledger.Outbox(ctx)
}

func (d *distant) MarkSent(ctx context.Context, ids ...int64) error {
	if err := d.call(); err != nil {
		return err
	}
	if err := d.Ledger.MarkSent(ctx, ids...); err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	return d.late()
}
