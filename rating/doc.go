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
//	yaml.go       strict reader of YAML documents, FileError
//	civil.go      dates, moments, terms, months
//	amount.go     decimals from text, rounding
//	suggest.go    did you mean
//	book.go       what a price book says        bookread.go  reading it       catalog.go   all books
//	account.go    what an accounts file says    accountread.go  reading it    accountcheck.go  against the books
//	contract.go   an account on the time axis: terms, plans, suspensions
//	usage.go      the usage document
//	price.go      the price models              draw.go      free tier, packages, resource packages
//	rate.go       Rate                          invoice.go   what it returns
//	fee.go        plan fees and value-added     prepaid.go   what was paid ahead, refunds
//	settle.go     late devices, as a new revision
//	life.go       one account at one time: state, reminders, refund, what is due
//	describe.go   books and plans for display
package rating
