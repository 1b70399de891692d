package closing

import (
	"context"
	"errors"
	"maps"
	"time"

	"headcount/cmd/cli"
	"headcount/events"
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
}

// ErrSame says that a correction changes nothing that a month is priced by.
var ErrSame = errors.New("accounts and books are what the month is priced by already")

// Amend prices a closed month's sealed facts again by other accounts or books, and records the amendment with the invoices'
// further revisions, which hold the differences. It returns the amendment's number and the revisions.
func (a *Again) Amend(ctx context.Context, c Correction) (int, []rating.Invoice, error) {
	m := ledger.Amendment{Month: a.Month.String(), Number: a.Amended + 1, Reason: c.Reason, By: c.By, Accounts: a.Closing.Accounts, Books: a.Closing.Books}
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
	further, err := rating.Correct(in, all, a.Issued, c.Reason, events.MonthOf(now.Year(), now.Month()).String())
	if err != nil || c.DryRun {
		return m.Number, further, err
	}
	var stored []ledger.Invoice
	for _, v := range further {
		text, err := marshal(v)
		if err != nil {
			return 0, nil, err
		}
		invoice, err := ledger.NewInvoice(text)
		if err != nil {
			return 0, nil, err
		}
		stored = append(stored, invoice)
	}
	if m.Usage, err = marshal(late); err != nil {
		return 0, nil, err
	}
	if _, err := a.books.Amend(ctx, m, stored); err != nil {
		return 0, nil, cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	return m.Number, further, nil
}
