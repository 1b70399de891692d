package rating

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// Whole rates a month with what came late of it: in.Usage is what came on time, late what came on time or late. An account that
// says late: report is rated on what came on time.
func Whole(in Input, late Usage) ([]Invoice, error) {
	onTime, err := Rate(in)
	if err != nil {
		return nil, err
	}
	in.Usage = late
	all, err := Rate(in)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if !in.Accounts.BillsLate(all[i].Account) {
			all[i] = onTime[i]
		}
	}
	return all, nil
}

// BillsLate says whether an account is billed for what comes late.
func (a *Accounts) BillsLate(id string) bool {
	x := a.find(id)
	return x == nil || x.late != lateReport
}

// Correct makes good a month that was billed by wrong accounts or books. in and late are as for Whole, with the right ones;
// issued are the month's invoices so far, all revisions.
//
// It returns, for each account that owes another amount, one further revision with a line for each difference, a credit where it
// is negative, and with the tax that is asked for or given back where its rate was wrong; reason stands on it. It is deducted as invoices of the month with are. What was paid ahead and should not have been is
// paid back. Where a revision before it waits for its release, it waits too.
func Correct(in Input, late Usage, issued []Invoice, reason string, with Month) ([]Invoice, error) {
	right, err := Whole(in, late)
	if err != nil {
		return nil, err
	}
	before, revisions, err := standings(issued)
	if err != nil {
		return nil, err
	}
	waiting := held(issued)
	due := make(map[string]bool, len(right))
	for _, v := range right {
		due[v.Account] = true
	}
	of := byAccount(issued)
	for _, v := range issued { // accounts that should have no invoice at all
		if !due[v.Account] {
			due[v.Account] = true
			v = v.unissued()
			v.Lines, v.Prepaid, v.Balances, v.Status, v.Reason = nil, nil, nil, StatusFinal, ""
			right = append(right, v)
		}
	}
	slices.SortFunc(right, func(a, b Invoice) int { return strings.Compare(a.Account, b.Account) })
	out := []Invoice{}
	for _, v := range right {
		plan, err := in.Catalog.Plan(v.Plan)
		if err != nil {
			return nil, err
		}
		c := correction{right: v, digits: plan.Book.Digits, before: before, reported: !in.Accounts.BillsLate(v.Account)}
		if err := c.compare(of[v.Account]); err != nil {
			return nil, err
		}
		v.Revision = revisions[v.Account] + 1
		v.Lines, v.Total, v.Prepaid, v.Daily = c.lines, c.total.StringFixed(c.digits), c.prepaid, nil
		v.DeductFrom, v.DeductUntil = plan.Book.Rules.deducted(with)
		amended := "amended: " + reason
		if why, ok := waiting[v.Account]; ok {
			v.Status, v.Reason = StatusHeld, why
		}
		if v.Reason != "" {
			amended += "; held: " + v.Reason
		}
		v.Reason = amended
		if err := v.settle(c.digits, of[v.Account]); err != nil {
			return nil, err
		}
		if len(c.lines)+len(c.prepaid) == 0 && !v.taxes() && revisions[v.Account] > 0 {
			continue
		}
		out = append(out, v)
	}
	return out, nil
}

// correction is one account's difference between what is right and what was billed.
type correction struct {
	right    Invoice
	digits   int32
	before   map[lineKey]standing
	reported bool // what came late was listed, and not billed

	lines   []Line
	total   decimal.Decimal
	prepaid []Prepaid
}

// compare adds what is right and was not billed, and the other way round; issued are the account's.
func (c *correction) compare(issued []Invoice) error {
	c.lines, c.prepaid = []Line{}, []Prepaid{}
	seen := map[lineKey]bool{}
	for _, l := range c.right.Lines {
		now, err := l.standing()
		if err != nil {
			return err
		}
		k := lineKey{c.right.Account, l.App, l.Meter, l.Item}
		seen[k] = true
		c.line(l, now, c.before[k])
	}
	for _, v := range issued { // lines that should not be
		for _, l := range v.Lines {
			k := lineKey{v.Account, l.App, l.Meter, l.Item}
			if !seen[k] {
				seen[k] = true
				c.line(l, standing{}, c.before[k])
			}
		}
	}
	return c.paid(issued)
}

// paidFor tells what was paid ahead for.
type paidFor struct{ date, app, item, quantity, from, until string }

func (p *Prepaid) paidFor() paidFor {
	return paidFor{p.Date, p.App, p.Item, p.Quantity, p.From, p.Until}
}

// paid adds what was paid ahead and is not on an invoice, and takes back what is on one and should not be.
func (c *correction) paid(issued []Invoice) error {
	open := map[paidFor]decimal.Decimal{}
	var order []Prepaid
	add := func(p Prepaid, sign int64) error {
		amount, err := decimal.NewFromString(p.Amount)
		if err != nil {
			return fmt.Errorf("prepaid %s of account %s: %w", p.Item, c.right.Account, err)
		}
		k := p.paidFor()
		if _, ok := open[k]; !ok {
			order = append(order, p)
		}
		open[k] = open[k].Add(amount.Mul(decimal.NewFromInt(sign)))
		return nil
	}
	for _, p := range c.right.Prepaid {
		if err := add(p, 1); err != nil {
			return err
		}
	}
	for _, v := range issued {
		for _, p := range v.Prepaid {
			if err := add(p, -1); err != nil {
				return err
			}
		}
	}
	for _, p := range order {
		amount := open[p.paidFor()]
		if amount.IsZero() {
			continue
		}
		if p.Amount = amount.StringFixed(c.digits); amount.IsNegative() {
			p.How = "corrected: " + p.How
		}
		c.prepaid = append(c.prepaid, p)
	}
	return nil
}

// line adds the difference between what is right and what was billed, where there is one.
func (c *correction) line(l Line, now, was standing) {
	amount := now.amount.Sub(was.amount)
	if amount.IsZero() && (c.reported || now.quantity.Equal(was.quantity)) {
		return
	}
	c.total = c.total.Add(amount)
	l.How = fmt.Sprintf("%s for %s is right, %s for %s was billed", now.amount.StringFixed(c.digits), now.quantity, was.amount.StringFixed(c.digits), was.quantity)
	l.Quantity, l.Free, l.Billable = now.quantity.Sub(was.quantity).String(), "0", now.billable.Sub(was.billable).String()
	l.Amount = amount.StringFixed(c.digits)
	l.Was, l.Now = was.printed(c.digits), now.printed(c.digits)
	c.lines = append(c.lines, l)
}
