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

var pageTemplate = template.Must(template.New("invoices").Funcs(template.FuncMap{"charged": charged}).Parse(pageText))

// invoicePage writes invoices as one HTML page, each on a sheet of its own when printed.
func invoicePage(w io.Writer, invoices []rating.Invoice) error {
	return pageTemplate.Execute(visible.Writer(w), invoices)
}

// charged says whether an amount is not zero; days without a charge are not printed.
func charged(amount string) bool { return strings.Trim(amount, "-0.") != "" }
