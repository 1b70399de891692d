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

// Settled returns what is left of packages after the lines of what came late. A package is drawn on for what its meter is billed: where
// nothing more is billed of the meter, it stands as before, though the day on which a device came first is another one now.
func (v *Invoice) Settled(lines []Line, before map[string]Standing) []Left {
	out := make([]Left, len(v.Left))
	for i, h := range v.Left {
		billed := false
		for _, l := range lines {
			mine := h.app == "" || l.App == "" || h.app == l.App
			billed = billed || l.Meter == h.meter && mine
		}
		if was, ok := before[h.Package]; ok && !billed {
			h.Drawn, h.Remaining = was.Drawn, was.Remaining
		}
		out[i] = h
	}
	return out
}

// Standing is how a package stood: what was drawn in the month, and what was left after it.
type Standing struct{ Drawn, Remaining *big.Rat }

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
