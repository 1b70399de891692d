// Package amend corrects a closed month that was priced by wrong accounts or books: its sealed facts are priced again, and the differences
// are further revisions of its invoices. Counts are not changed: they follow from the log.
//
//	amend.go     the correction, priced and recorded
//	announce.go  the signed record of it in the log
package amend

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"time"

	"headcount/events"
	"headcount/internal/canonical"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
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

// Ledger takes amendments, and tells what was closed. A *ledger.Ledger's methods say what they promise.
type Ledger interface {
	Amend(ctx context.Context, m ledger.Amendment, invoices []ledger.Invoice) (already bool, err error)
	Closing(ctx context.Context, month events.Month) (ledger.Closing, error)
	LastClosed(ctx context.Context) (month events.Month, ok bool, err error)
}

// ErrSame says that a correction changes nothing that a month is priced by.
var ErrSame = errors.New("accounts and books are what the month is priced by already")

// Month prices a closed month's sealed facts again by other accounts or books, and records the amendment with the invoices'
// further revisions, which hold the differences. It returns the amendment's number and the revisions.
//
// It returns ErrSame where the correction changes nothing, a *closed.NotAsBilledError where the sealed facts are not what was billed, a
// *closed.UnreachableError where the ledger fails; else accounts or books are wrong.
func Month(ctx context.Context, l Ledger, m *closed.Month, c Correction) (int, []rating.Invoice, error) {
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
	further, all, err := correct(ctx, m, a, c.Now)
	if err != nil || c.DryRun {
		return a.Number, further, err
	}
	invoices, err := closed.Encode(further)
	if err != nil {
		return 0, nil, err
	}
	all.Aggregate()
	if a.Usage, err = canonical.Marshal(all); err != nil {
		return 0, nil, err
	}
	if c.SealKey != nil {
		a.Announce = func(head string) ([][]byte, error) { return m.Record(c.SealKey, m.Digests, head), nil }
	}
	if _, err := l.Amend(ctx, a, invoices); err != nil {
		return 0, nil, closed.LedgerFailed(err)
	}
	return a.Number, further, nil
}

// correct prices the month as an amendment has it: the further revisions, and the usage that they are of.
func correct(ctx context.Context, m *closed.Month, a ledger.Amendment, now time.Time) ([]rating.Invoice, *usage.Document, error) {
	books, err := rating.ParseCatalog(a.Books)
	if err != nil {
		return nil, nil, err
	}
	accounts, err := rating.ParseAccounts("accounts of the amendment", a.Accounts)
	if err != nil {
		return nil, nil, err
	}
	in, late, doc, err := m.Input(ctx, &closed.Prices{Catalog: books, Accounts: accounts})
	if err != nil {
		return nil, nil, err
	}
	if in.Balances, err = m.BalancesBefore(ctx); err != nil {
		return nil, nil, err
	}
	now = now.In(in.Zone)
	further, err := rating.Correct(in, late, m.Issued, a.Reason, events.MonthOf(now.Year(), now.Month()))
	return further, doc, err
}
