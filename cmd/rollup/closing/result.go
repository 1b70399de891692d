package closing

import (
	"context"
	"encoding/json"
	"errors"

	"headcount/cmd/cli"
	"headcount/cmd/rollup/usage"
	"headcount/events"
	"headcount/rating"
	"headcount/rating/ledger"
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

// ErrNotClosed says that a month has no result.
var ErrNotClosed = errors.New("is not closed")

// Stored returns what the ledger has of a closed month.
func Stored(ctx context.Context, l Books, month events.Month) (*Result, error) {
	stored, err := l.Result(ctx, month)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, ErrNotClosed
	}
	if err != nil {
		return nil, cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	invoices, err := l.Invoices(ctx, month)
	if err != nil {
		return nil, cli.Fail(cli.Unreachable, "ledger: %w", err)
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
	if errors.Is(err, ErrNotClosed) {
		return nil, nil
	}
	return r, err
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
