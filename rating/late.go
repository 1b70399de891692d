package rating

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

// lineKey tells a line's subject within a month.
type lineKey struct{ account, app, meter, item string }

// standing is what was billed of a subject so far, over all revisions.
type standing struct {
	quantity, billable, amount decimal.Decimal

	free, unit string // of the newest line; empty: there is none
}

// printed is a standing as a line shows it.
func (s standing) printed(digits int32) *Standing {
	zero := func(text string) string {
		if text == "" {
			return "0"
		}
		return text
	}
	return &Standing{s.quantity.String(), zero(s.free), s.billable.String(), zero(s.unit), s.amount.StringFixed(digits)}
}

// RateLate prices what came late of a month. in is the month's input as it was rated, with usage that holds what came late too;
// issued are the month's invoices so far, all revisions; with is the month that the late is billed with.
//
// It returns, for each account of which a meter changed, one further revision with a line for each difference. A revision is
// owed besides those before it, and deducted as that month's invoices are. Where the account says late: report, its lines are of
// 0.00 and draw on no package. The balances in a revision replace those before; those of packages for a meter without a line are as they
// were, so that what is drawn and what is billed move together or not at all. Where a revision before it waits for its release, it waits
// too.
func RateLate(in Input, issued []Invoice, with Month) ([]Invoice, error) {
	b, err := open(in)
	if err != nil {
		return nil, err
	}
	rated, err := b.rate()
	if err != nil {
		return nil, err
	}
	waiting := held(issued)
	before, revisions, err := standings(issued)
	if err != nil {
		return nil, err
	}
	of := byAccount(issued)
	out := []Invoice{}
	for _, v := range rated {
		plan, err := in.Catalog.Plan(v.Plan)
		if err != nil {
			return nil, err
		}
		l := lateness{digits: plan.Book.Digits, before: before, reported: !in.Accounts.BillsLate(v.Account)}
		if err := l.compare(v); err != nil {
			return nil, err
		}
		if len(l.lines) == 0 {
			continue
		}
		v.Revision = revisions[v.Account] + 1
		if reason, ok := waiting[v.Account]; ok {
			v.Status, v.Reason = StatusHeld, reason
		}
		v.Lines, v.Total, v.Prepaid, v.Daily = l.lines, l.total.StringFixed(l.digits), []Prepaid{}, nil
		if l.reported {
			v.Balances = nil // what is not billed draws on nothing: what was left stands
		}
		b.keepUnsettled(&v, of[v.Account])
		v.DeductFrom, v.DeductUntil = plan.Book.Rules.deducted(with)
		if err := v.settle(l.digits, of[v.Account]); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// lateness is what one account's meters came to with what came late, less what was billed of them.
type lateness struct {
	digits   int32
	before   map[lineKey]standing
	reported bool // it is listed, and not billed

	lines []Line
	total decimal.Decimal
}

// compare adds a line for each meter that changed. Fees and items do not come late.
func (l *lateness) compare(rated Invoice) error {
	for _, line := range rated.Lines {
		if line.Meter == "" {
			continue
		}
		now, err := line.standing()
		if err != nil {
			return err
		}
		if was := l.before[lineKey{rated.Account, line.App, line.Meter, line.Item}]; !now.quantity.Equal(was.quantity) {
			l.add(line, now, was)
		}
	}
	return nil
}

// keepUnsettled puts back the balances of packages for meters that the revision has no line of. What came late may change them all the
// same: a device's first day may be one on which its package was not yet in force.
func (b *prepared) keepUnsettled(v *Invoice, issued []Invoice) {
	if len(v.Balances) == 0 {
		return
	}
	before := make(map[string]Balance)
	for _, i := range issued { // a later revision's are newer
		for _, balance := range i.Balances {
			before[balance.Package] = balance
		}
	}
	x := b.Accounts.find(v.Account)
	for i, h := range b.rater(x, b.views[x]).holdings() { // as they stand in the invoice
		settled := slices.ContainsFunc(v.Lines, func(l Line) bool {
			return l.Meter == h.meter.Name && (h.app == "" || l.App == "" || l.App == h.app)
		})
		if was, ok := before[h.id]; ok && !settled {
			v.Balances[i] = was
		}
	}
}

func (l *lateness) add(line Line, now, was standing) {
	amount := now.amount.Sub(was.amount)
	how := fmt.Sprintf("%s with what came late, %s before: %s − %s", now.quantity, was.quantity, line.Amount, was.amount.StringFixed(l.digits))
	if l.reported {
		amount = decimal.Zero
		how = fmt.Sprintf("%s with what came late, %s before: reported, not billed", now.quantity, was.quantity)
	}
	l.total = l.total.Add(amount)
	l.lines = append(l.lines, Line{
		App: line.App, Meter: line.Meter, Quantity: now.quantity.Sub(was.quantity).String(), Free: "0",
		Billable: now.billable.Sub(was.billable).String(), UnitPrice: line.UnitPrice, Amount: amount.StringFixed(l.digits), How: how,
		Source: line.Source, Was: was.printed(l.digits), Now: now.printed(l.digits),
	})
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
	if s.free, s.unit = l.Free, l.UnitPrice; l.Now != nil {
		s.free, s.unit = l.Now.Free, l.Now.UnitPrice
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
			before[k] = standing{b.quantity.Add(s.quantity), b.billable.Add(s.billable), b.amount.Add(s.amount), s.free, s.unit}
		}
	}
	return before, revisions, nil
}

// byAccount keeps the order of each account's invoices.
func byAccount(issued []Invoice) map[string][]Invoice {
	of := make(map[string][]Invoice)
	for _, v := range issued {
		of[v.Account] = append(of[v.Account], v)
	}
	return of
}
