package main

import (
	"bytes"
	"strings"
	"testing"

	"headcount/rating"
)

// Days that were charged are on the invoice, others are not.
func TestInvoicesShowChargedDays(t *testing.T) {
	invoices := []rating.Invoice{{Account: "paas", Currency: "USD", Total: "0.30", Daily: []rating.Day{
		{Day: "2026-03-01", Amount: "0.00", By: "2026-03-04"}, {Day: "2026-03-02", Amount: "0.30", By: "2026-03-05"},
	}}}
	for name, print := range map[string]func(*bytes.Buffer) error{
		"table": func(b *bytes.Buffer) error { return printInvoices(b, invoices, view{days: true}) },
		"page":  func(b *bytes.Buffer) error { return invoicePage(b, invoices, nil, view{days: true}) },
	} {
		var b bytes.Buffer
		if err := print(&b); err != nil {
			t.Fatal(err)
		}
		if text := b.String(); !strings.Contains(text, "2026-03-02") || !strings.Contains(text, "2026-03-05") || strings.Contains(text, "2026-03-01") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
