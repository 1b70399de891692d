package main

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"headcount/rating"
)

// invoiceColumns are what a row of invoices as CSV has. New ones come last.
var invoiceColumns = []string{
	"account", "plan", "month", "revision", "status", "currency", "app", "meter", "item", "quantity", "free", "billable", "unit_price", "amount", "how",
	"row", "date", "from", "until", "remaining", "book", "version", "overrides",
	"document", "number", "issued", "due", "corrects", "name", "contact", "po", "tags", "tax_rate", "tax_note", "tax", "payable",
	"reason", "released_by", "released_at", "released_reason", "amended_by", "amended_at", "amended_reason",
	"was_quantity", "was_unit_price", "was_amount", "now_quantity", "now_unit_price", "now_amount",
	"terms", "address", "tax_id", "issuer", "issuer_address", "issuer_tax_id",
}

// invoiceCSV writes a row for each line, each invoice's total, what was paid ahead (not in the total) and what is left of packages;
// the column row says which. Tax and what is payable stand in the row of the total.
func invoiceCSV(out io.Writer, invoices []rating.Invoice) error {
	rows := [][]string{invoiceColumns}
	for i := range invoices {
		v := &invoices[i]
		add := func(row string, cells map[string]string, from *rating.Source) {
			cells["row"] = row
			papersOf(v, cells)
			if from != nil {
				cells["book"], cells["version"], cells["overrides"] = from.Book, from.Version, strings.Join(from.Overrides, " ")
			}
			line := make([]string, len(invoiceColumns))
			for i, c := range invoiceColumns {
				line[i] = cell(cells[c])
			}
			rows = append(rows, line)
		}
		for _, l := range v.Lines {
			cells := map[string]string{
				"app": l.App, "meter": l.Meter, "item": l.Item, "quantity": l.Quantity, "free": l.Free, "billable": l.Billable, "unit_price": l.UnitPrice,
				"amount": l.Amount, "how": l.How,
			}
			if l.Was != nil && l.Now != nil {
				cells["was_quantity"], cells["was_unit_price"], cells["was_amount"] = l.Was.Quantity, l.Was.UnitPrice, l.Was.Amount
				cells["now_quantity"], cells["now_unit_price"], cells["now_amount"] = l.Now.Quantity, l.Now.UnitPrice, l.Now.Amount
			}
			add("line", cells, l.Source)
		}
		add("total", map[string]string{"item": "total", "amount": v.Total, "tax_rate": v.TaxRate, "tax_note": v.TaxNote, "tax": v.Tax, "payable": v.Payable}, nil)
		for _, p := range v.Prepaid {
			add("prepaid", map[string]string{
				"app": p.App, "item": p.Item, "quantity": p.Quantity, "amount": p.Amount, "how": p.How, "date": p.Date, "from": p.From, "until": p.Until,
			}, p.Source)
		}
		for _, b := range v.Balances {
			add("balance", map[string]string{
				"item": b.Package, "quantity": b.Quantity, "billable": b.Drawn, "remaining": b.Remaining, "from": b.From, "until": b.Until,
			}, nil)
		}
	}
	return csv.NewWriter(out).WriteAll(rows)
}

// papersOf fills in what every row of an invoice has.
func papersOf(v *rating.Invoice, cells map[string]string) {
	status := v.Status
	if v.WhatIf {
		status = "what-if"
	}
	for name, text := range map[string]string{
		"account": v.Account, "plan": v.Plan, "month": v.Month.String(), "revision": strconv.Itoa(v.Revision), "status": status, "currency": v.Currency,
		"document": v.Document, "number": v.Number, "issued": v.Issued, "due": v.Due, "corrects": v.Corrects,
		"name": v.Name, "contact": v.Contact, "po": v.PO, "tags": strings.Join(v.Tags, " "), "reason": v.Reason,
	} {
		cells[name] = text
	}
	cells["terms"] = v.Terms
	if l := v.Legal; l != nil {
		cells["address"], cells["tax_id"] = strings.Join(l.Address, ", "), l.TaxID
	}
	if s := v.Issuer; s != nil {
		cells["issuer"], cells["issuer_address"], cells["issuer_tax_id"] = s.Name, strings.Join(s.Address, ", "), s.TaxID
	}
	if r := v.Released; r != nil {
		cells["released_by"], cells["released_at"], cells["released_reason"] = r.By, r.At, r.Reason
	}
	if a := v.Amended; a != nil {
		cells["amended_by"], cells["amended_at"], cells["amended_reason"] = a.By, a.At, a.Reason
	}
}
