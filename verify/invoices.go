package verify

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"

	"headcount/verify/recount"
	"headcount/verify/report"
	"headcount/verify/reprice"
)

// checkInvoices rates the month again by a second rating and compares every invoice with it: those of the month, and what was
// settled late of the month before.
func (m *closedMonth) checkInvoices(ctx context.Context, n *recount.Numbers, r *report.Report) error {
	for i := range m.prices.invoices {
		x := &m.prices.invoices[i]
		sum := new(big.Rat)
		for _, l := range x.Lines {
			sum.Add(sum, decimal(l.Amount))
		}
		r.Same("invoices", reprice.Text(decimal(x.Total)), reprice.Text(sum), "%s: total, by its lines", x.place())
	}
	if m.prices.month == nil {
		return nil
	}
	var left leftovers
	if m.Closing.Previous != nil {
		var err error
		if left, err = m.left(ctx, m.Closing.Previous.Month, r); err != nil {
			return err
		}
	}
	m.priceMonth(n, left, r)
	if err := m.priceAmended(ctx, n, left, r); err != nil {
		return err
	}
	if m.Closing.Previous == nil {
		return nil
	}
	return m.priceLate(ctx, n, r)
}

// priceMonth compares the first revisions of the month's invoices.
func (m *closedMonth) priceMonth(n *recount.Numbers, left leftovers, r *report.Report) {
	rated, err := m.prices.month.Rate(usageOf(n.Apps, m.Rules, m.prices.month), left)
	if err != nil {
		r.Wrong("prices", "accounts and books of the closing of "+m.name, "files that can be read", err.Error())
		return
	}
	for i := range m.prices.invoices {
		x := &m.prices.invoices[i]
		if x.Month != m.name {
			continue
		}
		want := rated[x.Account]
		if want == nil || x.Revision != 1 {
			r.Wrong("invoices", x.place(), "no such invoice", x.Total)
			continue
		}
		delete(rated, x.Account)
		compareInvoice(x, want, r)
	}
	for _, id := range slices.Sorted(maps.Keys(rated)) {
		r.Wrong("invoices", fmt.Sprintf("invoice of %s for %s", id, m.name), "one of "+reprice.Text(rated[id].Total), "none")
	}
}

// left returns what the month before left of packages, by its invoices.
func (m *closedMonth) left(ctx context.Context, month string, r *report.Report) (leftovers, error) {
	issued, err := m.issued(ctx, month, r)
	if err != nil {
		return nil, err
	}
	left := leftovers{}
	for _, x := range issued { // a later revision's are newer
		for _, b := range x.Balances {
			if left[x.Account] == nil {
				left[x.Account] = map[string]*big.Rat{}
			}
			left[x.Account][b.Package] = decimal(b.Remaining)
		}
	}
	return left, nil
}

// issued returns the revisions of an earlier month's invoices as they stood when this close was done. Those that an amendment
// made since are the last of their account, behind what this close made.
func (m *closedMonth) issued(ctx context.Context, month string, r *report.Report) ([]invoice, error) {
	all, err := m.ledger.Invoices(ctx, month)
	if err != nil {
		return nil, inLedger(err)
	}
	newest := map[string]int{} // revision that this close made, by account
	for i := range m.prices.invoices {
		if x := &m.prices.invoices[i]; x.Month == month {
			newest[x.Account] = x.Revision
		}
	}
	amendments, err := m.ledger.Amendments(ctx, month)
	if err != nil {
		return nil, inLedger(err)
	}
	amended := false
	for _, a := range amendments {
		amended = amended || a.At.After(m.stored.At)
	}
	var out []invoice
	for _, s := range all {
		last, ok := newest[s.Account]
		if ok && s.Revision > last || !ok && s.Revision > 1 && s.Closing == month && amended {
			continue
		}
		var x invoice
		if err := json.Unmarshal(s.Document, &x); err != nil {
			r.Wrong("invoices", fmt.Sprintf("ledger, invoice of %s, %s", s.Account, s.Month), "a document that can be read", err.Error())
			continue
		}
		out = append(out, x)
	}
	return out, nil
}
