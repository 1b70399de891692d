package verify

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"

	"headcount/verify/chain"
	"headcount/verify/report"
	"headcount/verify/reprice"
)

// amendedMonth is the month as its newest amendment prices it.
type amendedMonth struct {
	chain.Amendment
	month *reprice.Period
	plans map[string]reprice.Plan
}

func (a *amendedMonth) String() string { return fmt.Sprintf("amendment %d of %s", a.Number, a.Month) }

// openAmended lays out the month by its newest amendment; nil where it has none, or one that prices what came late too: that is not
// in the log up to the seal.
func (m *closedMonth) openAmended(ctx context.Context, r *report.Report) (*amendedMonth, error) {
	all, err := m.ledger.Amendments(ctx, m.name)
	if err != nil {
		return nil, inLedger(err)
	}
	if m.amendments = len(all); m.amendments == 0 {
		return nil, nil
	}
	a := &amendedMonth{Amendment: all[len(all)-1]}
	for _, x := range m.months {
		if x.Month > m.name && !x.Closed.IsZero() && !x.Closed.After(a.At) {
			r.Remark("%s was made when what came late was settled: its revisions were added up, not priced again", a)
			return nil, nil
		}
	}
	if a.month = m.layOut(m.subject.Month, a.Books, a.Accounts, a.String(), r); a.month == nil {
		return nil, nil
	}
	a.plans = a.month.Plans()
	return a, nil
}

// meters returns what the amended plan of an app counts.
func (a *amendedMonth) meters(app string) map[string]meter {
	if a == nil {
		return nil
	}
	return a.plans[a.month.Owner(app)].Meters
}

// priceAmended compares what all revisions come to with what the month costs by its newest amendment.
func (c *invoiceCheck) priceAmended(ctx context.Context, left leftovers) error {
	if c.m.amended == nil {
		return nil
	}
	rated, err := c.m.amended.month.Rate(usageOf(corrected(c.n.Apps, c.m.amended.Quantities), c.m.subject.Rules, c.m.amended.month), left)
	if err != nil {
		c.r.Wrong("prices", "accounts and books of "+c.m.amended.String(), "files that can be read", err.Error())
		return nil
	}
	stored, err := c.m.ledger.Invoices(ctx, c.m.name)
	if err != nil {
		return inLedger(err)
	}
	over := balance{}
	over.billed(c.m.name, stored, c.r)
	over.right(rated)
	for _, k := range slices.Sorted(maps.Keys(over)) {
		c.r.Same("amendments", reprice.Text(over[k]), "0", "%s: %s: billed over all revisions, less what is right", c.m.amended, k)
	}
	return nil
}

// balance is what was billed, less what is right, by what it was billed for.
type balance map[string]*big.Rat

func (b balance) add(amount *big.Rat, format string, args ...any) {
	k := fmt.Sprintf(format, args...)
	if b[k] == nil {
		b[k] = new(big.Rat)
	}
	b[k].Add(b[k], amount)
}

// billed adds what all revisions of a month bill; what came late is of a later close.
func (b balance) billed(month string, stored []chain.Invoice, r *report.Report) {
	for _, s := range stored {
		var x invoice
		if err := json.Unmarshal(s.Document, &x); err != nil || s.Closing != month {
			continue
		}
		sum := new(big.Rat)
		for _, l := range x.Lines {
			sum.Add(sum, decimal(l.Amount))
			b.add(decimal(l.Amount), "account %s, app %s, %s%s", x.Account, l.App, l.Meter, l.Item)
		}
		if s.Revision > 1 {
			r.Same("amendments", reprice.Text(decimal(x.Total)), reprice.Text(sum), "%s: total, by its lines", x.place())
		}
		for _, p := range x.Prepaid {
			b.add(decimal(p.Amount), "account %s, app %q, paid ahead on %s for %s, %s to %s", x.Account, p.App, p.Date, p.Item, p.From, p.Until)
		}
	}
}

// right takes off what the second rating says.
func (b balance) right(rated map[string]*reprice.Invoice) {
	for id, want := range rated {
		for _, l := range want.Lines {
			b.add(new(big.Rat).Neg(l.Amount), "account %s, app %s, %s%s", id, l.App, l.Meter, l.Item)
		}
		for _, p := range want.Prepaid {
			b.add(new(big.Rat).Neg(p.Amount), "account %s, app %q, paid ahead on %s for %s, %s to %s", id, p.App, p.Date, p.Item, p.From, p.Until)
		}
	}
}
