package events

import (
	"fmt"
	"strings"
	"testing"
)

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
				kind, ok := table.Find(b)
				if ok != (c == name[i]) || ok && rules.Kinds[kind] != want {
					t.Fatalf("find(%q) = %d, %v", b, kind, ok)
				}
			}
		}
	}
	if table, err = newKindTable(&MonthRules{}); err != nil {
		t.Fatal(err)
	}
	if kind, ok := table.Find([]byte("miniprogram.open")); ok {
		t.Errorf("without types there is %d", kind)
	}
}
