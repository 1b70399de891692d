package main

import (
	_ "embed"
	"html/template"
	"io"
	"strings"

	"headcount/internal/visible"
	"headcount/rating"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("invoices").Funcs(template.FuncMap{
	"charged": charged, "title": title, "state": state, "acts": acts, "recipient": recipient, "sender": sender, "dates": dates, "taxed": taxed,
	"money": money, "headline": headline, "grouped": grouped, "sentence": sentence, "cells": cells, "days": daysBilled,
}).Parse(pageText))

// page is what the template is given.
type page struct {
	Invoices []rating.Invoice
	Logo     template.URL // an image as data: URI, checked when it was configured
	Days     bool         // each day's bill, not their sum alone
}

// invoicePage writes invoices as one HTML page, each on a sheet of its own when printed. The issuer, nil: none, has the logo.
func invoicePage(w io.Writer, invoices []rating.Invoice, issuer *rating.Issuer, show view) error {
	p := page{Invoices: invoices, Days: show.days}
	if issuer != nil {
		p.Logo = template.URL(issuer.Logo)
	}
	return pageTemplate.Execute(visible.Writer(w), p)
}

// billedDays are what an invoice was billed by day.
type billedDays struct {
	Days             int
	First, Last, Sum string
}

func daysBilled(v *rating.Invoice) (b billedDays) {
	b.Days, b.First, b.Last, b.Sum = daysSum(v)
	return b
}

// charged says whether an amount is not zero; days without a charge are not printed.
func charged(amount string) bool { return strings.Trim(amount, "-0.") != "" }
