package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/rollup/closing"
	"headcount/events"
	"headcount/rating/ledger"
)

// monthFlag adds --month and returns how to read it.
func monthFlag(cmd *cobra.Command, use string) func() (events.Month, error) {
	text := cmd.Flags().String("month", "", use+" (`YYYY-MM`)")
	return func() (events.Month, error) {
		if *text == "" {
			return 0, cli.Fail(cli.Usage, "--month is missing: name the month as 2026-10")
		}
		m, err := events.ParseMonth(*text)
		if err != nil {
			return 0, cli.Fail(cli.Usage, "--month: %w", err)
		}
		return m, nil
	}
}

// openLedger opens the ledger of a configuration; a missing one is a month that is not closed.
func openLedger(ctx context.Context, c *config.Config) (*ledger.Ledger, error) {
	l, err := ledger.OpenExisting(ctx, c.Ledger)
	if errors.Is(err, ledger.ErrMissing) {
		return nil, cli.Fail(cli.CheckFailed, "no month is closed yet: the ledger %s does not exist; the first `rollup close` makes it", c.Ledger)
	}
	if err != nil {
		return nil, cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	return l, nil
}

// closed returns a closed month's result.
func closed(ctx context.Context, c *config.Config, m events.Month) (*closing.Result, error) {
	l, err := openLedger(ctx, c)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	r, err := closing.Stored(ctx, l, m)
	if errors.Is(err, closing.ErrNotClosed) {
		return nil, cli.Fail(cli.CheckFailed, "month %s is not closed: `rollup close --month %s` closes it, `rollup status --month %s` shows it so far", m, m, m)
	}
	return r, err
}
