package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
)

// screen is a terminal of so many columns.
type screen struct {
	io.Writer
	columns int
}

func (s screen) Columns() int { return s.columns }

func shown(t *testing.T, tab *table, columns int, indent string) string {
	t.Helper()
	var out bytes.Buffer
	if err := tab.print(screen{&out, columns}, indent); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTableFits(t *testing.T) {
	tab := &table{columns: []string{"app", ">exact", "how", "?>events"}}
	tab.add("app-001", "120", "(120 − 100) × 0.015 by a contract", "1200")
	tab.add("微信小程序", "7", "free", "9")
	for _, c := range []struct {
		columns int
		want    string
	}{
		{0, "app         exact  how                                events\n" +
			"app-001       120  (120 − 100) × 0.015 by a contract    1200\n" +
			"微信小程序      7  free                                    9\n"},
		{55, "app         exact  how\n" +
			"app-001       120  (120 − 100) × 0.015 by a contract\n" +
			"微信小程序      7  free\n" +
			"(not shown: events; -o wide shows every column)\n"},
		{40, "app         exact  how\n" +
			"app-001       120  (120 − 100) × 0.015\n" +
			"                   by a contract\n" +
			"微信小程序      7  free\n" +
			"(not shown: events; -o wide shows every\ncolumn)\n"},
		{20, "app: app-001\nexact: 120\nhow: (120 − 100) × 0.015 by a contract\n\napp: 微信小程序\nexact: 7\nhow: free\n"},
	} {
		if got := shown(t, tab, c.columns, ""); got != c.want {
			t.Errorf("%d columns:\n%s\nwant\n%s", c.columns, got, c.want)
		}
	}
}

// Whatever is in a table, no line is wider than the screen where the columns that stay can be as narrow as that, and no text is lost.
func TestTablesOfAnythingFit(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	letters := []rune("abc 微信例あé -/🇩🇪👍 ")
	for range 2000 {
		tab := &table{}
		for range 1 + r.IntN(6) {
			tab.columns = append(tab.columns, []string{"", ">", "?", "?>"}[r.IntN(4)]+"name"[:1+r.IntN(4)])
		}
		for range r.IntN(5) {
			var cells []string
			for _, name := range tab.columns {
				text := make([]rune, r.IntN(30))
				for i := range text {
					text[i] = letters[r.IntN(len(letters))]
				}
				if strings.Contains(name, ">") {
					text = []rune("12345"[:r.IntN(5)])
				}
				cells = append(cells, string(text))
			}
			tab.add(cells...)
		}
		columns := 22 + r.IntN(80)
		out := shown(t, tab, columns, "  ")
		need := 2 - gap
		kept := ""
		for i, name := range tab.columns {
			if strings.HasPrefix(name, "?") {
				continue
			}
			wide := uniseg.StringWidth(strings.TrimPrefix(name, ">"))
			for _, row := range tab.rows {
				wide = max(wide, uniseg.StringWidth(row[i]))
			}
			if !strings.HasPrefix(name, ">") {
				wide = min(wide, least)
			}
			need += wide + gap
		}
		for line := range strings.Lines(out) {
			if w := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); need <= columns && w > columns {
				t.Fatalf("seed %d: %d columns, but %d wide (%d are enough): %q\n%s", seed, columns, w, need, line, out)
			}
			kept += line
		}
		for i, name := range tab.columns {
			for _, row := range tab.rows {
				if !strings.HasPrefix(name, "?") && !within(kept, row[i]) {
					t.Fatalf("seed %d: %q is lost in\n%s", seed, row[i], out)
				}
			}
		}
	}
}

// within says whether the characters of text, but for spaces, are in out, each as often as in text at least.
func within(out, text string) bool {
	for _, r := range text {
		if r != ' ' && strings.Count(out, string(r)) < strings.Count(text, string(r)) {
			return false
		}
	}
	return true
}
