package reprice

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// Long accounts are read element by element, in either form as the parser reads the whole.
func TestLongAccounts(t *testing.T) {
	var lines, blocks strings.Builder
	lines.WriteString("# all\naccounts:\n")
	blocks.WriteString("\naccounts: \n")
	for i := range 700 {
		fmt.Fprintf(&lines, `- {"id": "c\"%d", "apps": ["a-%d", "é"], "plan": "p/q", "from": "2026-01-01", "overrides": {"mau.free": "5"}, "legal": {"tax_id": "x"}, "tags": ["n"], `+
			`"packages": [{"item": "i", "mau": 50, "price": "1"}], "orders": [{"at": "2026-01-01", "cash": "3"}], "tax": {"rate": "0.19"}}`+"\n", i, i)
		fmt.Fprintf(&blocks, "  # number\n  - id: c%d\n    apps:\n      - a-%d\n      - b\n    plan: p/q\n    from: 2026-01-01\n    changes: [{at: 2026-02-01, plan: p/r}]\n\n", i, i)
	}
	for _, text := range []string{lines.String(), blocks.String(), strings.ReplaceAll(blocks.String(), "\n", "\r\n"), lines.String() + "other: 1\n"} {
		var want struct{ Accounts []*account }
		if err := yaml.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		got, err := readAccounts([]byte(text))
		if err != nil || len(text) <= atOnce || len(got) != 700 || !reflect.DeepEqual(got, want.Accounts) {
			t.Errorf("%.100q …: %d accounts, %v; want %d", text, len(got), err, len(want.Accounts))
		}
	}
	if _, err := readAccounts([]byte(lines.String() + "- {id: [\n")); err == nil {
		t.Error("what is broken is read")
	}
}
