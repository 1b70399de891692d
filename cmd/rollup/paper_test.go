package main

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"headcount/events"
	"headcount/rating"
)

func TestMoney(t *testing.T) {
	for _, x := range [][3]string{
		{"1234567.50", "USD", "$1,234,567.50"}, {"-1234.00", "USD", "-$1,234.00"}, {"88.00", "CNY", "¥88.00"}, {"1000", "JPY", "¥1,000"}, {"7.125", "KWD", "KWD 7.125"},
		{"-0.01", "CHF", "-CHF 0.01"}, {"999", "EUR", "€999"}, {"100000", "EUR", "€100,000"}, {"0.00", "USD", "$0.00"},
	} {
		if got := money(x[0], x[1]); got != x[2] {
			t.Errorf("%s %s: %s, want %s", x[0], x[1], got, x[2])
		}
	}
	for share, want := range map[string]string{"0.19": "19%", "0": "0%", "1": "100%", "0.08875": "8.875%", "0.005": "0.5%", "0.1": "10%", "0.07": "7%"} {
		if got := taxPercent(share); got != want {
			t.Errorf("%s: %s, want %s", share, got, want)
		}
	}
}

// Formulas of a book's models are told in words; others stay as they are.
func TestSentences(t *testing.T) {
	for _, x := range []struct {
		quantity, free, billable, how, want string
	}{
		{"250000", "200000", "50000", "(250000 − 200000) × 0.015", "50,000 above the 200,000 that are free, at $0.015 each"},
		{"5", "0", "5", "5 × 0.01", "all 5, at $0.01 each"},
		{"120", "200000", "0", "(120 − 120) × 0.015", "120, within the 200,000 that are free"},
		{"0", "0", "0", "0 × 0.02", "nothing was used"},
		{"13000000", "10000000", "3000000", "⌈(13000000 − 10000000) / 10000⌉ = 300 blocks × 0.15", "3,000,000 above the 10,000,000 that are free: 300 blocks, each of 10,000 begun, at $0.15"},
		{"9", "0", "9", "⌊9 / 5⌋ = 1 block × 2", "all 9: 1 block, each of 5, at $2"},
		{"100", "0", "100", "100 × 0.015 × 12/30 days in use", "all 100, at $0.015 each, for the 12 of 30 days on which it was in use"},
		{"5", "0", "0", "reported, never charged", "reported, never charged"},
	} {
		l := rating.Line{Meter: "m", Quantity: x.quantity, Free: x.free, Billable: x.billable, How: x.how}
		if got := sentence(l, "USD"); got != x.want {
			t.Errorf("%s: %s, want %s", x.how, got, x.want)
		}
	}
}

// testPapers are an invoice with all that its account and issuer say, the credit note that an amendment made of it, and a what-if.
func testPapers() []rating.Invoice {
	october := events.MonthOf(2026, 10)
	first := rating.Invoice{
		Account: "acme", Plan: "p/q", Month: october, Revision: 1, Currency: "USD", Status: rating.StatusFinal, Reason: "app a: too many clocks", Total: "1035.32",
		Released: &rating.Act{Reason: "looked <at>", By: "ann", At: "2026-11-03T08:00:00.000Z"}, Number: "INV-2026-10-000001", Issued: "2026-11-03", Due: "2026-11-17", Terms: "net 14",
		Document: rating.DocumentInvoice, TaxRate: "0.19", TaxNote: "VAT", Tax: "196.71", Payable: "1232.03",
		Party:  rating.Party{Name: "Acme Ltd", Legal: &rating.Legal{Address: []string{"1 Main St", "Springfield"}, TaxID: "DE1"}, Contact: "a@b", PO: "4711", Tags: []string{"x", "y"}},
		Issuer: &rating.Sender{Name: "Issuer Co", Address: []string{"2 High St"}, TaxID: "DE2"},
		Lines:  []rating.Line{{App: "a", Meter: "mau", Quantity: "1766", Free: "0", Billable: "1766", UnitPrice: "0.02", Amount: "1035.32", How: "1766 × 0.02"}},
	}
	credit := first
	credit.Revision, credit.Released, credit.Document, credit.Number, credit.Corrects = 2, nil, rating.DocumentCredit, "CN-2026-10-000001", first.Number
	credit.Amended, credit.Reason = &rating.Act{Reason: "wrong price", By: "bob", At: "2026-12-01T08:00:00.000Z"}, "amended: wrong price"
	credit.Total, credit.Tax, credit.Payable = "-26.50", "-5.04", "-31.54"
	credit.Lines = []rating.Line{{App: "a", Meter: "mau", Quantity: "0", Free: "0", Billable: "0", UnitPrice: "0.005", Amount: "-26.50", How: "8.82 for 1766 is right, 35.32 for 1766 was billed",
		Was: &rating.Standing{Quantity: "1766", Free: "0", Billable: "1766", UnitPrice: "0.02", Amount: "35.32"}, Now: &rating.Standing{Quantity: "1766", Free: "0", Billable: "1766", UnitPrice: "0.005", Amount: "8.82"}}}
	guess := rating.Invoice{Account: "acme", Plan: "p/q", Month: october, Revision: 1, Currency: "USD", Status: rating.StatusFinal, Total: "0.00", Document: rating.DocumentInvoice, WhatIf: true}
	return []rating.Invoice{first, credit, guess}
}

