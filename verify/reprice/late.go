package reprice

import "math/big"

// Billed is what was billed of a meter of an app so far, over all revisions.
type Billed struct{ Quantity, Billable, Amount *big.Rat }

// Plus adds a line.
func (b Billed) Plus(quantity, billable, amount *big.Rat) Billed {
	if b.Quantity == nil {
		return Billed{quantity, billable, amount}
	}
	return Billed{plus(b.Quantity, quantity), plus(b.Billable, billable), plus(b.Amount, amount)}
}

// Subject is what a meter's lines are about; app is empty where the account's apps are summed.
type Subject struct{ App, Meter string }

// Differences returns the lines of the revision that settles what came late: rated is the month with what came late, billed what
// its invoices of the account came to so far.
func (v *Invoice) Differences(billed map[Subject]Billed) (lines []Line) {
	for _, l := range v.Lines {
		if l.Meter == "" {
			continue
		}
		was, ok := billed[Subject{l.App, l.Meter}]
		if !ok {
			was = Billed{new(big.Rat), new(big.Rat), new(big.Rat)}
		}
		if l.Quantity.Cmp(was.Quantity) == 0 {
			continue
		}
		d := Line{
			App: l.App, Meter: l.Meter, Quantity: less(l.Quantity, was.Quantity), Free: new(big.Rat), Billable: less(l.Billable, was.Billable),
			UnitPrice: l.UnitPrice, Amount: less(l.Amount, was.Amount),
		}
		if !v.Late {
			d.Amount = new(big.Rat)
		}
		lines = append(lines, d)
	}
	return lines
}
