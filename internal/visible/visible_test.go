package visible

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "app-001": "app-001", "应用 1": "应用 1", "é · × − – “a”": "é · × − – “a”", "👍": "👍", `a\b`: `a\b`, "\uFFFD": "\uFFFD",
		"app\u200b1": `app\u200b1`, "\u202eapp": `\u202eapp`, "a\u2066b\u2069": `a\u2066b\u2069`, "a\u00adb": `a\u00adb`, "\ufeffa": `\ufeffa`, "a\u00a0b": `a\u00a0b`,
		"a\u3000b": `a\u3000b`, "a\tb\nc\x1b[31m\x7f": `a\u0009b\u000ac\u001b[31m\u007f`, "a\u0085": `a\u0085`, "a\u3164": `a\u3164`, "a\u115f": `a\u115f`, "a\u034f": `a\u034f`,
		"a\ufe0f": `a\ufe0f`, "a\U000e0061": `a\U000e0061`, "a\U000e0100": `a\U000e0100`, "a\u2800": `a\u2800`, "a\u2028b": `a\u2028b`, "a\ue000": `a\ue000`, "a\xffb": `a\xffb`, "\xe2\x80": `\xe2\x80`,
	} {
		got := Text(s)
		if got != want {
			t.Errorf("%q is written %s, want %s", s, got, want)
		}
		if again := Text(got); again != got {
			t.Errorf("%s is written %s the second time", got, again)
		}
	}
}

// TestWriter: however text is cut into pieces, it comes out as Text writes it.
func TestWriter(t *testing.T) {
	const text = "a\u200bb\tc\n应\U000e0061用\r\n\xff end\n"
	want := "a\\u200bb\tc\n应\\U000e0061用\\u000d\n\\xff end\n"
	for size := 1; size <= len(text); size++ {
		var b bytes.Buffer
		w := Writer(&b)
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if got, err := fmt.Fprint(w, rest[:n]); got != n || err != nil {
				t.Fatal(got, err)
			}
			rest = rest[n:]
		}
		if b.String() != want {
			t.Errorf("in pieces of %d: %q, want %q", size, b.String(), want)
		}
	}
}

func TestAlike(t *testing.T) {
	alike := [][]string{
		{"app-1", "app\u200b-1", "\u202eapp-1", "APP-1", "ａｐｐ-1", "аpp-1", "app‑1", "αpp-1", "app-l", " app-1"},
		{"one", "оne", "0ne", "One", "one\u00a0", "onе"},
		{"café", "cafe\u0301", "CAFÉ"},
		{"ﬁn", "fin"},
		{"groß", "GROß"},
	}
	var all []string
	for _, g := range alike {
		for _, id := range g[1:] {
			if got := Alike([]string{g[0], id, id, "other"}); len(got) != 1 || len(got[0]) != 2 {
				t.Errorf("%q and %q: %q", g[0], id, got)
			}
		}
		all = append(all, g...)
	}
	if got := Alike(all); len(got) != len(alike) || len(got[0])+len(got[1]) == 0 {
		t.Errorf("%d groups: %q", len(got), got)
	}
	var honest []string
	for i := range 1000 {
		honest = append(honest, fmt.Sprintf("app-%03d", i), fmt.Sprintf("应用-%d", i), strings.Repeat("x", i))
	}
	if got := Alike(append(honest, honest...)); len(got) != 0 {
		t.Errorf("honest ids are said to look alike: %q", got)
	}
}
