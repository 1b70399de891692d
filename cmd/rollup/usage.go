package main

import (
	"io"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
)

var errTwoForms = cli.Fail(cli.Usage, "say either --json or --csv")

func usageCommand(p *cli.Program) *cobra.Command {
	var table output
	cmd := &cobra.Command{Use: "usage", Short: "show a closed month's usage", Args: cli.NoArgs,
		Example: "  rollup usage --month 2026-10\n  rollup usage --month 2026-10 --csv october.csv"}
	month := cli.RequiredMonth(cmd, "the month to show")
	table.flag = "csv"
	csvFlag(cmd, &table.path)
	forceFlag(cmd, &table.force)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if p.JSON && table.path != "" {
			return errTwoForms
		}
		if err := table.look(); err != nil {
			return err
		}
		c, m, err := p.ConfigAndMonth(month)
		if err != nil {
			return err
		}
		r, err := storedMonth(cmd.Context(), p, c, m)
		if err != nil {
			return err
		}
		if p.JSON {
			text, err := withInvoices(r)
			if err != nil {
				return err
			}
			return printIndented(p.Out, text)
		}
		doc, err := r.Usage()
		if err != nil {
			return err
		}
		if table.path != "" {
			return writeCSV(cmd.Context(), p, table, func(w io.Writer) error { return usageCSV(w, doc) })
		}
		if err := usageTable(p.Out, doc); err != nil {
			return err
		}
		return notBilled(p.Out, doc, false)
	}
	return cmd
}
