package closing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	fastjson "github.com/go-json-experiment/json"

	"headcount/events"
	"headcount/internal/canonical"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/usage"
)

// Result is a closed month as it is stored. Document is the usage as printed, without invoices.
type Result struct {
	Month    events.Month
	Document json.RawMessage
	Invoices []ledger.Invoice // of the month, all revisions
	Late     []ledger.Invoice // revisions of the month before that were made with this close
}

// Held says whether any invoice waits for a release.
func (r *Result) Held() bool {
	for _, v := range r.Invoices {
		if v.Status == ledger.Held {
			return true
		}
	}
	return false
}

// Usage decodes the document.
func (r *Result) Usage() (*usage.Document, error) {
	var d usage.Document
	return &d, json.Unmarshal(r.Document, &d)
}

// Stored returns what the ledger has of a closed month: a *NotClosedError where it is not closed, else a *UnreachableError where it
// cannot be read.
func Stored(ctx context.Context, l Books, month events.Month) (*Result, error) {
	stored, err := l.Result(ctx, month)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, &NotClosedError{month}
	}
	if err != nil {
		return nil, ledgerFailed(err)
	}
	invoices, err := l.Invoices(ctx, month)
	if err != nil {
		return nil, ledgerFailed(err)
	}
	r := &Result{Month: month, Document: stored.Document, Invoices: invoices}
	for _, v := range stored.Invoices {
		if v.Month != month {
			r.Late = append(r.Late, v)
		}
	}
	return r, nil
}

// stored returns the month's result, nil where there is none.
func (w *work) stored(ctx context.Context) (*Result, error) {
	if w.ledger == nil {
		return nil, nil
	}
	r, err := Stored(ctx, w.ledger, w.month)
	if _, open := errors.AsType[*NotClosedError](err); open {
		return nil, nil
	}
	return r, err
}

// store makes the documents that the ledger holds of invoices, Decode reads them.
func store(invoices []rating.Invoice) (all []ledger.Invoice, err error) {
	for _, v := range invoices {
		text, err := canonical.Marshal(v)
		if err != nil {
			return nil, err
		}
		one, err := ledger.NewInvoice(text)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// Decode reads the documents of stored invoices.
func Decode(stored []ledger.Invoice) ([]rating.Invoice, error) {
	invoices := make([]rating.Invoice, len(stored))
	for i, v := range stored {
		if err := fastjson.Unmarshal(v.Document, &invoices[i]); err != nil {
			return nil, fmt.Errorf("invoice of %s for %s: %w", v.Account, v.Month, err)
		}
	}
	return invoices, nil
}

// Biller tells by accounts and books who is billed for an app in a month.
func Biller(catalog *rating.Catalog, accounts *rating.Accounts, month events.Month, zoneName string) usage.Biller {
	zone, err := events.LoadZone(zoneName)
	if err != nil {
		panic("zone was not checked: " + err.Error())
	}
	type answer struct {
		account string
		meters  []rating.Meter
	}
	known := map[string]answer{}
	return func(app string) (string, []rating.Meter) {
		a, ok := known[app]
		if !ok {
			a.account, _, a.meters = accounts.MetersOf(catalog, month, zone, app)
			known[app] = a
		}
		return a.account, a.meters
	}
}
