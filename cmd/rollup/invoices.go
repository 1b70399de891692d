package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/internal/durable"
	"headcount/rollup/closed"
)

func invoicesCommand(p *cli.Program) *cobra.Command {
	var asCSV bool
	var page string
	cmd := &cobra.Command{Use: "invoices", Short: "show a closed month's invoices", Args: cli.NoArgs}
	month := cli.RequiredMonth(cmd, "the month to show")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print the result as CSV")
	cmd.Flags().StringVar(&page, "html", "", "write a page fit to print to `FILE`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if p.JSON && asCSV {
			return errTwoForms
		}
		if page == "" && cmd.Flags().Changed("html") {
			return cli.Fail(cli.Usage, "--html is empty: name the file to write")
		}
		c, m, err := p.ConfigAndMonth(month)
		if err != nil {
			return err
		}
		r, err := storedMonth(cmd.Context(), c, m)
		if err != nil {
			return err
		}
		invoices, err := closed.Decode(r.Invoices)
		if err != nil {
			return err
		}
		if page != "" {
			var b bytes.Buffer
			if err := invoicePage(&b, invoices); err != nil {
				return fmt.Errorf("page %s: %w", page, err)
			}
			if err := durable.ReplaceFile(page, b.Bytes()); err != nil {
				return cli.Fail(cli.Usage, "--html: %w", err)
			}
			p.Log.Info("page written", "file", page, "invoices", len(invoices))
		}
		switch {
		case p.JSON:
			doc := map[string]any{"invoices": invoices}
			if len(r.Limits.Overridden()) > 0 {
				doc["limits"] = r.Limits
			}
			err = p.PrintJSON(doc)
		case asCSV:
			err = invoiceCSV(p.Out, invoices)
		case page == "":
			if err = printInvoices(p.Out, invoices); err == nil {
				err = printLimits(p.Out, r)
			}
		}
		if err != nil {
			return err
		}
		return heldError(r)
	}
	return cmd
}
