// Package rating turns a month's usage into invoices.
//
// It is pure: a function of the usage, the accounts and the price books it is given. It reads no file, no clock and no
// environment, uses no floats, and knows no price: all that a vendor decides stands in a book (YAML, see package catalog), and
// a new book needs no code.
//
// # Promises
//
//   - Money and quantities are decimals, parsed from text. A line is exact until its end and is rounded there, once, half away
//     from zero, to the currency's minor unit. A total is the sum of its lines.
//   - The same input gives the same invoices, byte for byte, in the same order.
//   - What was paid ahead is listed apart and is never in a total.
//   - Every account in force in the month gets one invoice, also of 0.00. Where the usage lacks what a price needs, the invoice
//     is held and says why: nothing is guessed.
//   - Files are read strictly: unknown fields, ids and amounts that are not text, aliases, impossible dates are errors that
//     name file, line, column and field.
//
// # Layout
//
//	civil.go      dates, moments, terms, months          amount.go   decimals from text, rounding
//	book.go       what a price book says                 bookread.go, planread.go   reading it
//	catalog.go    all books                              describe.go books and plans for display
//	account.go    what an accounts file says             accountread.go  reading it
//	accountfiles.go  files, folders and tables of accounts; what a closing keeps of them
//	accountcheck.go, addoncheck.go   accounts held against the books
//	contract.go   an account on the time axis: purchases, plans, halts
//	service.go    when it is in force; one month of it   itemlife.go  when an add-on is on, and what it is bought for
//	agreed.go     fees, by book or contract              lookalike.go ids that people cannot tell apart
//	usage.go      the usage document                     meters.go   what a month counts for an app; what-if
//	fit.go        usage counted for other plans
//	rate.go       Rate                                   line.go     a line's end: where it is rounded
//	invoice.go    what it returns
//	measure.go    usage against quotas: the lines of meters
//	price.go      the price models                       draw.go     free tier, packages, resource packages
//	fee.go        plan fees and value-added              prepaid.go  what was paid ahead    refund.go  and back
//	late.go       what came late, as a further revision  correct.go  amendments
//	life.go       one account at one time: state, reminders, refund, what is due    year.go  and over a year
//	billday.go    the bill of a day
package rating
