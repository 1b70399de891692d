package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/events"
	"headcount/rating"
	"headcount/rollup/closed"
	"headcount/rollup/status"
)

// dryClose prints what a close of the month would come to, and what it would not bill. It writes nothing: to the log, the state or the
// ledger. A month that is closed is printed as it is stored.
func dryClose(ctx context.Context, p *cli.Program, c *config.Config, m events.Month) error {
	stored, err := storedMonth(ctx, p, c, m)
	if err == nil {
		p.Log.Info("the month is closed already: this is what is stored", "month", m)
		if err := printClosed(p, stored); err != nil {
			return err
		}
		return heldError(stored)
	}
	if !isOpen(err) {
		return err
	}
	now := time.Now()
	doc, err := readStatus(ctx, p, c, m, now)
	if err != nil {
		return err
	}
	if n := uncounted(doc); n > 0 {
		p.Log.Warn("records in the log are not counted yet, and a close would count them: what is printed is without them; `ingest run --until-end` counts them", "records", n)
	}
	invoices, err := rateSoFar(ctx, p, c, doc)
	if err != nil {
		return err
	}
	doc.Hold(invoices)
	issuer, err := site.Issuer(c)
	if err != nil {
		return err
	}
	issuer.Issue(invoices)
	for i := range invoices {
		invoices[i].WhatIf = true
	}
	if p.JSON {
		err = p.PrintJSON(struct {
			*status.Document
			DryRun   bool             `json:"dry_run"`
			Exact    bool             `json:"exact"` // all that the log holds is counted
			Invoices []rating.Invoice `json:"invoices"`
		}{doc, true, doc.Exact(), append([]rating.Invoice{}, invoices...)})
	} else {
		err = dryTables(p, c, doc, invoices, now)
	}
	if err != nil {
		return err
	}
	var held []string
	for _, v := range invoices {
		if v.Status == rating.StatusHeld {
			held = append(held, v.Account)
		}
	}
	if len(held) > 0 {
		return cli.Fail(cli.CheckFailed, "as it stands, a close of %s would hold invoices of %s: look into each reason before it", m, someOf(held))
	}
	return nil
}

// uncounted is how many records of the log are not counted, but for one a partition: the closed record of the month before lies in one.
func uncounted(doc *status.Document) (n int64) {
	for _, p := range doc.Partitions {
		n += max(0, p.Lag-1)
	}
	return n
}

// someOf names the first of many accounts.
func someOf(accounts []string) string {
	const shown = 5
	who := strings.Join(accounts[:min(len(accounts), shown)], ", ")
	if len(accounts) > shown {
		who += fmt.Sprintf(" and %d more", len(accounts)-shown)
	}
	return who
}

func dryTables(p *cli.Program, c *config.Config, doc *status.Document, invoices []rating.Invoice, now time.Time) error {
	if err := statusTable(p.Out, doc, c.Kafka.Group != ""); err != nil {
		return err
	}
	if err := notBilled(p.Out, &doc.Document, true); err != nil {
		return err
	}
	documents, err := closed.Encode(invoices)
	if err != nil {
		return err
	}
	if len(documents) > 0 {
		fmt.Fprintln(p.Out)
		if err := invoiceTable(p.Out, documents); err != nil {
			return err
		}
	}
	zone, err := events.LoadZone(doc.TimeZone)
	if err != nil {
		return err
	}
	_, ends := doc.Month.Span(zone)
	how := "counted up to the end of every partition"
	if !doc.Exact() {
		how = "not counted up to the end of every partition: `ingest run --until-end` counts the rest"
	}
	if now.Before(ends) {
		how += fmt.Sprintf("; the month ends at %s", ends.Format(time.RFC3339))
	}
	_, err = fmt.Fprintf(p.Out, "\nA dry run of the close of %s, provisional, %s. Nothing was sealed or recorded. What came late of %s is settled by the close.\n", doc.Month, how, doc.Month-1)
	return err
}
