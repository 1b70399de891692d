package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/site"
	"headcount/events"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
	"headcount/rollup/closing"
)

func closeCommand(p *cli.Program) *cobra.Command {
	var due, openBooks, dryRun, yes bool
	var timeout time.Duration
	cmd := &cobra.Command{Use: "close", Short: "seal, count, rate and record a month", Args: cli.NoArgs,
		Example: "  rollup close --month 2026-10\n  rollup close --due --timeout 1h"}
	month := cli.RequiredMonth(cmd, "the month to close", "due")
	cmd.Flags().BoolVar(&due, "due", false, "close every month that is over, oldest first")
	cmd.Flags().BoolVar(&openBooks, "open-books", false, "open the books with the first close although older months have events, which are then never billed")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print what the month would be closed with, and what it would not bill; nothing is sealed or recorded")
	cmd.Flags().BoolVar(&yes, "yes", false, "close also a month that is not over by the log; with --due also one without events, and more than one")
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "give up waiting, for brokers and for sealed partitions, after this `TIME`, as in 10m (default: never)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := p.Config()
		if err != nil {
			return err
		}
		if due == cmd.Flags().Changed("month") {
			return cli.Fail(cli.Usage, "say either --month YYYY-MM or --due")
		}
		if timeout < 0 {
			return cli.Fail(cli.Usage, "--timeout %s: want a time to wait, such as 10m; without it, there is no limit", timeout)
		}
		if _, err := c.LedgerURL(); err != nil {
			return err
		}
		if dryRun {
			if due {
				return cli.Fail(cli.Usage, "--dry-run is of one month: say --month YYYY-MM, not --due")
			}
			m, err := month()
			if err != nil {
				return err
			}
			return dryClose(cmd.Context(), p, c, m)
		}
		keys, err := site.Keys(c)
		if err != nil {
			return err
		}
		sealKey, err := site.SealKey(c)
		if err != nil {
			return err
		}
		closer, err := newCloser(p, c, keys, sealKey, timeout, openBooks)
		if err != nil {
			return err
		}
		closer.Yes, closer.FromClock = yes, due
		p.OnHangup(func() (string, error) {
			if _, _, err := closer.Site.Prices(); err != nil {
				return "", err
			}
			return "accounts and price books, for the month that is closed next: what a closing has begun with stays", nil
		})
		if due {
			return closeDue(cmd.Context(), p, closer)
		}
		m, err := month()
		if err != nil {
			return err
		}
		r, err := closeOne(cmd.Context(), p, closer, m)
		if err != nil {
			return err
		}
		return heldError(r)
	}
	return cmd
}

// closeOne closes a month and prints it.
func closeOne(ctx context.Context, p *cli.Program, closer *closing.Closer, m events.Month) (*closed.Result, error) {
	r, err := closer.Close(ctx, m)
	if err != nil {
		return nil, err
	}
	return r, printClosed(p, r)
}

// heldError is what a command ends with that showed a held invoice.
func heldError(r *closed.Result) error {
	if !r.Held() {
		return nil
	}
	var accounts []string
	for _, v := range r.Invoices {
		if v.Status == ledger.Held && !slices.Contains(accounts, v.Account) {
			accounts = append(accounts, v.Account)
		}
	}
	return cli.Fail(cli.CheckFailed, "invoices of %s are held for %s: look into each reason, then `rollup release --month %s --account A --reason R`", r.Month, someOf(accounts), r.Month)
}

func closeDue(ctx context.Context, p *cli.Program, closer *closing.Closer) error {
	months, err := closer.Due(ctx)
	if err != nil {
		return err
	}
	if len(months) == 0 {
		if p.JSON {
			return p.PrintJSON([]any{})
		}
		_, err := fmt.Fprintln(p.Out, "no month is due")
		return err
	}
	var held error
	for _, m := range months {
		r, err := closeOne(ctx, p, closer, m)
		if err != nil {
			return err
		}
		if err := heldError(r); err != nil {
			held = err // the months after it can be closed
		}
	}
	return held
}
