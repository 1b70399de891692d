package reprice

import (
	"math/big"
	"strings"
)

// number reads a decimal; empty is 0.
func number(s string) *big.Rat {
	if r, ok := new(big.Rat).SetString(s); ok && !strings.ContainsAny(s, "/eE") {
		return r
	}
	return new(big.Rat)
}

func whole(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

func plus(a, b *big.Rat) *big.Rat  { return new(big.Rat).Add(a, b) }
func less(a, b *big.Rat) *big.Rat  { return new(big.Rat).Sub(a, b) }
func times(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }

// share returns n/of of an amount.
func share(a *big.Rat, n, of int) *big.Rat { return times(a, big.NewRat(int64(n), int64(of))) }

func least(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

// above returns what a has over b, 0 where it has not.
func above(a, b *big.Rat) *big.Rat {
	if d := less(a, b); d.Sign() > 0 {
		return d
	}
	return new(big.Rat)
}

// Round rounds to so many decimals, half away from zero.
func Round(r *big.Rat, decimals int) *big.Rat {
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil))
	x := times(r, scale)
	x.Add(x, times(big.NewRat(1, 2), whole(int64(x.Sign()))))
	return new(big.Rat).Quo(new(big.Rat).SetInt(new(big.Int).Quo(x.Num(), x.Denom())), scale)
}

// Text writes a number as a decimal, as short as it goes.
func Text(r *big.Rat) string {
	for decimals := range 40 {
		if Round(r, decimals).Cmp(r) == 0 {
			return r.FloatString(decimals)
		}
	}
	return r.String()
}
