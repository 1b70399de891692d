package rating

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"headcount/internal/strict"
)

const (
	maxWholeDigits    = 18
	maxFractionDigits = 18
)

// quantity reads a whole number, not negative, from text.
func readQuantity(v strict.Value) decimal.Decimal {
	s := v.Text()
	if v.Missing() {
		return decimal.Zero
	}
	if !digits(s) || len(s) > maxWholeDigits {
		v.Fail("quantity %q: want a whole number of up to %d digits, not negative%s", s, maxWholeDigits, suchAs(s, digits))
		return decimal.Zero
	}
	return decimal.RequireFromString(s)
}

// price reads a decimal, not negative, from text.
func readPrice(v strict.Value) decimal.Decimal {
	s := v.Text()
	if v.Missing() {
		return decimal.Zero
	}
	d, ok := parseDecimal(s)
	if !ok {
		isDecimal := func(s string) bool { _, ok := parseDecimal(s); return ok }
		v.Fail(`amount %q: want a decimal such as "0.015", not negative, without exponent or spaces%s`, s, suchAs(s, isDecimal))
	}
	return d
}

// readMoney reads an amount of the book's currency: what is paid as it stands.
func readMoney(v strict.Value, b *Book) decimal.Decimal {
	d := readPrice(v)
	if !b.holds(d) {
		v.Fail("%s", b.unpayable(d))
	}
	return d
}

// holds says whether the book's currency can pay an amount to the last digit.
func (b *Book) holds(d decimal.Decimal) bool { return d.Equal(d.Round(b.Digits)) }

func (b *Book) unpayable(d decimal.Decimal) string {
	return fmt.Sprintf("%s: %s has %d decimals: no bill can hold it", d, b.Currency, b.Digits)
}

// suchAs says how a number that is grouped for the eye is written.
func suchAs(s string, right func(string) bool) string {
	if bare := strings.NewReplacer("_", "", ",", "", " ", "", "'", "").Replace(s); right(bare) {
		return fmt.Sprintf("; write %q", bare)
	}
	return ""
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
func (f fraction) round(digits int32) decimal.Decimal {
	if f.den.Equal(one) {
		return f.num.Round(digits)
	}
	return f.num.DivRound(f.den, digits)
}

// sum adds, and spares the addition to nothing.
func sum(a, b decimal.Decimal) decimal.Decimal {
	switch {
	case a.IsZero():
		return b
	case b.IsZero():
		return a
	}
	return a.Add(b)
}

// text is the decimal's own String, many times as fast for what fits an int64: most of a line is numbers.
func text(d decimal.Decimal) string {
	places := -d.Exponent()
	if places < 0 || places > maxFractionDigits || d.NumDigits() > maxWholeDigits {
		return d.String()
	}
	c := d.CoefficientInt64()
	for ; places > 0 && c%10 == 0; places-- {
		c /= 10
	}
	return plain(c, places)
}

// fixed is the decimal's own StringFixed, fast where there is nothing to round.
func fixed(d decimal.Decimal, digits int32) string {
	places := -d.Exponent()
	if places < 0 || places > digits || d.NumDigits()+int(digits-places) > maxWholeDigits {
		return d.StringFixed(digits)
	}
	c := d.CoefficientInt64()
	for ; places < digits; places++ {
		c *= 10
	}
	return plain(c, digits)
}

// plain writes c / 10^places.
func plain(c int64, places int32) string {
	if places == 0 {
		return strconv.FormatInt(c, 10)
	}
	var number, out [2*maxWholeDigits + 3]byte
	s := out[:0]
	if c < 0 {
		s, c = append(s, '-'), -c
	}
	n := strconv.AppendInt(number[:0], c, 10)
	point := len(n) - int(places)
	if point <= 0 {
		s = append(s, '0', '.')
		for ; point < 0; point++ {
			s = append(s, '0')
		}
		return string(append(s, n...))
	}
	s = append(append(s, n[:point]...), '.')
	return string(append(s, n[point:]...))
}
