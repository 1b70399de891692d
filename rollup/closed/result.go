package closed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

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
	Limits   usage.Limits     // that its invoices were held by
	Issuer   *rating.Issuer   // that its closing names; nil: none
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
		return nil, LedgerFailed(err)
	}
	invoices, err := l.Invoices(ctx, month)
	if err != nil {
		return nil, LedgerFailed(err)
	}
	closing, err := l.Closing(ctx, month)
	if err != nil {
		return nil, LedgerFailed(err)
	}
	r := &Result{Month: month, Document: stored.Document, Invoices: invoices}
	if r.Limits, err = usage.ParseLimits(closing.Limits); err != nil {
		return nil, fmt.Errorf("closing of %s: %w", month, err)
	}
	if r.Issuer, err = rating.ParseIssuer(closing.Issuer); err != nil {
		return nil, fmt.Errorf("closing of %s: %w", month, err)
	}
	return r, r.readLate(ctx, l, stored.Invoices)
}

// readLate reads how the further revisions of the month before stand that this close made.
func (r *Result) readLate(ctx context.Context, l Books, made []ledger.Invoice) error {
	if !slices.ContainsFunc(made, func(v ledger.Invoice) bool { return v.Month != r.Month }) {
		return nil
	}
	before, err := l.Invoices(ctx, r.Month-1)
	if err != nil {
		return LedgerFailed(err)
	}
	for _, v := range before {
		if v.Closing == r.Month {
			r.Late = append(r.Late, v)
		}
	}
	return nil
}

// Encode makes the documents that the ledger holds of invoices, Decode reads them.
func Encode(invoices []rating.Invoice) (all []ledger.Invoice, err error) {
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
