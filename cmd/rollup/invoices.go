package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/rollup/closed"
)

func invoicesCommand(p *cli.Program) *cobra.Command {
	table, page := output{flag: "csv"}, output{flag: "html"}
	cmd := &cobra.Command{Use: "invoices", Short: "show a closed month's invoices", Args: cli.NoArgs,
		Example: "  rollup invoices --month 2026-10\n  rollup invoices --month 2026-10 --html october.html"}
	month := cli.RequiredMonth(cmd, "the month to show")
	csvFlag(cmd, &table.path)
	cmd.Flags().StringVar(&page.path, "html", "", "write a page fit to print to `FILE`")
	force := false
	forceFlag(cmd, &force)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if p.JSON && table.path != "" {
			return errTwoForms
		}
		if page.path == "" && cmd.Flags().Changed("html") {
			return cli.Fail(cli.Usage, "--html is empty: name the file to write")
		}
		page.force, table.force = force, force
		if err := errors.Join(page.look(), table.look()); err != nil {
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
		invoices, err := closed.Decode(r.Invoices)
		if err != nil {
			return err
		}
		if page.path != "" {
			if err := page.write(cmd.Context(), func(w io.Writer) error { return invoicePage(w, invoices) }); err != nil {
				return err
			}
			p.Log.Info("page written", "file", page.path, "invoices", len(invoices))
		}
		switch {
		case p.JSON:
			doc := map[string]any{"invoices": invoices}
			if len(r.Limits.Overridden()) > 0 {
				doc["limits"] = r.Limits
			}
			err = p.PrintJSON(doc)
		case table.path != "":
			err = writeCSV(cmd.Context(), p, table, func(w io.Writer) error { return invoiceCSV(w, invoices) })
		case page.path == "":
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
