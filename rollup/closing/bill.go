package closing

import (
	"context"
	"fmt"

	"headcount/events"
	"headcount/internal/visible"
	"headcount/rating"
	"headcount/rollup/closed"
	"headcount/rollup/usage"
)

// bill unites the sealed facts, rates them and commits the result: the one commit point of a close. What it reads of the log it
// waits for in waits.
func (b *begun) bill(ctx, waits context.Context) error {
	prices, err := b.this.Prices(b.cache)
	if err != nil {
		return err
	}
	if err := b.openSealed(ctx); err != nil {
		return err
	}
	doc, alarms, err := b.gather(ctx, prices)
	if err != nil {
		return err
	}
	var losses []string
	err = b.await(waits, "read the seals once more", func() (err error) {
		losses, err = b.lost(waits)
		return err
	})
	if err != nil {
		return err
	}
	alarms[""] = append(alarms[""], losses...)
	late, balances, err := b.settleLate(ctx)
	if err != nil {
		return err
	}
	invoices, err := b.rate(doc, prices, balances)
	if err != nil {
		return err
	}
	if err := b.look(ctx, doc, prices); err != nil {
		return err
	}
	if others := doc.Aggregate(); others > 0 {
		b.Log.Warn("many apps are in no account: those with the fewest events are recorded together", "month", b.month, "listed", usage.MostUnbilled, "together", others)
	}
	bill := prices.Biller(b.this)
	for i := range invoices {
		alarms.Hold(&invoices[i], prices.Accounts, bill)
	}
	for i := range late { // what was lost may have been late too
		usage.Alarms{"": losses}.Hold(&late[i], prices.Accounts, bill)
	}
	issuer, err := b.this.Issuer()
	if err != nil {
		return err
	}
	all := append(late, invoices...)
	issuer.Issue(all)
	result, err := b.result(doc, all)
	if err != nil {
		return err
	}
	if _, err := b.ledger.Commit(ctx, result); err != nil {
		return &closed.UnreachableError{What: "ledger", Err: err, Again: true}
	}
	b.Log.Info("month closed", "month", b.month, "apps", len(doc.Usage), "invoices", len(invoices))
	return nil
}

// openSealed opens the sealed files that a close reads, of the month and of the one before.
func (b *begun) openSealed(ctx context.Context) error {
	if err := b.this.OpenSealed(ctx, b.restore); err != nil {
		return err
	}
	if b.before == nil {
		return nil
	}
	b.before.SettledBy(b.this)
	return b.before.OpenSealed(ctx, b.restore)
}

// gather unites the facts of the closing's partitions.
func (b *begun) gather(ctx context.Context, prices *closed.Prices) (*usage.Document, usage.Alarms, error) {
	doc := &usage.Document{Month: b.month, TimeZone: b.this.Closing.Zone, Topic: b.this.Closing.Topic, Usage: []usage.App{}, Sealed: []usage.Sealed{}}
	rules, err := b.this.Rules(ctx)
	if err != nil {
		return nil, nil, err
	}
	limits, err := b.this.Limits()
	if err != nil {
		return nil, nil, err
	}
	month := b.this.Facts(rules)
	var before *usage.Facts
	if b.before != nil {
		rules, err := b.before.Rules(ctx)
		if err != nil {
			return nil, nil, err
		}
		before = &usage.Facts{Rules: rules, OnTime: b.before.OnTime(), Late: b.before.Late()}
		month.Former = closed.Former(ctx, b.ledger, b.before.Month, b.this.Closing.At)
	}
	for i, m := range b.this.Sealed() {
		doc.Sealed = append(doc.Sealed, usage.Sealed{Partition: b.this.Closing.Partitions[i], Offset: m.Index.Offset})
	}
	alarms, err := usage.Gather(doc, month, before, prices.Biller(b.this), limits)
	if err != nil {
		return nil, nil, err
	}
	return doc, alarms, nil
}

// look says what the month does not bill, and what wants a look before it is billed.
func (b *begun) look(ctx context.Context, doc *usage.Document, prices *closed.Prices) error {
	by := usage.Review{Catalog: prices.Catalog, Accounts: prices.Accounts, Over: true}
	var err error
	if by.Limits, err = b.this.Limits(); err != nil {
		return err
	}
	if b.before != nil {
		if by.Former, err = closed.FormerApps(ctx, b.ledger, b.before.Month, b.this.Closing.At); err != nil {
			return err
		}
	}
	return doc.Look(by)
}

// rate prices the month's usage, with what the month before left of packages.
func (b *begun) rate(doc *usage.Document, prices *closed.Prices, balances []rating.Balance) ([]rating.Invoice, error) {
	of, err := doc.Rating()
	if err != nil {
		return nil, err
	}
	zone, err := events.LoadZone(b.this.Closing.Zone)
	if err != nil {
		return nil, err
	}
	in := rating.Input{Month: b.month, Zone: zone, Usage: of, Accounts: prices.Accounts, Catalog: prices.Catalog, Balances: balances}
	invoices, err := rating.Rate(in)
	if err != nil {
		return nil, fmt.Errorf("rate %s: %w", b.month, err)
	}
	warnings, err := rating.Warnings(in)
	if err != nil {
		return nil, fmt.Errorf("rate %s: %w", b.month, err)
	}
	for _, text := range warnings {
		b.Log.Warn(text)
	}
	b.warnOfLookAlikes(doc, prices.Accounts)
	return invoices, nil
}

// shownPairs is how many ids that look alike are named.
const shownPairs = 20

// warnOfLookAlikes names apps that a reader would take for one another: events under such an id are not billed to whom they seem to be of.
func (b *begun) warnOfLookAlikes(doc *usage.Document, accounts *rating.Accounts) {
	apps := accounts.Apps()
	for _, a := range doc.Usage {
		apps = append(apps, a.App)
	}
	pairs, more := visible.Pairs(apps, shownPairs)
	for _, p := range pairs {
		b.Log.Warn("an app's id looks like another's: look into who sends it", "app", p.ID, "like", p.Like)
	}
	if more > 0 {
		b.Log.Warn("more ids of apps look like others", "ids", more)
	}
}
