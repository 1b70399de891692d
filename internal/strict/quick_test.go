package strict

import (
	"fmt"
	"strings"
	"testing"
)

// show writes all that a node says of itself.
func (x *node) show(b *strings.Builder, depth int) {
	if x == nil {
		b.WriteString("nil\n")
		return
	}
	line, column := x.line, x.column
	if x.kind == nullNode {
		line, column = 0, 0 // of the next token, whatever that is: Object places it by its field
	}
	fmt.Fprintf(b, "%s%d scalar=%t plain=%t braces=%t colon=%d:%d flag=%t large=%t %d:%d %q %q %d\n", strings.Repeat(" ", depth), x.kind, x.scalar, x.plain, x.braces, x.colonLine, x.colon, x.flag, x.large, line, column, x.written, x.text, x.number)
	for _, i := range x.items {
		i.show(b, depth+1)
	}
}

func (x *node) String() string {
	var b strings.Builder
	x.show(&b, 0)
	return b.String()
}

// What the quick reader takes is what the parser takes, to the last place.
func FuzzQuick(f *testing.F) {
	for _, s := range quickTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if otherCoding("f", []byte(s)) != nil || tooDeep("f", []byte(s)) != nil {
			t.Skip()
		}
		got := readQuick(s, 1)
		if got == nil {
			t.Skip()
		}
		d := &Document{file: "f"}
		tree, err := parse([]byte(s))
		if err != nil {
			t.Fatalf("%q: read as\n%v\nbut the parser says %v", s, got, err)
		}
		for _, doc := range tree.Docs {
			if doc.Body != nil {
				if d.root != nil {
					t.Fatalf("%q: two documents", s)
				}
				d.root = nodeOf(doc.Body)
			}
		}
		if want := d.root.String(); got.String() != want {
			t.Fatalf("%q: read as\n%v\nbut the parser has\n%v", s, got, want)
		}
	})
}

// What people write is read by the quick reader and not left to the parser.
func TestQuick(t *testing.T) {
	for _, s := range quickTexts {
		if readQuick(s, 1) == nil {
			t.Errorf("%q: left to the parser", s)
		}
	}
}

var quickTexts = []string{
	"- {id: acme, apps: [app-001, app-002], plan: tcmpp/pro, from: 2026-01-01, overrides: {mau.unit_price: \"0.012\"}, late: report}\n",
	"  - id: acme # the first\n    apps: [a, b,\n      c]\n    plan: tcmpp/pro\n    from: 2026-03-01T08:00:00Z\n    until: 2027-01-01T00:00:00+02:00\n",
	"# of March\n- id: Zoë\n  apps:\n    - 应用\n    - b\n  packages:\n  - {item: mini-program, mau: 50000, price: \"55440\", bought: 2026-03-01, term: 1 year}\n  - item: push\n    quantity: '50000'\n",
	"a: b\nc:\n  d: e\n\n  f: 12 months\n# end\n",
	"accounts:\n- id: 6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a\n  apps: [x]\n",
	"a:\n  b: [{c: d}, {e: [f, g]}]\n  k: \"x y: z\"\n",
	"- a\n- b\n",
	"- [a:b, c]\n- inf\n- nanosecond\n- {a: 2026-03-01T08:00:00Z}\n",
}
