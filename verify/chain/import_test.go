package chain

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// exportOf has the product make a ledger and export it.
func exportOf(t *testing.T) (lines []string, mine *Ledger) {
	t.Helper()
	theirs, mine := full(t, "sqlite://"+filepath.Join(t.TempDir(), "ledger.db"))
	var b bytes.Buffer
	if err := theirs.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(b.String(), "\n"), "\n"), mine
}

// rowsIn returns all rows of a table.
func rowsIn(t *testing.T, l *Ledger, of *table) (all []row) {
	t.Helper()
	err := l.read(t.Context(), func(tx *sql.Tx) (err error) {
		all, err = readRows(t.Context(), tx, of, "true ORDER BY 1, 2")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func imported(t *testing.T, ctx context.Context, lines ...string) (*Ledger, error) {
	t.Helper()
	l, err := Import(ctx, filepath.Join(t.TempDir(), "imported.db"), strings.NewReader(strings.Join(lines, "")))
	if err == nil {
		t.Cleanup(func() { l.Close() })
	}
	return l, err
}

// TestImport makes a ledger of an export: the same chain, with the same in it.
func TestImport(t *testing.T) {
	lines, mine := exportOf(t)
	head := walked(t, mine).Head
	l, err := imported(t, t.Context(), lines...)
	if err != nil {
		t.Fatal(err)
	}
	if w := walked(t, l, head); w.Head != head || w.Entries != int64(len(lines)) {
		t.Errorf("%+v, want %d entries up to %s", w, len(lines), head)
	}
	for _, table := range append([]*table{entries}, tables...) {
		if got, want := rowsIn(t, l, table), rowsIn(t, mine, table); len(want) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v\nwant %v", table.name, got, want)
		}
	}
	c, err := l.Closing(t.Context(), "2026-10")
	if err != nil || string(c.Books["tcmpp.yaml"]) != "book: \xff" || string(c.Accounts) != "accounts:\n  - id: acme\r\n" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := Import(t.Context(), l.name, strings.NewReader(strings.Join(lines, ""))); err == nil {
		t.Error("an import over a file that is there")
	}
}

// TestImportRefusesFields changes every field of every kind of entry: the import names the entry.
func TestImportRefusesFields(t *testing.T) {
	lines, _ := exportOf(t)
	refused := func(what, text, words string) {
		t.Helper()
		if _, err := imported(t, t.Context(), text); err == nil {
			t.Errorf("%s: is taken", what)
		} else if !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v does not say %q", what, err, words)
		}
	}
	seen := map[string]bool{}
	for i, line := range lines {
		var x map[string]any
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		kind := x["kind"].(string)
		if seen[kind] {
			continue
		}
		seen[kind] = true
		before, behind := strings.Join(lines[:i], ""), strings.Join(lines[i+1:], "")
		for name, v := range x {
			switch v := v.(type) {
			case string:
				x[name] = v + "1"
			case float64:
				x[name] = v + 1
			case []any:
				x[name] = append([]any{"other"}, v[1:]...)
			}
			text, _ := json.Marshal(x)
			refused(kind+"."+name, before+string(text)+"\n"+behind, fmt.Sprintf("line %d: entry", i+1))
			x[name] = v
		}
		delete(x, "documents")
		text, _ := json.Marshal(x)
		if strings.Contains(line, `"documents"`) {
			refused(kind+" without documents", before+string(text), "documents")
		}
		if i > 0 && i < len(lines)-1 {
			refused("left out "+kind, before+behind, "comes next")
		}
	}
	if len(seen) != 9 {
		t.Errorf("kinds %v", seen)
	}
}

// TestImportRefuses changes one thing of an export: what does not follow is an error that says what.
func TestImportRefuses(t *testing.T) {
	lines, _ := exportOf(t)
	at := func(kind string) int {
		for i, line := range lines {
			if strings.Contains(line, `"kind":"`+kind+`"`) {
				return i
			}
		}
		t.Fatal(kind)
		return 0
	}
	change := func(i int, old, new string) []string {
		all := append([]string{}, lines...)
		if all[i] = strings.Replace(all[i], old, new, 1); all[i] == lines[i] {
			t.Fatalf("%s has no %s", lines[i], old)
		}
		return all
	}
	// rehash changes an entry and makes its hash fit.
	rehash := func(i int, edit func(x *exported)) []string {
		var x exported
		if err := json.Unmarshal([]byte(lines[i]), &x); err != nil {
			t.Fatal(err)
		}
		edit(&x)
		e := &entry{x.Seq, x.Kind, x.Month, x.At, x.Payload, x.Previous, x.Hash}
		x.Hash = e.sum()
		line, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		return append(append([]string{}, lines[:i]...), string(line)+"\n")
	}
	for what, row := range map[string]struct {
		lines []string
		says  string
	}{
		"nothing":              {nil, "it has no entry"},
		"noise":                {[]string{"noise\n"}, "line 1: "},
		"an entry left out":    {append(append([]string{}, lines[:3]...), lines[4:]...), "line 4: entry 5 where 4 comes next"},
		"another time":         {change(3, `"at":"2`, `"at":"3`), "line 4: entry 4 (usage) says its hash is"},
		"another link":         {rehash(4, func(x *exported) { x.Previous = strings.Repeat("1", 64) }), "entry 5 (invoice) follows 1111"},
		"another document":     {change(at("result"), `\"usage\":[]`, `\"usage\":[1]`), "results.document is a document with sha256:"},
		"another invoice":      {change(at("invoice"), `750.00`, `751.00`), "invoices.document is a document with sha256:"},
		"a document left out":  {rehash(at("closing"), func(x *exported) { x.Documents = x.Documents[:2] }), "(closing) has 2 documents, its payload names 3"},
		"an invoice left out":  {rehash(at("invoice"), func(x *exported) { x.Documents = nil }), "(invoice) has 0 documents, its payload names 1"},
		"a document more":      {rehash(at("release"), func(x *exported) { x.Documents = append(x.Documents, []byte(`"more"`)) }), "(release) has 1 documents, its payload names 0"},
		"a kind of its own":    {rehash(at("sent"), func(x *exported) { x.Kind = "gift" }), `unknown kind "gift"`},
		"another format":       {rehash(0, func(x *exported) { x.Payload = `{"format":2,"id":""}` }), "the ledger's format is 2"},
		"a member more":        {change(2, `{"seq"`, `{"more":1,"seq"`), "line 3: "},
		"a payload's member":   {rehash(2, func(x *exported) { x.Payload = strings.Replace(x.Payload, "{", `{"more":1,`, 1) }), "decode payload"},
		"another account":      {rehash(at("invoice"), func(x *exported) { x.Payload = strings.Replace(x.Payload, "acme", "emca", 1) }), "its document says acme, 2026-10, 1"},
		"the ledger's own end": {append(append([]string{}, lines...), "\n{"), fmt.Sprintf("line %d: ", len(lines)+1)},
	} {
		if _, err := imported(t, t.Context(), row.lines...); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s, to say %q: %v", what, row.says, err)
		}
	}
}

