package rating

import (
	"strings"

	"github.com/shopspring/decimal"
)

const (
	maxWholeDigits    = 18
	maxFractionDigits = 18
)

// quantity reads a whole number, not negative, from text.
func (v value) quantity() decimal.Decimal {
	s := v.text()
	if v.missing() {
		return decimal.Zero
	}
	if !digits(s) || len(s) > maxWholeDigits {
		v.doc.fail(v.at, "quantity %q: want a whole number of up to %d digits, not negative", s, maxWholeDigits)
		return decimal.Zero
	}
	return decimal.RequireFromString(s)
}

// price reads a decimal, not negative, from text.
func (v value) price() decimal.Decimal {
	s := v.text()
	if v.missing() {
		return decimal.Zero
	}
	d, ok := parseDecimal(s)
	if !ok {
		v.doc.fail(v.at, `amount %q: want a decimal such as "0.015", not negative, without exponent or spaces`, s)
	}
	return d
}

func parseDecimal(s string) (decimal.Decimal, bool) {
	whole, fraction, dot := strings.Cut(s, ".")
	if !digits(whole) || len(whole) > maxWholeDigits || dot && !digits(fraction) || len(fraction) > maxFractionDigits {
		return decimal.Zero, false
	}
	return decimal.RequireFromString(s), true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// fraction is an exact amount: a decimal over a whole number. It is what a line carries until its one rounding.
type fraction struct {
	num, den decimal.Decimal // den > 0
}

func exactly(d decimal.Decimal) fraction { return fraction{d, one} }

var one = decimal.NewFromInt(1)

// share returns n/of of the amount.
func (f fraction) share(n, of int) fraction {
	return fraction{f.num.Mul(decimal.NewFromInt(int64(n))), f.den.Mul(decimal.NewFromInt(int64(of)))}
}

func (f fraction) plus(g fraction) fraction {
	return fraction{f.num.Mul(g.den).Add(g.num.Mul(f.den)), f.den.Mul(g.den)}
}

func (f fraction) minus(g fraction) fraction { return f.plus(fraction{g.num.Neg(), g.den}) }

// round is the one rounding of a line: half away from zero, to the minor unit.
func (f fraction) round(digits int32) decimal.Decimal { return f.num.DivRound(f.den, digits) }
