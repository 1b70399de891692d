package closing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/site"
	"headcount/events"
	"headcount/internal/canonical"
	"headcount/rating"
	"headcount/rating/ledger"
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

// ErrSame says that a correction changes nothing that a month is priced by.
var ErrSame = errors.New("accounts and books are what the month is priced by already")

// Amend prices a closed month's sealed facts again by other accounts or books, and records the amendment with the invoices'
// further revisions, which hold the differences. It returns the amendment's number and the revisions.
func (a *Again) Amend(ctx context.Context, c Correction) (int, []rating.Invoice, error) {
	m := ledger.Amendment{Month: a.Month, Number: a.Amended + 1, Reason: c.Reason, By: c.By, Accounts: a.Closing.Accounts, Books: a.Closing.Books}
	if c.Accounts != nil {
		m.Accounts = c.Accounts
	}
	if c.Books != nil {
		m.Books = c.Books
	}
	if string(m.Accounts) == string(a.Closing.Accounts) && maps.EqualFunc(m.Books, a.Closing.Books, func(x, y []byte) bool { return string(x) == string(y) }) {
		return 0, nil, ErrSame
	}
	books, err := rating.ParseCatalog(m.Books)
	if err != nil {
		return 0, nil, err
	}
	accounts, err := rating.ParseAccounts("accounts of the amendment", m.Accounts)
	if err != nil {
		return 0, nil, err
	}
	zone, err := events.LoadZone(a.Closing.Zone)
	if err != nil {
		return 0, nil, err
	}
	onTime, late, err := a.Usage(ctx, Biller(books, accounts, a.Month, a.Closing.Zone))
	if err != nil {
		return 0, nil, err
	}
	in := rating.Input{Month: m.Month, Zone: zone, Accounts: accounts, Catalog: books}
	if in.Balances, err = a.Before(ctx); err != nil {
		return 0, nil, err
	}
	var all rating.Usage
	if in.Usage, all, err = Rated(onTime, late); err != nil {
		return 0, nil, err
	}
	now := c.Now.In(zone)
	further, err := rating.Correct(in, all, a.Issued, c.Reason, events.MonthOf(now.Year(), now.Month()))
	if err != nil || c.DryRun {
		return m.Number, further, err
	}
	var stored []ledger.Invoice
	for _, v := range further {
		text, err := canonical.Marshal(v)
		if err != nil {
			return 0, nil, err
		}
		invoice, err := ledger.NewInvoice(text)
		if err != nil {
			return 0, nil, err
		}
		stored = append(stored, invoice)
	}
	if m.Usage, err = canonical.Marshal(late); err != nil {
		return 0, nil, err
	}
	if c.SealKey != nil {
		a.SealKey = c.SealKey
		m.Announce = func(head string) ([][]byte, error) { return a.closedRecord(a.Digests, head), nil }
	}
	if _, err := a.books.Amend(ctx, m, stored); err != nil {
		return 0, nil, cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	return m.Number, further, nil
}

// MayAnnounce says why a seal key cannot vouch for an amendment in the log: it is not the one that the month was sealed with, or
// the topic was made again since.
func (a *Again) MayAnnounce(ctx context.Context, key ed25519.PrivateKey) error {
	rules, err := a.rules(ctx, a.Month)
	if err != nil {
		return err
	}
	if public, err := rules.PublicKey(); err != nil || !public.Equal(key.Public()) {
		return errors.New("the month was sealed with another key")
	}
	last, _, err := a.books.LastClosed(ctx)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	newest, err := a.books.Closing(ctx, last)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if newest.Cluster != a.Closing.Cluster || newest.TopicID != a.Closing.TopicID {
		return fmt.Errorf("%s was closed on another topic, or another of its name", last)
	}
	return nil
}

// Announce sends the closed records of amendments, and what else is left in the outbox, to the log.
func (a *Again) Announce(ctx context.Context) error {
	conn, err := site.Connect(ctx, a.Config, a.Log)
	if err != nil {
		return err
	}
	defer conn.Close()
	topic, err := conn.Topic(ctx, a.Config)
	if err != nil {
		return err
	}
	if topic.ID != a.Closing.TopicID || topic.Cluster != a.Closing.Cluster {
		return fmt.Errorf("%s was closed on topic id %s of cluster %s, but the configuration leads to %s of %s", a.Month, a.Closing.TopicID, a.Closing.Cluster, topic.ID, topic.Cluster)
	}
	return sendOutbox(ctx, a.books, conn, a.Closing.Partitions[0], time.Now())
}
