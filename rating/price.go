package rating

import (
	"strings"

	"github.com/shopspring/decimal"
)

// priced is a charge on its way to a line.
type priced struct {
	billable decimal.Decimal
	unit     decimal.Decimal
	exact    fraction
	how      string
}

const (
	minus = " − "
	times = " × "
)

// with returns the charge under an account's overrides.
func (c *Charge) with(overrides []override) *Charge {
	out := *c
	for _, o := range overrides {
		if o.meter != c.Meter.Name {
			continue
		}
		switch o.field {
		case "free":
			out.Free = o.value
		case "unit_price":
			out.UnitPrice = o.value
		case "block":
			out.Block = o.value
		}
	}
	return &out
}

// price makes money of what is over the quota. terms says how over came about, such as "250000 − 200000"; it is one number
// where nothing was taken off.
func (c *Charge) price(over decimal.Decimal, terms string, partialBlock string) priced {
	p := priced{billable: over, unit: c.UnitPrice}
	if strings.Contains(terms, minus) {
		terms = "(" + terms + ")"
	}
	switch c.Model {
	case modelBlocks:
		n, rest := over.QuoRem(c.Block, 0)
		partial := rest.IsPositive()
		left, right := "⌈", "⌉"
		if partialBlock == free {
			left, right, partial = "⌊", "⌋", false
		}
		if partial {
			n = n.Add(one)
		}
		p.exact = exactly(n.Mul(c.UnitPrice))
		p.how = left + terms + " / " + c.Block.String() + right + " = " + blocks(n) + times + c.UnitPrice.String()
	case modelGraduated:
		p.graduated(c.Tiers)
	case modelFlat:
		if over.IsPositive() {
			p.exact = exactly(c.UnitPrice)
		} else {
			p.exact = exactly(decimal.Zero)
		}
		p.how = terms + " above the quota: flat " + c.UnitPrice.String()
	default:
		p.exact = exactly(over.Mul(c.UnitPrice))
		p.how = terms + times + c.UnitPrice.String()
	}
	return p
}

func blocks(n decimal.Decimal) string {
	if n.Equal(one) {
		return "1 block"
	}
	return n.String() + " blocks"
}

func (p *priced) graduated(tiers []Tier) {
	sum, below := decimal.Zero, decimal.Zero
	var parts []string
	p.unit = tiers[0].UnitPrice
	for _, t := range tiers {
		top := p.billable
		if t.UpTo.IsPositive() && t.UpTo.LessThan(top) {
			top = t.UpTo
		}
		if n := top.Sub(below); n.IsPositive() {
			sum = sum.Add(n.Mul(t.UnitPrice))
			parts = append(parts, n.String()+times+t.UnitPrice.String())
			p.unit = t.UnitPrice
		}
		below = decimal.Max(below, top)
	}
	p.exact = exactly(sum)
	p.how = strings.Join(parts, " + ")
}

// atLeast lifts the amount to a commitment.
func (p *priced) atLeast(c decimal.Decimal) {
	if c.IsPositive() && p.exact.minus(exactly(c)).num.IsNegative() {
		p.exact = exactly(c)
		p.how += ", at least " + c.String()
	}
}
