package main

import (
	"fmt"
	"io"
	"strings"

	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// view says what of invoices is shown to people.
type view struct {
	days bool // the bill of each day, not their sum alone
}

func invoiceTable(out io.Writer, stored []ledger.Invoice) error {
	invoices, err := closed.Decode(stored)
	if err != nil {
		return err
	}
	return printInvoices(out, invoices, view{})
}

func printInvoices(out io.Writer, invoices []rating.Invoice, show view) error {
	if len(invoices) == 0 {
		_, err := fmt.Fprintln(out, "No account is in force: no invoices.")
		return err
	}
	for i := range invoices {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if err := printInvoice(out, &invoices[i], show); err != nil {
			return err
		}
	}
	return nil
}

func printInvoice(out io.Writer, v *rating.Invoice, show view) error {
	name := title(v)
	if v.Number != "" {
		name += " " + v.Number
	}
	fmt.Fprintf(out, "%s of %s for %s, plan %s, revision %d: %s, %s\n", name, v.Account, v.Month, v.Plan, v.Revision, headline(v.Total, v.Currency), state(v))
	for _, line := range []struct {
		label string
		texts []string
	}{{"from ", sender(v)}, {"to ", recipient(v)}, {"", dates(v)}} {
		if len(line.texts) > 0 {
			fmt.Fprintf(out, "  %s%s\n", line.label, strings.Join(line.texts, "; "))
		}
	}
	for _, text := range acts(v) {
		fmt.Fprintf(out, "  %s\n", text)
	}
	t := table{columns: []string{"app", "meter or item", ">quantity", ">free", ">billable", ">unit price", ">amount", "how", "?price from"}}
	for _, l := range v.Lines {
		c := cells(l)
		t.add(appOf(l), l.Meter+l.Item, c[0], c[1], c[2], c[3], grouped(l.Amount), sentence(l, v.Currency), or(l.Source.String()))
	}
	if len(v.Lines) > 0 {
		if err := t.print(out, "  "); err != nil {
			return err
		}
	}
	if text := taxed(v); text != "" {
		fmt.Fprintf(out, "  %s: %s; payable: %s\n", text, money(v.Tax, v.Currency), money(v.Payable, v.Currency))
	}
	for _, paid := range v.Prepaid {
		item := paid.Item
		if paid.App != "" {
			item += " of " + paid.App
		}
		fmt.Fprintf(out, "  paid ahead on %s, not in the total: %s for %s %s (%s)\n", paid.Date, money(paid.Amount, v.Currency), grouped(paid.Quantity), item, paid.How)
	}
	for _, left := range v.Balances {
		fmt.Fprintf(out, "  package %s: %s of %s left, until %s\n", left.Package, grouped(left.Remaining), grouped(left.Quantity), left.Until)
	}
	printDays(out, v, show)
	if v.DeductFrom != "" {
		fmt.Fprintf(out, "  deducted from %s until %s\n", v.DeductFrom, v.DeductUntil)
	}
	return nil
}

// printDays prints what was billed by day: the sum, or each.
func printDays(out io.Writer, v *rating.Invoice, show view) {
	days, first, last, sum := daysSum(v)
	if days == 0 {
		return
	}
	if !show.days {
		fmt.Fprintf(out, "  in the total, billed by day: %s on %s, %s to %s (--days lists them)\n", money(sum, v.Currency), plural(fmt.Sprint(days), "day"), first, last)
		return
	}
	for _, d := range v.Daily {
		if charged(d.Amount) {
			fmt.Fprintf(out, "  in the total, of %s: %s, out by %s\n", d.Day, money(d.Amount, v.Currency), d.By)
		}
	}
}

// appOf names the app of a line.
func appOf(l rating.Line) string {
	if l.App == "" {
		return "all apps"
	}
	return l.App
}
