package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/rating/ledger"
)

func ledgerCommand(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{Use: "ledger", Short: "the ledger's tables"}
	cmd.AddCommand(&cobra.Command{
		Use: "prepare", Short: "make the ledger's tables on PostgreSQL, or bring them up to date, as their owner", Args: cli.NoArgs,
		Example: "  rollup ledger prepare --config owner.yaml",
		Long: "Makes the ledger's tables where there are none, and brings older ones up to date. On PostgreSQL it is run as the tables' owner\n" +
			"(deploy/postgres/roles.sql), so that who closes months need not be able to change them. SQLite needs none of it.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.Config()
			if err != nil {
				return err
			}
			url, err := c.LedgerURL()
			if err != nil {
				return err
			}
			if strings.HasPrefix(url.Reveal(), "sqlite:") {
				return cli.Fail(cli.Usage, "the ledger is a file: the first `rollup close` makes it")
			}
			if err := ledger.Prepare(cmd.Context(), url.Reveal()); err != nil {
				return cli.Fail(cli.Unreachable, "%w", err)
			}
			_, err = fmt.Fprintln(p.Out, "the ledger's tables are there and up to date")
			return err
		},
	}, ledgerCopyCommand(p))
	return cmd
}
