// Package amend corrects a closed month that was priced by wrong accounts or books, or of which a reporter signed a wrong quantity: its
// sealed facts are priced again, and the differences are further revisions of its invoices. Counts of devices and users are not changed:
// they follow from the log.
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
	"slices"
	"strings"
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
	Accounts   []byte
	Books      map[string][]byte
	Quantities []usage.Correction // of what reporters signed; none: as it was
	Reason     string
	By         string
	Now        time.Time
	DryRun     bool // nothing is recorded

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
var ErrSame = errors.New("accounts, books and quantities are what the month is priced by already")

// NoQuantityError says that what is corrected is no quantity that an app is billed for in the month.
type NoQuantityError struct {
	Month      events.Month
	App, Meter string
	Account    string // that is billed for the app; empty: nobody
}

func (e *NoQuantityError) Error() string {
	if e.Account == "" {
		return fmt.Sprintf("nobody is billed for app %s in %s", e.App, e.Month)
	}
	return fmt.Sprintf("meter %s is no quantity that account %s is billed for app %s by in %s", e.Meter, e.Account, e.App, e.Month)
}

// NoReporterError says that a correction is of somebody who was no reporter in the month.
type NoReporterError struct {
	Month  events.Month
	Source string
	Known  []string
}

func (e *NoReporterError) Error() string {
	return fmt.Sprintf("%s was no reporter of %s; those were %s", e.Source, e.Month, strings.Join(e.Known, ", "))
}

// Month prices a closed month's sealed facts again by other accounts, books or quantities, and records the amendment with the invoices'
// further revisions, which hold the differences. It returns the amendment's number and the revisions.
//
// It returns ErrSame where the correction changes nothing, a *NoQuantityError or *NoReporterError where there is nothing of the kind to
// correct, a *closed.NotAsBilledError where the sealed facts are not what was billed, a
// *closed.UnreachableError where the ledger fails; else accounts or books are wrong.
func Month(ctx context.Context, l Ledger, m *closed.Month, c Correction) (int, []rating.Invoice, error) {
	a := ledger.Amendment{Month: m.Month, Number: m.Amended + 1, Reason: c.Reason, By: c.By, Accounts: m.Accounts, Books: m.Books}
	if c.Accounts != nil {
		a.Accounts = c.Accounts
	}
	if c.Books != nil {
		a.Books = c.Books
	}
	corrected := m.Corrected
	for _, q := range c.Quantities {
		corrected = corrected.With(q)
	}
	a.Quantities = corrected.Document()
	if slices.Equal(corrected, m.Corrected) && string(a.Accounts) == string(m.Accounts) && maps.EqualFunc(a.Books, m.Books, func(x, y []byte) bool { return string(x) == string(y) }) {
		return 0, nil, fmt.Errorf("month %s: %w", m.Month, ErrSame)
	}
	as := *m
	as.Corrected = corrected
	further, all, err := correct(ctx, &as, a, c)
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
func correct(ctx context.Context, m *closed.Month, a ledger.Amendment, c Correction) ([]rating.Invoice, *usage.Document, error) {
	books, err := rating.ParseCatalog(a.Books)
	if err != nil {
		return nil, nil, err
	}
	accounts, err := rating.ParseAccounts("accounts of the amendment", a.Accounts)
	if err != nil {
		return nil, nil, err
	}
	prices := &closed.Prices{Catalog: books, Accounts: accounts}
	if err := checkQuantities(ctx, m, prices.Biller(m), c.Quantities); err != nil {
		return nil, nil, err
	}
	in, late, doc, err := m.Input(ctx, prices)
	if err != nil {
		return nil, nil, err
	}
	if in.Balances, err = m.BalancesBefore(ctx); err != nil {
		return nil, nil, err
	}
	now := c.Now.In(in.Zone)
	further, err := rating.Correct(in, late, m.Issued, a.Reason, events.MonthOf(now.Year(), now.Month()))
	if err != nil {
		return nil, nil, err
	}
	issuer, err := m.Issuer()
	issuer.Issue(further)
	return further, doc, err
}

// checkQuantities says whether what is corrected is a quantity that somebody is billed by, of a reporter of the month.
func checkQuantities(ctx context.Context, m *closed.Month, bill usage.Biller, corrections []usage.Correction) error {
	if len(corrections) == 0 {
		return nil
	}
	rules, err := m.Rules(ctx)
	if err != nil {
		return err
	}
	for _, c := range corrections {
		account, meters := bill(c.App)
		if account == "" || !slices.ContainsFunc(meters, func(x rating.Meter) bool { return x.Name == c.Meter && !x.People() }) {
			return &NoQuantityError{m.Month, c.App, c.Meter, account}
		}
		if rules.Reporter(c.Source) == nil {
			e := &NoReporterError{Month: m.Month, Source: c.Source}
			for i := range rules.Reporters {
				e.Known = append(e.Known, rules.Reporters[i].ID)
			}
			return e
		}
	}
	return nil
}
