package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"headcount/cmd/cli"
	"headcount/cmd/rollup/closing"
	"headcount/cmd/rollup/usage"
	"headcount/rating"
	"headcount/rating/ledger"
)

// printClosed prints a closed month: usage and invoices.
func printClosed(p *cli.Program, r *closing.Result) error {
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
	if err := usageTable(p.Out, doc); err != nil {
		return err
	}
	fmt.Fprintln(p.Out)
	return invoiceTable(p.Out, append(r.Invoices, r.Late...))
}

// withInvoices adds the invoices to the stored document, byte for byte as it was but for them.
func withInvoices(r *closing.Result) ([]byte, error) {
	documents := []json.RawMessage{}
	for _, v := range r.Invoices {
		documents = append(documents, v.Document)
	}
	invoices, err := json.Marshal(documents)
	if err != nil {
		return nil, fmt.Errorf("encode invoices: %w", err)
	}
	text := bytes.TrimSuffix(bytes.TrimSpace(r.Document), []byte{'}'})
	text = append(bytes.Clone(text), `,"invoices":`...)
	return append(append(text, invoices...), '}'), nil
}

func printIndented(w io.Writer, text []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := b.WriteTo(w)
	return err
}

func usageTable(out io.Writer, d *usage.Document) error {
	state := "sealed"
	if d.Provisional {
		state = "so far, provisional"
	}
	fmt.Fprintf(out, "Usage of %s (%s), topic %s, %s\n\n", d.Month, d.TimeZone, d.Topic, state)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "app\taccount\tmeter\texact\testimate\tverdict\tevents\tduplicates\tskewed\texpired\trejected\t")
	for _, a := range d.Usage {
		account := "–"
		if a.Account != nil {
			account = *a.Account
		}
		meters := a.Meters
		if len(meters) == 0 {
			meters = []usage.Meter{{Meter: "–", Verdict: usage.None}}
		}
		for i, m := range meters {
			estimate := "–"
			if m.Estimate != nil {
				estimate = strconv.FormatUint(*m.Estimate, 10)
			}
			if i == 0 {
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t\n", a.App, account, m.Meter, m.Exact, estimate, m.Verdict, a.Events, a.Duplicates, a.Skewed, a.Expired, a.Rejected)
			} else {
				fmt.Fprintf(w, "\t\t%s\t%d\t%s\t%s\t\t\t\t\t\t\n", m.Meter, m.Exact, estimate, m.Verdict)
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, s := range d.Partitions {
		owner := s.Owner
		if owner == "" {
			owner = "nobody"
		}
		fmt.Fprintf(out, "partition %d: counted up to %d of %d, %d to go, read by %s\n", s.Partition, s.Offset, s.End, s.Lag, owner)
	}
	_, err := fmt.Fprintf(out, "dead letters of no known app: %d\n", d.Rejected)
	return err
}

func usageCSV(out io.Writer, d *usage.Document) error {
	w := csv.NewWriter(out)
	rows := [][]string{{"month", "app", "account", "meter", "exact", "estimate", "verdict", "events", "duplicates", "skewed", "expired", "rejected", "digest"}}
	for _, a := range d.Usage {
		account := ""
		if a.Account != nil {
			account = *a.Account
		}
		meters := a.Meters
		if len(meters) == 0 {
			meters = []usage.Meter{{Verdict: usage.None}}
		}
		for _, m := range meters {
			estimate := ""
			if m.Estimate != nil {
				estimate = strconv.FormatUint(*m.Estimate, 10)
			}
			n := func(v uint64) string { return strconv.FormatUint(v, 10) }
			rows = append(rows, []string{d.Month, a.App, account, m.Meter, n(m.Exact), estimate, string(m.Verdict), n(a.Events), n(a.Duplicates), n(a.Skewed), n(a.Expired), n(a.Rejected), a.Digest})
		}
	}
	return w.WriteAll(rows)
}

func invoiceTable(out io.Writer, stored []ledger.Invoice) error {
	invoices, err := closing.Decode(stored)
	if err != nil {
		return err
	}
	return printInvoices(out, invoices)
}

func printInvoices(out io.Writer, invoices []rating.Invoice) error {
	if len(invoices) == 0 {
		_, err := fmt.Fprintln(out, "No account is in force: no invoices.")
		return err
	}
	for i, v := range invoices {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "Invoice of %s for %s, plan %s, revision %d: %s %s, %s\n", v.Account, v.Month, v.Plan, v.Revision, v.Total, v.Currency, v.Status)
		if v.Reason != "" {
			fmt.Fprintf(out, "  held because: %s\n", v.Reason)
		}
		w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(w, "  app\tmeter or item\tquantity\tfree\tbillable\tunit price\tamount\thow")
		for _, l := range v.Lines {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", appOf(l), l.Meter+l.Item, l.Quantity, l.Free, l.Billable, l.UnitPrice, l.Amount, l.How)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		for _, paid := range v.Prepaid {
			fmt.Fprintf(out, "  paid ahead on %s, not in the total: %s %s for %s %s (%s)\n", paid.Date, paid.Amount, v.Currency, paid.Quantity, paid.Item, paid.How)
		}
		for _, left := range v.Balances {
			fmt.Fprintf(out, "  package %s: %s of %s left, until %s\n", left.Package, left.Remaining, left.Quantity, left.Until)
		}
		if v.DeductFrom != "" {
			fmt.Fprintf(out, "  deducted from %s until %s\n", v.DeductFrom, v.DeductUntil)
		}
	}
	return nil
}

// appOf names the app of a line.
func appOf(l rating.Line) string {
	if l.App == "" {
		return "all apps"
	}
	return l.App
}

func invoiceCSV(out io.Writer, invoices []rating.Invoice) error {
	w := csv.NewWriter(out)
	rows := [][]string{{"account", "plan", "month", "revision", "status", "currency", "app", "meter", "item", "quantity", "free", "billable", "unit_price", "amount", "how"}}
	for _, v := range invoices {
		for _, l := range v.Lines {
			rows = append(rows, []string{v.Account, v.Plan, v.Month, strconv.Itoa(v.Revision), v.Status, v.Currency, l.App, l.Meter, l.Item, l.Quantity, l.Free, l.Billable, l.UnitPrice, l.Amount, l.How})
		}
		rows = append(rows, []string{v.Account, v.Plan, v.Month, strconv.Itoa(v.Revision), v.Status, v.Currency, "", "", "total", "", "", "", "", v.Total, ""})
	}
	return w.WriteAll(rows)
}
