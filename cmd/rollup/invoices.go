package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/internal/strict"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// invoicesFlags say which invoices are shown, and how.
type invoicesFlags struct {
	table, page output
	account     string
	nonzero     bool
	show        view
}

func invoicesCommand(p *cli.Program) *cobra.Command {
	f := invoicesFlags{table: output{flag: "csv"}, page: output{flag: "html"}}
	cmd := &cobra.Command{Use: "invoices", Short: "show a closed month's invoices", Args: cli.NoArgs,
		Example: "  rollup invoices --month 2026-10\n  rollup invoices --month 2026-10 --account acme --html acme.html"}
	month := cli.RequiredMonth(cmd, "the month to show")
	csvFlag(cmd, &f.table.path)
	cmd.Flags().StringVar(&f.page.path, "html", "", "write a page fit to print to `FILE`, or - for standard output")
	cmd.Flags().StringVar(&f.account, "account", "", "those of this `ACCOUNT` alone")
	cmd.Flags().BoolVar(&f.nonzero, "nonzero", false, "leave out invoices of 0.00 on which nothing was paid ahead")
	cmd.Flags().BoolVar(&f.show.days, "days", false, "list the bill of each day, where a book bills by day")
	force := false
	forceFlag(cmd, &force)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if p.JSON && f.table.path != "" {
			return errTwoForms
		}
		if f.page.path == "" && cmd.Flags().Changed("html") {
			return cli.Fail(cli.Usage, "--html is empty: name the file to write, or - for standard output")
		}
		if f.page.path == standardOutput && (p.JSON || f.table.path == standardOutput) {
			return cli.Fail(cli.Usage, "--html - and another form cannot both go to standard output: name a file for one of them")
		}
		f.page.force, f.table.force = force, force
		if err := errors.Join(f.page.look(), f.table.look()); err != nil {
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
		if invoices, err = f.choose(invoices); err != nil {
			return err
		}
		if err := f.print(cmd.Context(), p, r, invoices); err != nil {
			return err
		}
		if f.account != "" { // what others wait for is not asked
			r.Invoices = slices.DeleteFunc(r.Invoices, func(v ledger.Invoice) bool { return v.Account != f.account })
		}
		return heldError(r)
	}
	return cmd
}

// choose leaves out what is not to be shown.
func (f *invoicesFlags) choose(invoices []rating.Invoice) ([]rating.Invoice, error) {
	if f.account != "" {
		var known []string
		for _, v := range invoices {
			known = append(known, v.Account)
		}
		if !slices.Contains(known, f.account) {
			return nil, cli.Fail(cli.CheckFailed, "account %s has no invoice for the month%s", f.account, strict.DidYouMean(f.account, known))
		}
		invoices = slices.DeleteFunc(invoices, func(v rating.Invoice) bool { return v.Account != f.account })
	}
	if f.nonzero {
		invoices = slices.DeleteFunc(invoices, func(v rating.Invoice) bool { return zero(&v) })
	}
	return invoices, nil
}

// print shows invoices in the forms that are asked for.
func (f *invoicesFlags) print(ctx context.Context, p *cli.Program, r *closed.Result, invoices []rating.Invoice) error {
	write := func(w io.Writer) error { return invoicePage(w, invoices, r.Issuer, f.show) }
	switch f.page.path {
	case "":
	case standardOutput:
		return write(p.Out)
	default:
		if err := f.page.write(ctx, write); err != nil {
			return err
		}
		p.Log.Info("page written", "file", f.page.path, "invoices", len(invoices))
	}
	switch {
	case p.JSON:
		doc := map[string]any{"invoices": invoices}
		if len(r.Limits.Overridden()) > 0 {
			doc["limits"] = r.Limits
		}
		return p.PrintJSON(doc)
	case f.table.path != "":
		return writeCSV(ctx, p, f.table, func(w io.Writer) error { return invoiceCSV(w, invoices) })
	case f.page.path != "":
		return nil
	}
	if len(invoices) == 0 && f.nonzero {
		_, err := fmt.Fprintln(p.Out, "All invoices are of 0.00, and nothing was paid ahead.")
		return err
	}
	if err := printInvoices(p.Out, invoices, f.show); err != nil {
		return err
	}
	return printLimits(p.Out, r)
}
