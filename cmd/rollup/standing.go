package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/events"
	"headcount/rating"
	"headcount/rollup/closed"
	"headcount/rollup/status"
)

// recorded is what the ledger has of a month whose close has begun.
type recorded struct {
	closed.Standing
	invoices []rating.Invoice // all revisions; nil: it is not closed
}

// recordedMonth returns what the ledger has of a month; nil: its close has not begun.
func recordedMonth(ctx context.Context, p *cli.Program, c *config.Config, m events.Month) (*recorded, error) {
	l, err := readLedger(ctx, p, c)
	if isOpen(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer l.Close()
	months, err := l.Months(ctx)
	if err != nil {
		return nil, closed.LedgerFailed(err)
	}
	for _, state := range months {
		if state.Month != m {
			continue
		}
		r := &recorded{}
		if r.Standing, err = closed.Stands(ctx, l, state); err != nil || r.Closed == nil {
			return r, err
		}
		stored, err := l.Invoices(ctx, m)
		if err != nil {
			return nil, closed.LedgerFailed(err)
		}
		r.invoices, err = closed.Decode(stored)
		return r, err
	}
	return nil, nil
}

// closedAt is when the month was closed; zero: it is not.
func (r *recorded) closedAt() time.Time {
	if r == nil || r.Closed == nil {
		return time.Time{}
	}
	return *r.Closed
}

// heading says what a status shows: a month so far, or one that is closed, and what came since.
func heading(out io.Writer, d *status.Document, r *recorded, zone *time.Location) error {
	at := r.closedAt()
	switch {
	case r == nil:
		_, err := fmt.Fprintf(out, "Usage of %s (%s), topic %s, so far, provisional\n\n", d.Month, d.TimeZone, d.Topic)
		return err
	case at.IsZero():
		_, err := fmt.Fprintf(out, "Usage of %s (%s), topic %s, so far, provisional; its close has begun\n\n", d.Month, d.TimeZone, d.Topic)
		return err
	}
	said := "closed " + at.In(zone).Format(time.DateTime)
	if late := lateDevices(d); late > 0 {
		said += fmt.Sprintf("; %d devices came late since, which the close of %s settles", late, d.Month+1)
	}
	if len(r.Held) > 0 {
		said += "; held: " + strings.Join(r.Held, ", ")
	}
	_, err := fmt.Fprintf(out, "Usage of %s (%s), topic %s, %s\n\n", d.Month, d.TimeZone, d.Topic, said)
	return err
}

// lateDevices counts the devices of the month itself that came after its seals.
func lateDevices(d *status.Document) (n uint64) {
	for _, a := range d.Usage {
		for _, late := range a.Late {
			if late.Month == d.Month {
				n += late.Devices
			}
		}
	}
	return n
}

// printTotals prints a line for each invoice: of an open month what it would come to, of a closed one each revision.
func printTotals(out io.Writer, invoices []rating.Invoice, closed bool) {
	for i, v := range invoices {
		if i == 0 {
			fmt.Fprintln(out)
		}
		if !closed {
			fmt.Fprintf(out, "Invoice of %s (%s) so far: %s %s\n", v.Account, v.Plan, v.Total, v.Currency)
			continue
		}
		fmt.Fprintf(out, "Invoice of %s (%s), revision %d: %s %s, %s\n", v.Account, v.Plan, v.Revision, v.Total, v.Currency, v.Status)
	}
}
