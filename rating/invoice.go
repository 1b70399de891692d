package rating

import "strings"

// Invoice is what an account owes for a month. Money and quantities are decimal strings, as printed. Its JSON is a contract.
type Invoice struct {
	Account  string `json:"account"`
	Plan     string `json:"plan"` // the one that decided, book/plan
	Month    Month  `json:"month"`
	Revision int    `json:"revision"` // from 1; a further one holds what came late, and is owed besides
	Currency string `json:"currency"`
	Status   string `json:"status"` // final, held

	// Set by the ledger, of what it has recorded.
	Released *Act   `json:"released,omitempty"` // nil: it never was held, or still is
	Amended  *Act   `json:"amended,omitempty"`  // the amendment that made it; nil: a close did
	Number   string `json:"number,omitempty"`   // empty: held, a what-if, or recorded before there were numbers
	Issued   string `json:"issued,omitempty"`   // the day on which it had its number
	Due      string `json:"due,omitempty"`      // empty: no terms
	Corrects string `json:"corrects,omitempty"` // number of the month's first invoice, of a further revision

	Reason string `json:"reason,omitempty"` // of held, or of an amendment
	Lines  []Line `json:"lines"`
	Total  string `json:"total"` // the sum of the lines; never what was paid ahead

	Prepaid     []Prepaid `json:"prepaid"`                // paid ahead, or paid back, in the month
	Balances    []Balance `json:"balances,omitempty"`     // what is left of resource packages
	Daily       []Day     `json:"daily,omitempty"`        // of books billed daily, where the usage has days
	DeductFrom  string    `json:"deduct_from,omitempty"`  // empty: the book names no window
	DeductUntil string    `json:"deduct_until,omitempty"` // that day included

	Document string  `json:"document"` // invoice, credit_note
	TaxRate  string  `json:"tax_rate,omitempty"`
	TaxNote  string  `json:"tax_note,omitempty"`
	Tax      string  `json:"tax"`     // of the total; empty: made before invoices had it
	Payable  string  `json:"payable"` // the total and its tax; likewise
	Terms    string  `json:"terms,omitempty"`
	Issuer   *Sender `json:"issuer,omitempty"`
	Party
	WhatIf bool `json:"what_if,omitempty"` // no bill: it is recorded nowhere
}

// Act is what somebody did to an invoice, on the record.
type Act struct {
	Reason string `json:"reason"`
	By     string `json:"by"`
	At     string `json:"at"` // RFC 3339, UTC
}

// The states of an invoice.
const (
	StatusFinal = "final"
	StatusHeld  = "held"
)

// Line is one position of an invoice. It has a meter or an item.
type Line struct {
	App       string `json:"app"` // empty: all the account's apps together
	Meter     string `json:"meter,omitempty"`
	Item      string `json:"item,omitempty"` // a value-added item, or a plan for its fee
	Quantity  string `json:"quantity"`
	Free      string `json:"free"` // the quota, with that of packages; of prices by day, a day's
	Billable  string `json:"billable"`
	UnitPrice string `json:"unit_price"`
	Amount    string `json:"amount"`
	How       string `json:"how"` // the sum, for people

	Source *Source `json:"source,omitempty"` // where quota and price come from; nil: made before lines said so

	// Of a line that corrects another: what was billed of its subject so far, over all revisions, and what is right. The line itself is the
	// difference; its unit price is the right one.
	Was *Standing `json:"was,omitempty"`
	Now *Standing `json:"now,omitempty"`
}

// Standing is a subject of an account's month as it was billed, or should be.
type Standing struct {
	Quantity  string `json:"quantity"`
	Free      string `json:"free"`
	Billable  string `json:"billable"`
	UnitPrice string `json:"unit_price"`
	Amount    string `json:"amount"`
}

// Source says where a price comes from.
type Source struct {
	Book      string   `json:"book"`
	Version   string   `json:"version"`             // date of the book's source, or undated
	Overrides []string `json:"overrides,omitempty"` // fields of the account that were taken instead, such as mau.free
}

// String is the source in a few words.
func (s *Source) String() string {
	switch {
	case s == nil:
		return ""
	case len(s.Overrides) == 0:
		return s.Book + " " + s.Version
	}
	return s.Book + " " + s.Version + ", by contract " + strings.Join(s.Overrides, ", ")
}

// Prepaid is something paid ahead, or paid back of it.
type Prepaid struct {
	Date     string `json:"date"`
	App      string `json:"app,omitempty"` // empty: the account as a whole
	Item     string `json:"item"`          // a plan, item or package
	Quantity string `json:"quantity"`
	Amount   string `json:"amount"` // negative: paid back
	From     string `json:"from"`
	Until    string `json:"until"` // exclusive
	How      string `json:"how"`

	Source *Source `json:"source,omitempty"` // as of a line
}

// Balance is what is left of a resource package at the month's end. The next month's rating starts from it.
type Balance struct {
	Account   string `json:"account,omitempty"` // set by Balances
	Package   string `json:"package"`           // item/bought, and /2 for a second of the same day
	Item      string `json:"item"`
	From      string `json:"from"`
	Until     string `json:"until"` // exclusive
	Quantity  string `json:"quantity"`
	Drawn     string `json:"drawn"` // in the month
	Remaining string `json:"remaining"`
}

// Day is the charge of one day: that of the month so far, less that of the day before.
type Day struct {
	Day    string `json:"day"`
	Amount string `json:"amount"`
	By     string `json:"by"` // the date by which its bill is out
}

// Balances collects what is left of packages from a month's invoices, for the next month's Input.
func Balances(invoices []Invoice) (out []Balance) {
	for _, v := range invoices {
		for _, b := range v.Balances {
			b.Account = v.Account
			out = append(out, b)
		}
	}
	return out
}
