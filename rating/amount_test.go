package rating

import (
	"math/rand/v2"
	"testing"

	"github.com/shopspring/decimal"
)

// The fast ways to write a decimal say what its own say.
func TestText(t *testing.T) {
	check := func(d decimal.Decimal) {
		t.Helper()
		if got := text(d); got != d.String() {
			t.Fatalf("text of %s: %s", d, got)
		}
		for digits := range int32(7) {
			if got := fixed(d, digits); got != d.StringFixed(digits) {
				t.Fatalf("%s with %d digits: %s", d, digits, got)
			}
		}
	}
	for _, s := range []string{"0", "-0.00", "1", "0.015", "0.10", "-0.05", "1e3", "999999999999999999", "1000000000000000000", "-9223372036854775808",
		"9223372036854775807", "9223372036854775808", "0.000000000000000001", "123456789012345678.123456789012345678", "1e-19", "1e30", "-1e30"} {
		check(decimal.RequireFromString(s))
	}
	check(decimal.Decimal{})
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		check(decimal.New(int64(rnd.Uint64())>>rnd.IntN(64), int32(rnd.IntN(26)-20)))
	}
}

// Rounding by way of Round is that of DivRound: half away from zero.
func TestRound(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 3))
	for range 100_000 {
		d := decimal.New(int64(rnd.Uint64())>>rnd.IntN(64), int32(rnd.IntN(12)-10))
		digits := int32(rnd.IntN(7))
		if got, want := exactly(d).round(digits), d.DivRound(one, digits); !got.Equal(want) {
			t.Fatalf("%s to %d digits: %s, want %s", d, digits, got, want)
		}
	}
}
