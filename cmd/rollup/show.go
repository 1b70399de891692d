package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"headcount/cmd/cli"
	"headcount/internal/visible"
	"headcount/rollup/closed"
	"headcount/rollup/usage"
)

// printClosed prints a closed month: usage and invoices.
func printClosed(p *cli.Program, r *closed.Result) error {
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
	if err := notBilled(p.Out, doc, false); err != nil {
		return err
	}
	fmt.Fprintln(p.Out)
	if err := invoiceTable(p.Out, append(r.Invoices, r.Late...)); err != nil {
		return err
	}
	return printLimits(p.Out, r)
}

// printLimits says by which limits invoices were held, where they are not the usual ones.
func printLimits(out io.Writer, r *closed.Result) error {
	other := r.Limits.Overridden()
	if len(other) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(out, "\nInvoices of %s were held by other limits than usual (billing.…): %s.\n", r.Month, strings.Join(other, "; "))
	return err
}

// withInvoices adds the invoices to the stored document, byte for byte as it was but for them, and the limits that held them where they
// are not the usual ones.
func withInvoices(r *closed.Result) ([]byte, error) {
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
	text = append(text, invoices...)
	if len(r.Limits.Overridden()) > 0 {
		text = append(append(text, `,"limits":`...), r.Limits.Document()...)
	}
	return append(text, '}'), nil
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

// absent stands in tables for what there is none of.
const absent = "–"

func number(v uint64) string { return strconv.FormatUint(v, 10) }

// usageTable prints the usage of a closed month.
func usageTable(out io.Writer, d *usage.Document) error {
	fmt.Fprintf(out, "Usage of %s (%s), topic %s, sealed\n\n", d.Month, d.TimeZone, d.Topic)
	return usageRows(out, d, nil, nil)
}

// usageRows prints a line for each meter, with further columns that more fills; nil: none.
func usageRows(out io.Writer, d *usage.Document, columns []string, more func(app, meter string) []string) error {
	t := table{columns: slices.Concat([]string{"app", "account", "meter", ">exact", ">estimate", "verdict"}, columns,
		[]string{"?>events", "?>duplicates", "?>skewed", "?>expired", "?>rejected"})}
	for _, a := range d.Usage {
		account := absent
		if a.Account != nil {
			account = *a.Account
		}
		first := []string{a.App, account}
		counters := []string{number(a.Events), number(a.Duplicates), number(a.Skewed), number(a.Expired), number(a.Rejected)}
		if len(a.Meters) == 0 {
			t.add(slices.Concat(first, slices.Repeat([]string{absent}, 4+len(columns)), counters)...)
		}
		for i, m := range a.Meters {
			if i > 0 { // the app is named once, its counters are its own
				first, counters = []string{"", ""}, make([]string, 5)
			}
			cells := []string{m.Meter, number(m.Exact), absent, string(m.Verdict)}
			if m.Estimate != nil {
				cells[2] = number(*m.Estimate)
			}
			if more != nil {
				cells = append(cells, more(a.App, m.Meter)...)
			}
			t.add(slices.Concat(first, cells, counters)...)
		}
	}
	if len(d.Usage) == 0 {
		if _, err := fmt.Fprintf(out, "No app has events of %s.\n", d.Month); err != nil {
			return err
		}
	} else if err := t.print(out, ""); err != nil {
		return err
	}
	if o := d.Others; o != nil {
		if _, err := fmt.Fprintf(out, "\nNot listed are %d further apps that nobody is billed for: %d events, %d duplicates, %d skewed, %d expired, %d rejected, digest %s\n",
			o.Apps, o.Events, o.Duplicates, o.Skewed, o.Expired, o.Rejected, o.Digest); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "\nDead letters whose app cannot be read: %d\n", d.Rejected)
	if n := d.AllBeforeBooks(); n > 0 && err == nil {
		_, err = fmt.Fprintf(out, "Events of months before the books, which are not counted: %d\n", n)
	}
	return err
}

// usageCSV writes a row for each meter; an app's events and digest stand in its first.
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
		counters := []string{number(a.Events), number(a.Duplicates), number(a.Skewed), number(a.Expired), number(a.Rejected), a.Digest}
		for i, m := range meters {
			if i > 0 { // they are the app's: a column's sum has them once
				counters = make([]string, len(counters))
			}
			estimate := ""
			if m.Estimate != nil {
				estimate = number(*m.Estimate)
			}
			rows = append(rows, append([]string{d.Month.String(), cell(a.App), cell(account), cell(m.Meter), number(m.Exact), estimate, string(m.Verdict)}, counters...))
		}
	}
	if o := d.Others; o != nil {
		n := number
		rows = append(rows, []string{d.Month.String(), fmt.Sprintf("(%d further apps)", o.Apps), "", "", "0", "", string(usage.None), n(o.Events), n(o.Duplicates), n(o.Skewed), n(o.Expired), n(o.Rejected), o.Digest})
	}
	return w.WriteAll(rows)
}

var numeral = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// cell keeps a spreadsheet from taking text for a formula, also where it takes full-width signs for one, and shows what is invisible in
// it: app ids come from events.
func cell(s string) string {
	s = visible.Text(s) // no tab or line's end begins it
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@＝＋－＠", first) && !numeral.MatchString(s) {
		return "'" + s
	}
	return s
}
