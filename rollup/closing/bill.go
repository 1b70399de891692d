package closing

import (
	"context"
	"fmt"
	"strings"

	"headcount/events"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/usage"
)

// bill unites the sealed facts, rates them and commits the result: the one commit point of a close.
func (w *work) bill(ctx context.Context) error {
	prices, err := w.this.prices(w.cache)
	if err != nil {
		return err
	}
	if err := w.openSealed(ctx); err != nil {
		return err
	}
	doc, alarms, err := w.gather(ctx, prices)
	if err != nil {
		return err
	}
	losses, err := w.lost(ctx)
	if err != nil {
		return err
	}
	alarms[""] = append(alarms[""], losses...)
	late, balances, err := w.settleLate(ctx)
	if err != nil {
		return err
	}
	invoices, err := w.rate(doc, prices, balances)
	if err != nil {
		return err
	}
	for i := range invoices {
		hold(&invoices[i], prices.accounts, alarms)
	}
	for i := range late { // what was lost may have been late too
		hold(&late[i], prices.accounts, usage.Alarms{"": losses})
	}
	result, err := w.result(doc, append(late, invoices...))
	if err != nil {
		return err
	}
	if _, err := w.ledger.Commit(ctx, result); err != nil {
		return &UnreachableError{What: "ledger", Err: err, Again: true}
	}
	w.Log.Info("month closed", "month", w.month, "apps", len(doc.Usage), "invoices", len(invoices))
	return nil
}

// openSealed opens the sealed files that a close reads, of the month and of the one before.
func (w *work) openSealed(ctx context.Context) error {
	if err := w.this.open(ctx, w.restore); err != nil {
		return err
	}
	before, err := w.former(ctx)
	if err != nil || before == nil {
		return err
	}
	before.next = w.this
	return before.open(ctx, w.restore)
}

// gather unites the facts of the closing's partitions.
func (w *work) gather(ctx context.Context, prices *prices) (*usage.Document, usage.Alarms, error) {
	doc := &usage.Document{Month: w.month, TimeZone: w.this.Closing.Zone, Topic: w.this.Closing.Topic, Usage: []usage.App{}, Sealed: []usage.Sealed{}}
	rules, err := w.this.rules(ctx)
	if err != nil {
		return nil, nil, err
	}
	month := &usage.Facts{Rules: rules, OnTime: w.this.onTime()}
	var before *usage.Facts
	if w.before != nil {
		rules, err := w.before.rules(ctx)
		if err != nil {
			return nil, nil, err
		}
		before = &usage.Facts{Rules: rules, OnTime: w.before.onTime(), Late: w.before.late()}
	}
	var overLimit uint64
	for i, m := range w.this.sealed {
		doc.Sealed = append(doc.Sealed, usage.Sealed{Partition: w.this.Closing.Partitions[i], Offset: m.Index.Offset})
		doc.Rejected += m.Index.Unattributed.Rejected
		overLimit += m.Index.Unattributed.OverLimit
	}
	alarms, err := usage.Gather(doc, month, before, prices.biller(w.this), w.Terms.SkewLimit)
	if err != nil {
		return nil, nil, err
	}
	if overLimit > 0 {
		alarms[""] = append(alarms[""], fmt.Sprintf("%d records of no known app were over a limit and not counted", overLimit))
	}
	return doc, alarms, nil
}

// rate prices the month's usage, with what the month before left of packages.
func (w *work) rate(doc *usage.Document, prices *prices, balances []rating.Balance) ([]rating.Invoice, error) {
	of, err := doc.Rating()
	if err != nil {
		return nil, err
	}
	zone, err := events.LoadZone(w.this.Closing.Zone)
	if err != nil {
		return nil, err
	}
	in := rating.Input{Month: w.month, Zone: zone, Usage: of, Accounts: prices.accounts, Catalog: prices.catalog, Balances: balances}
	invoices, err := rating.Rate(in)
	if err != nil {
		return nil, fmt.Errorf("rate %s: %w", w.month, err)
	}
	warnings, err := rating.Warnings(in)
	if err != nil {
		return nil, fmt.Errorf("rate %s: %w", w.month, err)
	}
	for _, text := range warnings {
		w.Log.Warn(text)
	}
	return invoices, nil
}

// hold marks the invoice of an account with an app that raised an alarm.
func hold(v *rating.Invoice, accounts *rating.Accounts, alarms usage.Alarms) {
	var reasons []string
	if v.Status == rating.StatusHeld {
		reasons = append(reasons, v.Reason)
	}
	for _, app := range accounts.AppsOf(v.Account) {
		reasons = append(reasons, alarms[app]...)
	}
	reasons = append(reasons, alarms[""]...)
	if len(reasons) > 0 {
		v.Status, v.Reason = rating.StatusHeld, strings.Join(reasons, "; ")
	}
}

// result is what the ledger gets.
func (w *work) result(doc *usage.Document, invoices []rating.Invoice) (none ledger.Result, _ error) {
	whole, apps, err := marshalUsage(doc)
	if err != nil {
		return none, err
	}
	r := ledger.Result{Month: w.month, SealID: w.this.Closing.SealID, Document: whole}
	digests := map[string]string{}
	for i, a := range doc.Usage {
		digests[a.App] = a.Digest
		row := ledger.UsageRow{App: a.App, Digest: a.Digest, Document: apps[i]}
		if a.Account != nil {
			row.Account = *a.Account
		}
		r.Usage = append(r.Usage, row)
	}
	if r.Invoices, err = store(invoices); err != nil {
		return none, err
	}
	r.Announce = func(head string) ([][]byte, error) { return closedRecord(w.this, w.SealKey, digests, head), nil }
	return r, nil
}