// TestImportEveryBit: every bit of an export that changes is seen, or changes nothing that is read.
func TestImportEveryBit(t *testing.T) {
	if testing.Short() {
		t.Skip("slow under the race detector")
	}
	lines, _ := exportOf(t)
	head, harmless, bits := beforeFirst, 0, 0
	kinds := map[string]bool{}
	for i, text := range lines {
		line := []byte(text)
		want, wantRows, err := readLine(line, int64(i), head)
		if err != nil {
			t.Fatal(err)
		}
		before := head
		head = want.hash
		if kinds[want.kind] {
			continue
		}
		kinds[want.kind] = true
		for bit := range 8 * len(line) {
			bits++
			line[bit/8] ^= 1 << (bit % 8)
			got, rows, err := readLine(line, int64(i), before)
			line[bit/8] ^= 1 << (bit % 8)
			if err != nil {
				continue
			}
			harmless++ // a letter of a \u escape in the other case, or the space at the end
			if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(rows, wantRows) {
				t.Fatalf("line %d (%s), bit %d is not seen: %.40q", i+1, want.kind, bit, line[max(0, bit/8-20):])
			}
		}
	}
	if len(kinds) < 9 || harmless > bits/1000 {
		t.Errorf("entries of %d kinds; %d of %d bits changed nothing", len(kinds), harmless, bits)
	}
}
