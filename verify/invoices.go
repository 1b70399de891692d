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

// invoiceCheck is the comparison of a close's invoices with a second rating of what was counted again.
type invoiceCheck struct {
	m *closedMonth
	n *recount.Numbers
	r *report.Report
}

// checkInvoices rates the month again by a second rating and compares every invoice with it: those of the month, and what was
// settled late of the month before.
func checkInvoices(ctx context.Context, m *closedMonth, n *recount.Numbers, r *report.Report) error {
	c := invoiceCheck{m, n, r}
	c.totals()
	if m.prices.month == nil {
		return nil
	}
	return c.price(ctx)
}

// totals adds up the invoices' lines.
func (c *invoiceCheck) totals() {
	for i := range c.m.prices.invoices {
		x := &c.m.prices.invoices[i]
		sum := new(big.Rat)
		for _, l := range x.Lines {
			sum.Add(sum, decimal(l.Amount))
		}
		c.r.Same("invoices", reprice.Text(decimal(x.Total)), reprice.Text(sum), "%s: total, by its lines", x.place())
	}
}

// price rates the month, what an amendment made of it, and what came late of the month before.
func (c *invoiceCheck) price(ctx context.Context) error {
	var left leftovers
	if c.m.subject.Closing.Previous != nil {
		var err error
		if left, err = c.left(ctx, c.m.subject.Closing.Previous.Month); err != nil {
			return err
		}
	}
	c.priceMonth(left)
	if p := newPapers(c.m, c.r); p != nil {
		if err := p.made(ctx); err != nil {
			return err
		}
	}
	if err := c.priceAmended(ctx, left); err != nil {
		return err
	}
	if c.m.subject.Closing.Previous == nil {
		return nil
	}
	return c.priceLate(ctx)
}

// priceMonth compares the first revisions of the month's invoices.
func (c *invoiceCheck) priceMonth(left leftovers) {
	rated, err := c.m.prices.month.Rate(usageOf(c.n.Apps, c.m.subject.Rules, c.m.prices.month), left)
	if err != nil {
		c.r.Wrong("prices", "accounts and books of the closing of "+c.m.name, "files that can be read", err.Error())
		return
	}
	for i := range c.m.prices.invoices {
		x := &c.m.prices.invoices[i]
		if x.Month != c.m.name {
			continue
		}
		want := rated[x.Account]
		if want == nil || x.Revision != 1 {
			c.r.Wrong("invoices", x.place(), "no such invoice", x.Total)
			continue
		}
		delete(rated, x.Account)
		compareInvoice(x, want, c.r)
	}
	for _, id := range slices.Sorted(maps.Keys(rated)) {
		c.r.Wrong("invoices", fmt.Sprintf("invoice of %s for %s", id, c.m.name), "one of "+reprice.Text(rated[id].Total), "none")
	}
}

// left returns what the month before left of packages, by its invoices.
func (c *invoiceCheck) left(ctx context.Context, month string) (leftovers, error) {
	issued, err := c.issued(ctx, month)
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
func (c *invoiceCheck) issued(ctx context.Context, month string) ([]invoice, error) {
	all, err := c.m.ledger.Invoices(ctx, month)
	if err != nil {
		return nil, inLedger(err)
	}
	newest := map[string]int{} // revision that this close made, by account
	for i := range c.m.prices.invoices {
		if x := &c.m.prices.invoices[i]; x.Month == month {
			newest[x.Account] = x.Revision
		}
	}
	amendments, err := c.m.ledger.Amendments(ctx, month)
	if err != nil {
		return nil, inLedger(err)
	}
	amended := false
	for _, a := range amendments {
		amended = amended || a.At.After(c.m.stored.At)
	}
	var out []invoice
	for _, s := range all {
		last, ok := newest[s.Account]
		if ok && s.Revision > last || !ok && s.Revision > 1 && s.Closing == month && amended {
			continue
		}
		var x invoice
		if err := json.Unmarshal(s.Document, &x); err != nil {
			c.r.Wrong("invoices", fmt.Sprintf("ledger, invoice of %s, %s", s.Account, s.Month), "a document that can be read", err.Error())
			continue
		}
		out = append(out, x)
	}
	return out, nil
}
