package main

import (
	"github.com/spf13/cobra"

	"headcount/cmd/cli"
)

var errTwoForms = cli.Fail(cli.Usage, "say either --json or --csv")

func usageCommand(p *cli.Program) *cobra.Command {
	var asCSV bool
	cmd := &cobra.Command{Use: "usage", Short: "show a closed month's usage", Args: cli.NoArgs}
	month := cli.RequiredMonth(cmd, "the month to show")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print the result as CSV")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if p.JSON && asCSV {
			return errTwoForms
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
		if asCSV {
			return usageCSV(p.Out, doc)
		}
		return usageTable(p.Out, doc)
	}
	return cmd
}
