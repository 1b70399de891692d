package closing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"headcount/cmd/cli"
	"headcount/cmd/rollup/usage"
	"headcount/events"
	"headcount/events/stream"
	"headcount/internal/canonical"
	"headcount/rating"
	"headcount/rating/ledger"
)

// settle unites the sealed facts, rates them and commits the result: the one commit point of a close.
func (w *work) settle(ctx context.Context) error {
	catalog, accounts, err := w.prices()
	if err != nil {
		return err
	}
	sealed, err := w.open(ctx)
	if err != nil {
		return err
	}
	defer sealed.close()
	doc, alarms, err := w.gather(ctx, sealed, catalog, accounts)
	if err != nil {
		return err
	}
	losses, err := w.lost(ctx, sealed)
	if err != nil {
		return err
	}
	alarms[""] = append(alarms[""], losses...)
	input, err := doc.Rating()
	if err != nil {
		return err
	}
	zone, err := events.LoadZone(w.closing.Zone)
	if err != nil {
		return err
	}
	late, carried, err := w.settleLate(ctx, sealed)
	if err != nil {
		return err
	}
	in := rating.Input{Month: w.month, Zone: zone, Usage: input, Accounts: accounts, Catalog: catalog, Balances: carried}
	invoices, err := rating.Rate(in)
	if err != nil {
		return fmt.Errorf("rate %s: %w", w.month, err)
	}
	warnings, err := rating.Warnings(in)
	if err != nil {
		return fmt.Errorf("rate %s: %w", w.month, err)
	}
	for _, text := range warnings {
		w.Log.Warn(text)
	}
	result := ledger.Result{Month: w.month, SealID: w.closing.SealID}
	whole, apps, err := marshalUsage(doc)
	if err != nil {
		return err
	}
	result.Document = whole
	digests := map[string]string{}
	for i, a := range doc.Usage {
		digests[a.App] = a.Digest
		row := ledger.UsageRow{App: a.App, Digest: a.Digest, Document: apps[i]}
		if a.Account != nil {
			row.Account = *a.Account
		}
		result.Usage = append(result.Usage, row)
	}
	for i := range invoices {
		hold(&invoices[i], accounts, alarms)
	}
	for i := range late { // what was lost may have been late too
		hold(&late[i], accounts, usage.Alarms{"": losses})
	}
	for _, v := range append(late, invoices...) {
		text, err := canonical.Marshal(v)
		if err != nil {
			return err
		}
		invoice, err := ledger.NewInvoice(text)
		if err != nil {
			return err
		}
		result.Invoices = append(result.Invoices, invoice)
	}
	result.Announce = func(head string) ([][]byte, error) { return w.closedRecord(digests, head), nil }
	if _, err := w.ledger.Commit(ctx, result); err != nil {
		return cli.Fail(cli.Unreachable, "ledger: %w; run the close again", err)
	}
	w.Log.Info("month closed", "month", w.month, "apps", len(doc.Usage), "invoices", len(invoices))
	return nil
}

// hold marks the invoice of an account with an app that raised an alarm.
func hold(v *rating.Invoice, accounts *rating.Accounts, alarms usage.Alarms) {
	var reasons []string
	if v.Status == ledger.Held {
		reasons = append(reasons, v.Reason)
	}
	for _, app := range accounts.AppsOf(v.Account) {
		reasons = append(reasons, alarms[app]...)
	}
	reasons = append(reasons, alarms[""]...)
	if len(reasons) > 0 {
		v.Status, v.Reason = ledger.Held, strings.Join(reasons, "; ")
	}
}

// gather unites the facts of the closing's partitions.
func (w *work) gather(ctx context.Context, sealed *opened, catalog *rating.Catalog, accounts *rating.Accounts) (*usage.Document, usage.Alarms, error) {
	doc := &usage.Document{Month: w.month, TimeZone: w.closing.Zone, Topic: w.closing.Topic, Usage: []usage.App{}, Sealed: []usage.Sealed{}}
	rules, err := w.rules(ctx, w.month)
	if err != nil {
		return nil, nil, err
	}
	month := &usage.Facts{Rules: rules}
	var before *usage.Facts
	if w.closing.Previous != nil {
		former, err := w.former(ctx)
		if err != nil {
			return nil, nil, err
		}
		rules, err := former.rules(ctx, former.month)
		if err != nil {
			return nil, nil, err
		}
		before = &usage.Facts{Rules: rules}
	}
	var overLimit uint64
	for i, m := range sealed.months {
		doc.Sealed = append(doc.Sealed, usage.Sealed{Partition: w.closing.Partitions[i], Offset: m.Index.Offset})
		doc.Rejected += m.Index.Unattributed.Rejected
		overLimit += m.Index.Unattributed.OverLimit
		month.OnTime = append(month.OnTime, m.OnTime())
	}
	if before != nil {
		before.OnTime, before.Late = sealed.before()
	}
	limit, err := decimal.NewFromString(w.Config.Billing.SkewLimit)
	if err != nil {
		return nil, nil, err
	}
	bill := Biller(catalog, accounts, w.month, w.closing.Zone)
	alarms, err := usage.Gather(doc, month, before, bill, usage.SkewLimit{Decimal: limit})
	if err != nil {
		return nil, nil, err
	}
	if overLimit > 0 {
		alarms[""] = append(alarms[""], fmt.Sprintf("%d records of no known app were over a limit and not counted", overLimit))
	}
	return doc, alarms, nil
}

// closedRecord makes the signed record that tells the log what was closed, and where the ledger stands.
func (w *work) closedRecord(digests map[string]string, head string) [][]byte {
	c := events.Closed{
		Version: events.ClosedVersion, Cluster: w.closing.Cluster, TopicID: w.closing.TopicID, Month: w.month, SealID: w.closing.SealID,
		LedgerHead: head,
	}
	c.SetUsage(digests)
	return [][]byte{c.Sign(w.SealKey)}
}

// announce sends what the outbox holds to the log.
func (w *work) announce(ctx context.Context) error {
	err := sendOutbox(ctx, w.ledger, w.conn, w.closing.Partitions[0], w.Clock.Now())
	if err != nil {
		return cli.Fail(cli.Unreachable, "month %s is closed and recorded, but the log may not have the closed record yet: %w; run the close again", w.month, err)
	}
	return nil
}

// sendOutbox sends what the outbox holds to a partition, and marks it.
func sendOutbox(ctx context.Context, l Journal, log interface {
	Produce(ctx context.Context, messages []stream.Message) error
}, partition int32, now time.Time) error {
	messages, err := l.Outbox(ctx)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	for _, m := range messages {
		if err := log.Produce(ctx, []stream.Message{{Partition: partition, Value: m.Value, Time: now}}); err != nil {
			return err
		}
		if err := l.MarkSent(ctx, m.ID); err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
	}
	return nil
}

// announceLater sends what an earlier close left in the outbox; an unreachable log is only a warning then: what is stored can
// be printed all the same.
func (w *work) announceLater(ctx context.Context) error {
	messages, err := w.ledger.Outbox(ctx)
	if err != nil || len(messages) == 0 {
		return err
	}
	if err := w.connect(ctx); err != nil {
		w.Log.Warn("the closed record is not in the log yet; run the close again when the broker is up", "month", w.month, "error", err)
		return nil
	}
	for _, p := range w.topic.Partitions {
		w.closing.Partitions = append(w.closing.Partitions, p.ID)
	}
	return w.announce(ctx)
}
