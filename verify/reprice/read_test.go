package reprice_test

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"headcount/verify/reprice"
)

// Files that were changed since they were checked are an error, not the end of the program.
func TestBrokenFiles(t *testing.T) {
	docs := books(t)
	for _, c := range [][2]string{
		{"plan: further/base", "plan: further/none"}, {"2026-01-01", "01.01.2026"}, {"block: \"7\"", "block: \"0\""}, {"1 month", "soon"}, {"apps: [a]", "apps: a: b"},
		{"tiers: [{up_to", "tears: [{up_to"}, {"{id: acme, apps: [a], plan: further/base, from: 2026-01-01, renew: auto}", "null"},
	} {
		accounts := strings.ReplaceAll("accounts:\n  - {id: acme, apps: [a], plan: further/base, from: 2026-01-01, renew: auto}\n", c[0], c[1])
		changed := map[string][]byte{}
		for name, text := range docs {
			changed[name] = []byte(strings.ReplaceAll(string(text), c[0], c[1]))
		}
		s, err := reprice.Read(changed, []byte(accounts), time.UTC)
		if err == nil {
			var m *reprice.Period
			if m, err = s.Period(2026, 3); err == nil {
				_, err = m.Rate(func(string, string) reprice.Quantity { return reprice.Quantity{Value: big.NewRat(12345, 1)} }, nil)
			}
		}
		if err == nil {
			t.Errorf("%s for %s: no error", c[1], c[0])
		}
	}
}