func TestPapers(t *testing.T) {
	got := printed(t, func(b *bytes.Buffer) error { return printInvoices(b, testPapers(), view{}) })
	same(t, got, `
Invoice INV-2026-10-000001 of acme for 2026-10, plan p/q, revision 1: $1,035.32 USD, final, released
  from Issuer Co; 2 High St; tax id DE2
  to Acme Ltd; 1 Main St, Springfield; tax id DE1; contact a@b; order 4711; tags x, y
  issued 2026-11-03; due 2026-11-17 (net 14)
  was held because: app a: too many clocks
  released by ann on 2026-11-03 08:00 UTC: looked <at>
  app  meter or item  quantity  free  billable  unit price    amount  how                       price from
  a    mau               1,766     0     1,766        0.02  1,035.32  all 1,766, at $0.02 each  –
  tax 19% (VAT): $196.71; payable: $1,232.03

Credit note CN-2026-10-000001 of acme for 2026-10, plan p/q, revision 2: -$26.50 USD, final, amended
  from Issuer Co; 2 High St; tax id DE2
  to Acme Ltd; 1 Main St, Springfield; tax id DE1; contact a@b; order 4711; tags x, y
  issued 2026-11-03; due 2026-11-17 (net 14); belongs to INV-2026-10-000001
  amended by bob on 2026-12-01 08:00 UTC: wrong price
  app  meter or item  quantity  free  billable    unit price  amount  how                                                                 price from
  a    mau               1,766     0     1,766  0.02 → 0.005  -26.50  billed was 1,766 at $0.02: $35.32; right is 1,766 at $0.005: $8.82  –
  tax 19% (VAT): -$5.04; payable: -$31.54

What-if invoice of acme for 2026-10, plan p/q, revision 1: $0.00 USD, what-if
`)
}

func TestPaperCSV(t *testing.T) {
	text := printed(t, func(b *bytes.Buffer) error { return invoiceCSV(b, testPapers()) })
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for row, want := range map[int]map[string]string{
		1: {"row": "line", "number": "INV-2026-10-000001", "released_by": "ann", "released_reason": "looked <at>", "reason": "app a: too many clocks", "name": "Acme Ltd", "tax": "", "was_amount": ""},
		2: {"row": "total", "tax": "196.71", "payable": "1232.03", "tax_rate": "0.19", "due": "2026-11-17", "document": "invoice", "terms": "net 14", "address": "1 Main St, Springfield", "tax_id": "DE1", "issuer": "Issuer Co", "issuer_address": "2 High St", "issuer_tax_id": "DE2"},
		3: {"row": "line", "number": "CN-2026-10-000001", "corrects": "INV-2026-10-000001", "amended_by": "bob", "was_unit_price": "0.02", "now_amount": "8.82", "released_by": ""},
		5: {"row": "total", "status": "what-if", "number": ""},
	} {
		for name, text := range want {
			if i := slices.Index(rows[0], name); i < 0 || rows[row][i] != text {
				t.Errorf("row %d, %s: want %q: %q", row, name, text, rows[row])
			}
		}
	}
}

func TestPaperPage(t *testing.T) {
	page := printed(t, func(b *bytes.Buffer) error {
		return invoicePage(b, testPapers(), &rating.Issuer{Logo: "data:image/png;base64,AAAA"}, view{})
	})
	for _, want := range []string{
		"Invoice INV-2026-10-000001 · acme", "Credit note CN-2026-10-000001", "What-if invoice · acme", `<img src="data:image/png;base64,AAAA"`, "Acme Ltd", "tax id DE2",
		"released by ann on 2026-11-03 08:00 UTC: looked &lt;at&gt;", "amended by bob", "0.02 → 0.005", "$1,232.03", "tax 19% (VAT)",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// The bills of days are folded under their sum; --days unfolds them.
func TestDaysAreFolded(t *testing.T) {
	invoices := []rating.Invoice{{Account: "paas", Currency: "USD", Total: "1000.60", Daily: []rating.Day{
		{Day: "2026-03-02", Amount: "1000.30", By: "2026-03-05"}, {Day: "2026-03-03", Amount: "0.00", By: "2026-03-06"}, {Day: "2026-03-09", Amount: "0.30", By: "2026-03-12"},
	}}}
	const folded = "$1,000.60 on 2 days, 2026-03-02 to 2026-03-09"
	for name, text := range map[string]string{
		"table": printed(t, func(b *bytes.Buffer) error { return printInvoices(b, invoices, view{}) }),
		"page":  printed(t, func(b *bytes.Buffer) error { return invoicePage(b, invoices, nil, view{}) }),
	} {
		if !strings.Contains(text, folded) || strings.Contains(text, "2026-03-12") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
