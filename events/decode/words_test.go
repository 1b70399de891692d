package decode

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"headcount/internal/appid"
)

// TestNamed holds names against their definition, a rune at a time.
func TestNamed(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for range 200_000 {
		b := []byte(strings.Repeat("app-é", 14))[:r.IntN(67)]
		for range r.IntN(3) {
			if len(b) > 0 {
				b[r.IntN(len(b))] = []byte{0x1f, 0x20, 0x7e, 0x7f, 0x80, 0xc2, 0xff, byte(r.Uint32())}[r.IntN(8)]
			}
		}
		want := len(b) >= 1 && len(b) <= appid.MaxBytes && utf8.Valid(b)
		for _, c := range string(b) {
			want = want && c >= 0x20 && (c < 0x7f || c > 0x9f)
		}
		if got := named(b, appid.MaxBytes); got != want {
			t.Fatalf("named(%q) = %v", b, got)
		}
	}
}
