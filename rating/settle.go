package rating

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// lineKey tells a line's subject within a month.
type lineKey struct{ account, app, meter, item string }

// standing is what was billed of a subject so far, over all revisions.
type standing struct{ quantity, billable, amount decimal.Decimal }

// Settle prices what came late of a month. in is the month's input as it was rated, with usage that holds what came late too;
// issued are the month's invoices so far, all revisions; settled is the month with whose close the late is settled.
//
// It returns, for each account of which a meter changed, one further revision with a line for each difference. A revision is
// owed besides those before it, and deducted in the month after settled. Where the account says late: report, its lines are of
// 0.00 and draw on no package. The balances in a revision replace those before. Where a revision before it waits for its release, it waits too.
func Settle(in Input, issued []Invoice, settled string) ([]Invoice, error) {
	closing, err := ParseMonth(settled)
	if err != nil {
		return nil, err
	}
	rated, err := Rate(in)
	if err != nil {
		return nil, err
	}
	waiting := held(issued)
	before, revisions, err := standings(issued)
	if err != nil {
		return nil, err
	}
	out := []Invoice{}
	for _, v := range rated {
		x := in.Accounts.find(v.Account)
		plan, err := in.Catalog.Plan(v.Plan)
		if err != nil {
			return nil, err
		}
		digits, rules := plan.Book.Digits, &plan.Book.Rules
		total := decimal.Zero
		lines := []Line{}
		for _, l := range v.Lines {
			if l.Meter == "" {
				continue // fees and items do not come late
			}
			was := before[lineKey{v.Account, l.App, l.Meter, l.Item}]
			now, err := l.standing()
			if err != nil {
				return nil, err
			}
			if now.quantity.Equal(was.quantity) {
				continue
			}
			amount := now.amount.Sub(was.amount)
			how := fmt.Sprintf("%s with what came late, %s before: %s − %s", now.quantity, was.quantity, l.Amount, was.amount.StringFixed(digits))
			if x.late == lateReport {
				amount = decimal.Zero
				how = fmt.Sprintf("%s with what came late, %s before: reported, not billed", now.quantity, was.quantity)
			}
			total = total.Add(amount)
			lines = append(lines, Line{
				App: l.App, Meter: l.Meter, Quantity: now.quantity.Sub(was.quantity).String(), Free: "0",
				Billable: now.billable.Sub(was.billable).String(), UnitPrice: l.UnitPrice, Amount: amount.StringFixed(digits), How: how,
				Source: l.Source,
			})
		}
		if len(lines) == 0 {
			continue
		}
		v.Revision = revisions[v.Account] + 1
		if reason, ok := waiting[v.Account]; ok {
			v.Status, v.Reason = StatusHeld, reason
		}
		v.Lines, v.Total, v.Prepaid, v.Daily = lines, total.StringFixed(digits), []Prepaid{}, nil
		if x.late == lateReport {
			v.Balances = nil // what is not billed draws on nothing: what was left stands
		}
		v.DeductFrom, v.DeductUntil = rules.deducted(closing)
		out = append(out, v)
	}
	return out, nil
}

func (l *Line) standing() (s standing, err error) {
	for _, f := range []struct {
		to   *decimal.Decimal
		text string
	}{{&s.quantity, l.Quantity}, {&s.billable, l.Billable}, {&s.amount, l.Amount}} {
		if *f.to, err = decimal.NewFromString(f.text); err != nil {
			return s, fmt.Errorf("line of app %q, %s%s: %w", l.App, l.Meter, l.Item, err)
		}
	}
	return s, nil
}

// held says why accounts wait for a release, by account.
func held(issued []Invoice) map[string]string {
	waiting := make(map[string]string)
	for _, v := range issued {
		if v.Status == StatusHeld {
			waiting[v.Account] = v.Reason
		}
	}
	return waiting
}

func standings(issued []Invoice) (map[lineKey]standing, map[string]int, error) {
	before := make(map[lineKey]standing)
	revisions := make(map[string]int)
	for _, v := range issued {
		revisions[v.Account] = max(revisions[v.Account], v.Revision)
		for _, l := range v.Lines {
			s, err := l.standing()
			if err != nil {
				return nil, nil, fmt.Errorf("invoice of %s for %s, revision %d: %w", v.Account, v.Month, v.Revision, err)
			}
			k := lineKey{v.Account, l.App, l.Meter, l.Item}
			b := before[k]
			before[k] = standing{b.quantity.Add(s.quantity), b.billable.Add(s.billable), b.amount.Add(s.amount)}
		}
	}
	return before, revisions, nil
}
