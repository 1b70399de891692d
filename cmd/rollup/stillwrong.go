package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/amend"
	"headcount/rollup/closed"
)

// stillWrong warns where the configured accounts and books would not bill the month as it is amended: the next close bills by them again.
// further are the revisions that the amendment makes.
func stillWrong(ctx context.Context, p *cli.Program, c *config.Config, l *ledger.Ledger, was *closed.Month, fix amend.Correction, further []rating.Invoice) {
	as := *was
	as.Issued = slices.Concat(was.Issued, further)
	if fix.Accounts != nil {
		as.Accounts = fix.Accounts
	}
	if fix.Books != nil {
		as.Books = fix.Books
	}
	for _, q := range fix.Quantities {
		as.Corrected = as.Corrected.With(q)
	}
	now := amend.Correction{Reason: fix.Reason, By: fix.By, Now: fix.Now, DryRun: true}
	var err error
	if now.Accounts, now.Books, err = (&configured{config: c, log: p.Log}).Prices(); err != nil {
		p.Log.Warn("the configured accounts and books cannot be read: put them right before the next close", "accounts", c.Accounts, "error", err)
		return
	}
	_, other, err := amend.Month(ctx, l, &as, now)
	switch {
	case errors.Is(err, amend.ErrSame) || err == nil && len(other) == 0:
		return
	case err != nil:
		p.Log.Warn("it could not be tried whether the configured accounts would bill the month as it is amended: look into them before the next close", "accounts", c.Accounts, "error", err)
		return
	}
	var differ []string
	for _, v := range other {
		differ = append(differ, v.Account)
	}
	const shown = 5
	names := strings.Join(differ[:min(len(differ), shown)], ", ")
	if len(differ) > shown {
		names += ", …"
	}
	p.Log.Warn("the configured accounts and books are not those of the amendment: the next close bills by them again, unless they are put right too",
		"month", was.Month, "accounts_file", c.Accounts, "accounts", names, "count", len(differ))
}
