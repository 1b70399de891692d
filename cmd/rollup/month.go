package main

import (
	"context"
	"errors"
	"fmt"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/events"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// readLedger opens the ledger of a configuration for reading; a missing one is a month that is not closed.
func readLedger(ctx context.Context, p *cli.Program, c *config.Config) (*ledger.Ledger, error) {
	return opened(ctx, p, c, ledger.OpenReadOnly)
}

// writeLedger opens it for writing too.
func writeLedger(ctx context.Context, p *cli.Program, c *config.Config) (*ledger.Ledger, error) {
	return opened(ctx, p, c, ledger.Open)
}

func opened(ctx context.Context, p *cli.Program, c *config.Config, open func(context.Context, string) (*ledger.Ledger, error)) (*ledger.Ledger, error) {
	l, err := site.Ledger(ctx, c, p.Log, open)
	if errors.Is(err, ledger.ErrMissing) {
		return nil, &noLedgerError{c.Ledger.String()}
	}
	return l, site.LedgerFailure(err)
}

// storedMonth returns a closed month's result; isOpen says of its error whether the month is not closed.
func storedMonth(ctx context.Context, p *cli.Program, c *config.Config, m events.Month) (*closed.Result, error) {
	l, err := readLedger(ctx, p, c)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	r, err := closed.Stored(ctx, l, m)
	if _, open := errors.AsType[*closed.NotClosedError](err); open {
		return nil, cli.Fail(cli.CheckFailed, "%w: `rollup close --month %s` closes it, `rollup status --month %s` shows it so far", err, m, m)
	}
	return r, err
}

func isOpen(err error) bool {
	_, open := errors.AsType[*closed.NotClosedError](err)
	_, first := errors.AsType[*noLedgerError](err)
	return open || first
}

// noLedgerError says that no month was ever closed.
type noLedgerError struct{ ledger string }

func (e *noLedgerError) Error() string {
	return fmt.Sprintf("no month is closed yet: the ledger %s does not exist; the first `rollup close` makes it", e.ledger)
}
