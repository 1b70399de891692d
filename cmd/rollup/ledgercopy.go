package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/site"
	"headcount/rating/ledger"
)

func ledgerCopyCommand(p *cli.Program) *cobra.Command {
	return &cobra.Command{
		Use: "copy FROM [TO]", Short: "take a ledger from SQLite to PostgreSQL, as it is",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return cli.Fail(cli.Usage, "want the ledger to copy, as sqlite://data/ledger.db, and where to, if not to that of the configuration")
			}
			return nil
		},
		Example: "  rollup ledger copy sqlite://data/ledger.db postgres://headcount_writer@db/headcount",
		Long: "Copies every entry with its hash, so that the copy is the same chain, and verifies it on the way. TO is the ledger of the\n" +
			"configuration unless it is given; a password comes from ledger_password_file, or from where PostgreSQL's programs take it\n" +
			"(PGPASSWORD, ~/.pgpass). Where there is a ledger already nothing is copied. Close nothing meanwhile, and keep the old file away\n" +
			"afterwards: what is closed in both is two truths.",
		RunE: func(cmd *cobra.Command, args []string) error { return copyLedger(cmd.Context(), p, args) },
	}
}

func copyLedger(ctx context.Context, p *cli.Program, args []string) error {
	var to string
	if len(args) == 2 {
		to = args[1]
	} else {
		c, err := p.Config()
		if err != nil {
			return err
		}
		url, err := c.LedgerURL()
		if err != nil {
			return err
		}
		to = url.Reveal()
	}
	if !strings.HasPrefix(args[0], "sqlite://") || !strings.HasPrefix(to, "postgres://") && !strings.HasPrefix(to, "postgresql://") {
		return cli.Fail(cli.Usage, "a ledger is copied from sqlite://FILE to postgres://user@host/database")
	}
	if why := ledger.Unverified(to); why != "" {
		p.Log.Warn("ledger: "+why, "remedy", site.UnverifiedRemedy)
	}
	from, err := ledger.OpenReadOnly(ctx, args[0])
	if err != nil {
		return site.LedgerFailure(err)
	}
	defer from.Close()
	r, err := from.Copy(ctx, to)
	switch {
	case errors.As(err, new(*ledger.Difference)), errors.Is(err, ledger.ErrExists):
		return cli.Fail(cli.CheckFailed, "%w", err)
	case err != nil:
		return site.LedgerFailure(err)
	case p.JSON:
		return p.PrintJSON(map[string]any{"entries": r.Entries, "rows": r.Rows, "head": r.Head})
	}
	_, err = fmt.Fprintf(p.Out, "copied and verified: %d entries, %d rows, head %s\n", r.Entries, r.Rows, r.Head)
	return err
}
