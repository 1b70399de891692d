package closing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"time"

	"headcount/events"
	"headcount/events/stream"
	"headcount/internal/canonical"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/usage"
)

// Correction says what a closed month should have been priced by. Nil accounts and books are as they were.
type Correction struct {
	Accounts []byte
	Books    map[string][]byte
	Reason   string
	By       string
	Now      time.Time
	DryRun   bool // nothing is recorded

	// SealKey signs the closed record that goes to the log for the amendment; nil: none is made.
	SealKey ed25519.PrivateKey
}

// Amender takes amendments, and tells which month is the newest. A *ledger.Ledger's methods say what they promise.
type Amender interface {
	Amend(ctx context.Context, m ledger.Amendment, invoices []ledger.Invoice) (already bool, err error)
	LastClosed(ctx context.Context) (month events.Month, ok bool, err error)
}

// Amend prices a closed month's sealed facts again by other accounts or books, and records the amendment with the invoices'
// further revisions, which hold the differences. It returns the amendment's number and the revisions.
//
// It returns ErrSame where the correction changes nothing, a *NotAsBilledError where the sealed facts are not what was billed, a
// *UnreachableError where the ledger fails; else accounts or books are wrong.
func (m *ClosedMonth) Amend(ctx context.Context, l Amender, c Correction) (int, []rating.Invoice, error) {
	a := ledger.Amendment{Month: m.Month, Number: m.Amended + 1, Reason: c.Reason, By: c.By, Accounts: m.Accounts, Books: m.Books}
	if c.Accounts != nil {
		a.Accounts = c.Accounts
	}
	if c.Books != nil {
		a.Books = c.Books
	}
	if string(a.Accounts) == string(m.Accounts) && maps.EqualFunc(a.Books, m.Books, func(x, y []byte) bool { return string(x) == string(y) }) {
		return 0, nil, fmt.Errorf("month %s: %w", m.Month, ErrSame)
	}
	further, all, err := m.correct(ctx, a, c.Now)
	if err != nil || c.DryRun {
		return a.Number, further, err
	}
	invoices, err := store(further)
	if err != nil {
		return 0, nil, err
	}
	if a.Usage, err = canonical.Marshal(all); err != nil {
		return 0, nil, err
	}
	if c.SealKey != nil {
		a.Announce = func(head string) ([][]byte, error) { return closedRecord(m, c.SealKey, m.Digests, head), nil }
	}
	if _, err := l.Amend(ctx, a, invoices); err != nil {
		return 0, nil, ledgerFailed(err)
	}
	return a.Number, further, nil
}

// correct prices the month as an amendment has it: the further revisions, and the usage that they are of.
func (m *ClosedMonth) correct(ctx context.Context, a ledger.Amendment, now time.Time) ([]rating.Invoice, *usage.Document, error) {
	books, err := rating.ParseCatalog(a.Books)
	if err != nil {
		return nil, nil, err
	}
	accounts, err := rating.ParseAccounts("accounts of the amendment", a.Accounts)
	if err != nil {
		return nil, nil, err
	}
	in, late, doc, err := m.input(ctx, &prices{books, accounts})
	if err != nil {
		return nil, nil, err
	}
	if in.Balances, err = m.balancesBefore(ctx); err != nil {
		return nil, nil, err
	}
	now = now.In(in.Zone)
	further, err := rating.Correct(in, late, m.Issued, a.Reason, events.MonthOf(now.Year(), now.Month()))
	return further, doc, err
}

// input is what rating needs to price the month: its usage on time, beside it that with what came late, which is also returned as a
// document. Balances are left out.
func (m *ClosedMonth) input(ctx context.Context, by *prices) (in rating.Input, all rating.Usage, doc *usage.Document, err error) {
	zone, err := events.LoadZone(m.Closing.Zone)
	if err != nil {
		return in, all, nil, err
	}
	onTime, doc, err := m.Usage(ctx, by.biller(m))
	if err != nil {
		return in, all, nil, err
	}
	in = rating.Input{Month: m.Month, Zone: zone, Accounts: by.accounts, Catalog: by.catalog}
	if in.Usage, err = onTime.Rating(); err == nil {
		all, err = doc.Rating()
	}
	return in, all, doc, err
}

// MayAnnounce says why a seal key cannot vouch for an amendment in the log: it is not the one that the month was sealed with, or
// the topic was made again since.
func (m *ClosedMonth) MayAnnounce(ctx context.Context, l Amender, key ed25519.PrivateKey) error {
	rules, err := m.rules(ctx)
	if err != nil {
		return err
	}
	if public, err := rules.PublicKey(); err != nil || !public.Equal(key.Public()) {
		return errors.New("the month was sealed with another key")
	}
	last, _, err := l.LastClosed(ctx)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	newest, err := m.books.Closing(ctx, last)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if newest.Cluster != m.Closing.Cluster || newest.TopicID != m.Closing.TopicID {
		return fmt.Errorf("%s was closed on another topic, or another of its name", last)
	}
	return nil
}

// Announce sends the closed records of amendments, and what else is left in the outbox, to the topic that the month was closed on.
func (m *ClosedMonth) Announce(ctx context.Context, l Outbox, log Producer, topic *stream.Topic, now time.Time) error {
	if topic.ID != m.Closing.TopicID || topic.Cluster != m.Closing.Cluster {
		return fmt.Errorf("%s was closed on topic id %s of cluster %s, but the configuration leads to %s of %s", m.Month, m.Closing.TopicID, m.Closing.Cluster, topic.ID, topic.Cluster)
	}
	return sendOutbox(ctx, l, log, m.Closing.Partitions[0], now)
}
