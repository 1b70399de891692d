package status

import (
	"headcount/events"
	"headcount/rating"
	"headcount/rollup/usage"
)

// Document is the usage so far, with what it will come to.
type Document struct {
	usage.Document
	Forecast []Forecast `json:"forecast"`
	Alarms   []string   `json:"alarms,omitempty"` // for which invoices would be held

	SealedPartitions int              `json:"-"` // in which the month is sealed already
	Books            *rating.Catalog  `json:"-"` // by which it was read
	Accounts         *rating.Accounts `json:"-"`

	held usage.Alarms // by app, and for all what of the log is lost
	bill usage.Biller
}

// Invoices prices the usage so far by the accounts that it was read by, with what the month before left of packages: before are its
// invoices; none: what the accounts file says of packages holds. It returns an *UnpricedError where the accounts do not fit the month.
func (d *Document) Invoices(before []rating.Invoice) ([]rating.Invoice, error) {
	of, err := d.Rating()
	if err != nil {
		return nil, err
	}
	zone, err := events.LoadZone(d.TimeZone)
	if err != nil {
		return nil, err
	}
	in := rating.Input{Month: d.Month, Zone: zone, Usage: of, Accounts: d.Accounts, Catalog: d.Books, Balances: rating.Balances(before)}
	invoices, err := rating.Rate(in)
	if err != nil {
		return nil, &UnpricedError{d.Month, err}
	}
	return invoices, nil
}

// Hold marks the invoices that a close would hold as the month stands.
func (d *Document) Hold(invoices []rating.Invoice) {
	if d.bill == nil {
		return // nothing was counted
	}
	for i := range invoices {
		d.held.Hold(&invoices[i], d.Accounts, d.bill)
	}
}

// Exact says whether all that lies in the log is counted, as far as the partitions reached when it was read.
func (d *Document) Exact() bool {
	for _, p := range d.Partitions {
		if p.Lag > 0 {
			return false
		}
	}
	return true
}

// UnpricedError says why the usage of an open month has no price.
type UnpricedError struct {
	Month events.Month
	Err   error
}

func (e *UnpricedError) Error() string { return e.Err.Error() }
func (e *UnpricedError) Unwrap() error { return e.Err }
