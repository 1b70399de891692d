package events

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
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
		want := len(b) >= 1 && len(b) <= MaxAppBytes && utf8.Valid(b)
		for _, c := range string(b) {
			want = want && c >= 0x20 && (c < 0x7f || c > 0x9f)
		}
		if got := named(b, MaxAppBytes); got != want {
			t.Fatalf("named(%q) = %v", b, got)
		}
	}
}

// TestKindTable looks up types of all lengths, and the same with a byte changed.
func TestKindTable(t *testing.T) {
	rules := &MonthRules{Kinds: []string{"open", "search"}, Types: map[string]string{}}
	for n := 1; n <= 64; n++ {
		rules.Types[strings.Repeat("x", n)] = "open"
		rules.Types[fmt.Sprintf("%0*d", n, 7)] = "search"
	}
	table, err := newKindTable(rules)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range rules.Types {
		for i := range name {
			for _, c := range []byte{name[i], 'y'} {
				b := []byte(name)
				b[i] = c
				kind, ok := table.find(b)
				if ok != (c == name[i]) || ok && rules.Kinds[kind] != want {
					t.Fatalf("find(%q) = %d, %v", b, kind, ok)
				}
			}
		}
	}
	if table, err = newKindTable(&MonthRules{}); err != nil {
		t.Fatal(err)
	}
	if kind, ok := table.find([]byte("miniprogram.open")); ok {
		t.Errorf("without types there is %d", kind)
	}
}
