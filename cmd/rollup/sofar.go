package main

import (
	"context"
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/rating"
	"headcount/rollup/closed"
	"headcount/rollup/status"
	"headcount/rollup/usage"
)

// invoicesSoFar returns a closed month's invoices, all revisions, or those that the usage so far comes to.
func invoicesSoFar(ctx context.Context, p *cli.Program, c *config.Config, m events.Month, now time.Time) (_ []rating.Invoice, provisional bool, err error) {
	r, err := storedMonth(ctx, p, c, m)
	if err == nil {
		invoices, err := closed.Decode(r.Invoices)
		return invoices, false, err
	}
	if !isOpen(err) {
		return nil, false, err
	}
	doc, err := readStatus(ctx, p, c, m, now)
	if err != nil {
		return nil, true, err
	}
	invoices, err := rateSoFar(ctx, p, c, doc)
	return invoices, true, err
}

// readStatus reads an open month from what the configuration names.
func readStatus(ctx context.Context, p *cli.Program, c *config.Config, m events.Month, now time.Time) (*status.Document, error) {
	s := status.Source{Zone: c.Billing.TimeZone, Group: c.Kafka.Group}
	var err error
	if s.Keys, err = site.Keys(c); err != nil {
		return nil, err
	}
	if s.Books, err = site.Catalog(c); err != nil {
		return nil, err
	}
	if s.Accounts, err = site.Accounts(c, s.Books); err != nil {
		return nil, err
	}
	if s.Limits, err = site.Limits(c); err != nil {
		return nil, err
	}
	bucket, err := site.State(ctx, c)
	if err != nil {
		return nil, err
	}
	conn, err := site.Connect(ctx, c, p.Log)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if s.Topic, err = conn.Topic(ctx, c); err != nil {
		return nil, err
	}
	l, err := readLedger(ctx, p, c)
	switch {
	case err == nil:
		defer l.Close()
		s.Former = func(m events.Month) usage.Former { return closed.Former(ctx, l, m, now) }
		s.Before = func(m events.Month) (*usage.Document, error) {
			r, err := closed.Stored(ctx, l, m)
			if err != nil {
				return nil, notClosed(err)
			}
			return r.Usage()
		}
	case !isOpen(err):
		return nil, err
	}
	s.Log, s.State = conn, checkpoint.OpenTopic(bucket, s.Topic.Name, s.Topic.ID)
	return status.Read(ctx, s, m, now)
}

// notClosed takes it for no error that a month is not closed.
func notClosed(err error) error {
	if isOpen(err) {
		return nil
	}
	return err
}

// rateSoFar prices the usage so far, with what the month before left of packages.
func rateSoFar(ctx context.Context, p *cli.Program, c *config.Config, doc *status.Document) ([]rating.Invoice, error) {
	var issued []rating.Invoice
	before, err := storedMonth(ctx, p, c, doc.Month-1)
	unclosed := isOpen(err)
	switch {
	case err == nil:
		if issued, err = closed.Decode(before.Invoices); err != nil {
			return nil, err
		}
	case !unclosed:
		return nil, err
	}
	invoices, err := doc.Invoices(issued)
	if unclosed && len(rating.Balances(invoices)) > 0 {
		p.Log.Warn("the month before is not closed: what is left of packages is taken from the accounts file", "month", doc.Month-1)
	}
	return invoices, err
}
