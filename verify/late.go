package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"headcount/verify/recount"
	"headcount/verify/report"
	"headcount/verify/reprice"
)

// formerPrices are what the month before is priced by.
type formerPrices struct {
	rules *recount.Rules
	month *reprice.Period         // by the newest prices it had when this month was closed
	plans map[string]reprice.Plan // by account
}

// openFormer reads what the month before is priced by; nil where it is not counted here.
func (m *closedMonth) openFormer(ctx context.Context, r *report.Report) (*formerPrices, error) {
	if m.subject.Before == 0 || m.subject.FormerRules == nil {
		return nil, nil
	}
	books, accounts, of := m.subject.Former.Books, m.subject.Former.Accounts, "the closing of "+m.subject.Before.String()
	amendments, err := m.ledger.Amendments(ctx, m.subject.Before.String())
	if err != nil {
		return nil, inLedger(err)
	}
	for _, a := range amendments {
		if !a.At.After(m.stored.At) {
			books, accounts, of = a.Books, a.Accounts, fmt.Sprintf("amendment %d of %s", a.Number, m.subject.Before)
		}
	}
	month := m.layOut(m.subject.Before, books, accounts, of, r)
	if month == nil {
		return nil, nil
	}
	return &formerPrices{m.subject.FormerRules, month, month.Plans()}, nil
}

// sets returns what tells the sets of kinds that an app's meters count; nil where there are no prices.
func (f *formerPrices) sets() func(app string) []uint16 {
	if f == nil {
		return nil
	}
	return func(app string) []uint16 {
		all := map[uint16]bool{}
		addSets(all, f.rules, f.plans[f.month.Owner(app)].Meters)
		return slices.Collect(maps.Keys(all))
	}
}

// priceLate prices the month before with what came late, and compares the revisions that this close made with what that comes to
// more than was billed.
func (c *invoiceCheck) priceLate(ctx context.Context) error {
	before := c.m.subject.Closing.Previous.Month
	made := map[string]*invoice{}
	for i := range c.m.prices.invoices {
		if x := &c.m.prices.invoices[i]; x.Month == before {
			made[x.Account] = x
		}
	}
	if c.n.Late == nil {
		for _, id := range slices.Sorted(maps.Keys(made)) {
			c.r.Remark("%s: what came late was not counted here, so it was not priced again", made[id].place())
		}
		return nil
	}
	issued, err := c.issued(ctx, before)
	if err != nil {
		return err
	}
	billed := billedBefore(issued, made)
	stood := stoodBefore(issued, made)
	left, err := c.leftBefore(ctx)
	if err != nil {
		return err
	}
	rated, err := c.m.former.month.Rate(usageOf(c.n.Late, c.m.former.rules, c.m.former.month), left)
	if err != nil {
		c.r.Wrong("prices", "accounts and books of "+before, "files that can be read", err.Error())
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(rated)) {
		lines := rated[id].Differences(billed[id])
		x := made[id]
		delete(made, id)
		switch {
		case x == nil && len(lines) > 0:
			c.r.Wrong("invoices", fmt.Sprintf("invoice of %s for %s", id, before), fmt.Sprintf("a revision for what came late: %s", linesText(lines)), "none")
		case x != nil:
			c.r.Same("invoices", x.Plan, rated[id].Plan, "%s: plan", x.place())
			compareLines(x, lines, rated[id].Version, c.r)
			if rated[id].Late { // else it draws on nothing
				compareLeft(x, rated[id].Settled(lines, stood[id]), c.r)
			} else {
				compareLeft(x, nil, c.r)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(made)) {
		c.r.Wrong("invoices", made[id].place(), "no such invoice", made[id].Total)
	}
	return nil
}

// billedBefore adds up, by account, what was billed for a month before a close made further revisions.
func billedBefore(issued []invoice, made map[string]*invoice) map[string]map[reprice.Subject]reprice.Billed {
	billed := map[string]map[reprice.Subject]reprice.Billed{}
	for _, x := range issued {
		if y := made[x.Account]; y != nil && x.Revision == y.Revision {
			continue
		}
		to := billed[x.Account]
		if to == nil {
			to = map[reprice.Subject]reprice.Billed{}
			billed[x.Account] = to
		}
		for _, l := range x.Lines {
			k := reprice.Subject{App: l.App, Meter: l.Meter}
			to[k] = to[k].Plus(decimal(l.Quantity), decimal(l.Billable), decimal(l.Amount))
		}
	}
	return billed
}

// stoodBefore returns how packages stood, by account and package, before a close made further revisions.
func stoodBefore(issued []invoice, made map[string]*invoice) map[string]map[string]reprice.Standing {
	stood := map[string]map[string]reprice.Standing{}
	for _, x := range issued { // a later revision's are newer
		if y := made[x.Account]; y != nil && x.Revision == y.Revision {
			continue
		}
		for _, b := range x.Balances {
			if stood[x.Account] == nil {
				stood[x.Account] = map[string]reprice.Standing{}
			}
			stood[x.Account][b.Package] = reprice.Standing{Drawn: decimal(b.Drawn), Remaining: decimal(b.Remaining)}
		}
	}
	return stood
}

// leftBefore returns what the month before the last left of packages.
func (c *invoiceCheck) leftBefore(ctx context.Context) (left leftovers, err error) {
	if c.m.subject.Former.Previous == nil {
		return nil, nil
	}
	return c.left(ctx, c.m.subject.Former.Previous.Month)
}

func linesText(lines []reprice.Line) (text string) {
	for i, l := range lines {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("app %s, %s: %s for %s", l.App, l.Meter, reprice.Text(l.Amount), reprice.Text(l.Quantity))
	}
	return text
}
