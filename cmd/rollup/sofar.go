package main

import (
	"context"
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/rollup/closing"
	"headcount/cmd/rollup/status"
	"headcount/events"
	"headcount/rating"
)

// invoicesSoFar returns a closed month's invoices, all revisions, or those that the usage so far comes to.
func invoicesSoFar(ctx context.Context, p *cli.Program, c *config.Config, m events.Month, now time.Time) (_ []rating.Invoice, provisional bool, err error) {
	r, err := closed(ctx, c, m)
	if err == nil {
		invoices, err := closing.Decode(r.Invoices)
		return invoices, false, err
	}
	if cli.Code(err) != cli.CheckFailed {
		return nil, false, err
	}
	doc, err := status.Read(ctx, c, m, now, p.Log)
	if err != nil {
		return nil, true, err
	}
	invoices, err := rateSoFar(ctx, p, c, doc)
	return invoices, true, err
}

// rateSoFar prices the usage so far by the accounts that it was read by, with what the month before left of packages.
func rateSoFar(ctx context.Context, p *cli.Program, c *config.Config, doc *status.Document) ([]rating.Invoice, error) {
	u, err := doc.Rating()
	if err != nil {
		return nil, err
	}
	in := rating.Input{Month: doc.Month, Zone: c.Zone(), Usage: u, Accounts: doc.Accounts, Catalog: doc.Books}
	before, err := closed(ctx, c, doc.Month-1)
	unclosed := cli.Code(err) == cli.CheckFailed
	switch {
	case err == nil:
		issued, err := closing.Decode(before.Invoices)
		if err != nil {
			return nil, err
		}
		in.Balances = rating.Balances(issued)
	case !unclosed:
		return nil, err
	}
	invoices, err := rateInput(in)
	if unclosed && len(rating.Balances(invoices)) > 0 {
		p.Log.Info("the month before is not closed: what is left of packages is taken from the accounts file", "month", doc.Month-1)
	}
	return invoices, err
}
