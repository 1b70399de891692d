// Package compare prices closed months otherwise, and holds that against what was billed.
//
//	compare.go  a month, account by account
//	months.go   several months, and their sums
package compare

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"headcount/events"
	"headcount/rating"
	"headcount/rollup/closed"
	"headcount/rollup/usage"
)

// Account is what an account was billed for a month, beside what it would have been billed. Of two currencies each has its own.
type Account struct {
	Account    string  `json:"account"`
	Currency   string  `json:"currency"`
	Plan       *string `json:"plan"`   // that billed it; null: no invoice
	Billed     string  `json:"billed"` // all revisions
	Held       bool    `json:"held,omitempty"`
	OtherPlan  *string `json:"other_plan"` // null: not in force
	Priced     string  `json:"priced"`
	Difference string  `json:"difference"` // priced less billed
}

// Alternative prices closed months otherwise. It is used month by month, oldest first: what is left of packages is carried.
type Alternative struct {
	Catalog  *rating.Catalog
	Plan     string           // every account that was billed, on this plan at its list price
	Accounts *rating.Accounts // or: these accounts

	balances []rating.Balance
}

// Month prices a closed month's sealed facts, late ones too where they are settled, and holds it against the invoices. It fails as
// its Usage does, or where the alternative's plan or accounts do not fit the month.
func Month(ctx context.Context, m *closed.Month, other *Alternative) ([]Account, error) {
	priced, err := other.price(ctx, m)
	if err != nil {
		return nil, err
	}
	type money struct{ account, currency string }
	rows := map[money]*Account{}
	row := func(v *rating.Invoice) *Account {
		of := money{v.Account, v.Currency}
		if rows[of] == nil {
			rows[of] = &Account{Account: v.Account, Currency: v.Currency, Billed: "0.00", Priced: "0.00"}
		}
		return rows[of]
	}
	for i := range m.Issued {
		v := &m.Issued[i]
		r := row(v)
		r.Plan, r.Held = &v.Plan, r.Held || v.Status == rating.StatusHeld
		if r.Billed, err = rating.Sum(r.Billed, v.Total); err != nil {
			return nil, err
		}
	}
	for i := range priced {
		r := row(&priced[i])
		r.OtherPlan, r.Priced = &priced[i].Plan, priced[i].Total
	}
	out := []Account{}
	for _, r := range slices.SortedFunc(maps.Values(rows), func(x, y *Account) int {
		return cmp.Or(cmp.Compare(x.Account, y.Account), cmp.Compare(x.Currency, y.Currency))
	}) {
		if r.Difference, err = rating.Less(r.Priced, r.Billed); err != nil {
			return nil, err
		}
		out = append(out, *r)
	}
	return out, nil
}

func (o *Alternative) price(ctx context.Context, m *closed.Month) ([]rating.Invoice, error) {
	if o.Accounts == nil {
		return o.priceByPlan(ctx, m)
	}
	in, all, _, err := m.Input(ctx, &closed.Prices{Catalog: o.Catalog, Accounts: o.Accounts})
	if err != nil {
		return nil, err
	}
	in.Balances = o.balances
	invoices, err := rating.Whole(in, all)
	o.balances = rating.Balances(invoices)
	return invoices, err
}

// priceByPlan prices each account that was billed by the plan, and what came late where its contract bills that.
func (o *Alternative) priceByPlan(ctx context.Context, m *closed.Month) ([]rating.Invoice, error) {
	zone, err := events.LoadZone(m.Closing.Zone)
	if err != nil {
		return nil, err
	}
	books, err := rating.ParseCatalog(m.Books)
	if err != nil {
		return nil, fmt.Errorf("books of %s: %w", m.Month, err)
	}
	was, err := rating.ParseAccounts("accounts of "+m.Month.String(), m.Accounts)
	if err != nil {
		return nil, err
	}
	meters, err := o.meters(m.Month)
	if err != nil {
		return nil, err
	}
	owner := (&closed.Prices{Catalog: books, Accounts: was}).Biller(m)
	onTime, all, err := m.Usage(ctx, func(app string) (string, []rating.Meter) {
		account, _ := owner(app)
		return account, meters
	})
	if err != nil {
		return nil, err
	}
	var invoices []rating.Invoice
	for _, v := range m.Issued {
		if slices.ContainsFunc(invoices, func(x rating.Invoice) bool { return x.Account == v.Account }) {
			continue
		}
		doc := all
		if !was.BillsLate(v.Account) {
			doc = onTime
		}
		input, err := only(doc, v.Account).Rating()
		if err != nil {
			return nil, err
		}
		in, err := rating.PlanInput(o.Catalog, o.Plan, input, zone)
		if err != nil {
			return nil, err
		}
		rated, err := rating.Rate(in)
		if err != nil {
			return nil, err
		}
		rated[0].Account = v.Account
		invoices = append(invoices, rated[0])
	}
	return invoices, nil
}

// meters are those that the plan counts.
func (o *Alternative) meters(m events.Month) ([]rating.Meter, error) {
	const app = "any"
	in, err := rating.PlanInput(o.Catalog, o.Plan, rating.Usage{Month: m, Apps: []rating.AppUsage{{App: app}}}, nil)
	if err != nil {
		return nil, err
	}
	_, _, meters := in.Accounts.MetersOf(o.Catalog, m, nil, app)
	return meters, nil
}

// only returns the document of an account's apps.
func only(d *usage.Document, account string) *usage.Document {
	part := *d
	part.Usage = []usage.App{}
	for _, a := range d.Usage {
		if a.Account != nil && *a.Account == account {
			part.Usage = append(part.Usage, a)
		}
	}
	return &part
}
