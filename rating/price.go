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

// with returns the charge of a book under an account's overrides.
func (c *Charge) with(b *Book, overrides []override) *Charge {
	out := c
	for _, o := range overrides {
		if o.meter != c.Meter.Name || o.field == feeField {
			continue
		}
		if out == c {
			changed := *c
			changed.source = &Source{Book: b.Name, Version: b.Date}
			out = &changed
		}
		switch o.field {
		case "free":
			out.Free = o.value
		case "unit_price":
			out.UnitPrice = o.value
		case "block":
			out.Block = o.value
		case "commitment":
			out.Commitment = o.value
		}
		out.source.Overrides = append(out.source.Overrides, o.meter+"."+o.field)
	}
	return out
}

// price makes money of what is over the quota.
func (c *Charge) price(over decimal.Decimal, partialBlock string) priced {
	p := priced{billable: over, unit: c.UnitPrice}
	switch c.Model {
	case modelBlocks:
		p.exact = exactly(c.blocks(over, partialBlock).Mul(c.UnitPrice))
	case modelGraduated:
		p.graduated(c.Tiers)
	case modelFlat:
		if over.IsPositive() {
			p.exact = exactly(c.UnitPrice)
		} else {
			p.exact = exactly(decimal.Zero)
		}
	default:
		p.exact = exactly(over.Mul(c.UnitPrice))
	}
	return p
}

// blocks returns how many blocks are charged.
func (c *Charge) blocks(over decimal.Decimal, partialBlock string) decimal.Decimal {
	n, rest := over.QuoRem(c.Block, 0)
	if rest.IsPositive() && partialBlock != free {
		n = n.Add(one)
	}
	return n
}

// how writes the sum that price did, for people. terms stands in it for the usage that is charged: "250000 − 200000" where something
// was taken off, else one number.
func (c *Charge) how(p *priced, terms string, partialBlock string) string {
	if strings.Contains(terms, minus) {
		terms = "(" + terms + ")"
	}
	switch c.Model {
	case modelBlocks:
		left, right := "⌈", "⌉"
		if partialBlock == free {
			left, right = "⌊", "⌋"
		}
		return left + terms + " / " + text(c.Block) + right + " = " + blocks(c.blocks(p.billable, partialBlock)) + times + text(c.UnitPrice)
	case modelGraduated:
		return p.how
	case modelFlat:
		return terms + " above the quota: flat " + text(c.UnitPrice)
	}
	return terms + times + text(c.UnitPrice)
}

func blocks(n decimal.Decimal) string {
	if n.Equal(one) {
		return "1 block"
	}
	return text(n) + " blocks"
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
			parts = append(parts, text(n)+times+text(t.UnitPrice))
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
		p.how += ", at least " + text(c)
	}
}
