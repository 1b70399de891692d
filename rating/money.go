package rating

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// Sum adds two amounts as invoices print them, Less takes one off the other. The result prints with the longer of their decimals:
// nothing is rounded.
func Sum(a, b string) (string, error)  { return amounts(a, b, decimal.Decimal.Add) }
func Less(a, b string) (string, error) { return amounts(a, b, decimal.Decimal.Sub) }

func amounts(a, b string, do func(a, b decimal.Decimal) decimal.Decimal) (string, error) {
	x, err := decimal.NewFromString(a)
	if err != nil {
		return "", fmt.Errorf("amount %q: %w", a, err)
	}
	y, err := decimal.NewFromString(b)
	if err != nil {
		return "", fmt.Errorf("amount %q: %w", b, err)
	}
	return do(x, y).StringFixed(max(-x.Exponent(), -y.Exponent(), 0)), nil
}
