package rating

import "github.com/shopspring/decimal"

// endLine ends a line and adds it to the invoice. This is where money is rounded: a line is exact until here, and is rounded here,
// once; the total is the sum of what was rounded. (What was paid ahead, or back, stands in no line: prepaid.go, refund.go.)
func (r *rater) endLine(l Line, exact fraction) {
	amount := exact.round(r.book.Digits)
	l.Amount = r.money(amount)
	r.total = sum(r.total, amount)
	r.lines = append(r.lines, l)
}

// money writes an amount with the currency's decimals.
func (r *rater) money(d decimal.Decimal) string { return fixed(d, r.book.Digits) }
