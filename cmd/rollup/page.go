package main

import (
	_ "embed"
	"html/template"
	"io"

	"headcount/rating"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("invoices").Parse(pageText))

// invoicePage writes invoices as one HTML page, each on a sheet of its own when printed.
func invoicePage(w io.Writer, invoices []rating.Invoice) error {
	return pageTemplate.Execute(w, invoices)
}
