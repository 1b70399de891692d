// Package reprice is a second rating: plain, slow where it does not matter, with big rationals, and without a line of the first.
//
// It reads accounts and price books from their YAML and answers what a month's invoices must say. It takes for granted that the
// files are well formed: that is the first rating's to refuse. What a price book's words mean stands in rating/catalog/README.md.
//
//	read.go      the YAML                      bad.go       what is not well formed
//	calendar.go  days, months, instants
//	money.go     rationals, rounding           life.go      what was bought, when it is in force, when it stands still
//	month.go     Period: a month's invoices    meters.go    usage against quotas, packages and prices
//	items.go     plan fees, add-ons            ahead.go     what was paid ahead, and back
//	owned.go     when add-ons are on
//	late.go      what came late
package reprice
