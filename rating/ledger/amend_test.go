package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"headcount/internal/calendar"
)

func testAmendment(month calendar.Month) Amendment {
	return Amendment{Month: month, Number: 1, Reason: "quota of the contract <forgotten>", By: "ann", Accounts: []byte("accounts: []\n"),
		Books: map[string][]byte{"im.yaml": []byte("book: im\n")}, Usage: json.RawMessage(`{"month": "2026-11"}`)}
}

// TestAmend records an amendment once, whoever repeats it, and leaves what the close stored as it was.
func TestAmend(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		l := start(t, url)
		m := testAmendment(october)
		if _, err := l.Amend(t.Context(), m, nil); !errors.Is(err, ErrNotFound) {
			t.Errorf("month not closed: %v", err)
		}
		closeMonth(t, l, october, nil)
		before, err := l.Result(t.Context(), october)
		if err != nil {
			t.Fatal(err)
		}
		more := []Invoice{invoice(t, finalInvoice, october, 2)}
		for i, want := range []bool{false, true, true} {
			if already, err := l.Amend(t.Context(), m, more); err != nil || already != want {
				t.Fatalf("%d: already %v, %v", i, already, err)
			}
		}
		after, err := l.Result(t.Context(), october)
		if err != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("the result was %+v, is %+v, %v", before, after, err)
		}
		all, err := l.Amendments(t.Context(), october)
		if err != nil || len(all) != 1 {
			t.Fatalf("%+v, %v", all, err)
		}
		got := all[0]
		if string(got.Accounts) != string(m.Accounts) || !reflect.DeepEqual(got.Books, m.Books) || got.Reason != m.Reason || got.By != "ann" || got.Invoices != 1 || string(got.Usage) != `{"month":"2026-11"}` {
			t.Errorf("%+v", got)
		}
		if v, err := l.Invoices(t.Context(), october); err != nil || len(v) != 3 {
			t.Errorf("%+v, %v", v, err)
		}
		other := m
		other.Reason = "another"
		if _, err := l.Amend(t.Context(), other, more); !errors.Is(err, ErrOrder) {
			t.Errorf("another under its number: %v", err)
		}
		other.Number = 3
		if _, err := l.Amend(t.Context(), other, nil); !errors.Is(err, ErrOrder) {
			t.Errorf("a number left out: %v", err)
		}
		other.Number = 2
		if _, err := l.Amend(t.Context(), other, more); !errors.Is(err, ErrOrder) {
			t.Errorf("a revision that is there: %v", err)
		}
		other.Reason = ""
		if _, err := l.Amend(t.Context(), other, nil); err == nil {
			t.Error("no reason is taken")
		}
		verified(t, l)
	})
}

// TestExportImport takes a ledger elsewhere: the same chain, the same rows, the same bytes again.
func TestExportImport(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		l := full(t, url)
		want := verified(t, l)
		var lines bytes.Buffer
		if err := l.Export(t.Context(), &lines); err != nil {
			t.Fatal(err)
		}
		copied, err := Import(t.Context(), filepath.Join(t.TempDir(), "copy.db"), bytes.NewReader(lines.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		defer copied.Close()
		if got := verified(t, copied, want.Head); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		var again bytes.Buffer
		if err := copied.Export(t.Context(), &again); err != nil || again.String() != lines.String() {
			t.Errorf("exported again it differs, %v", err)
		}
		f := newForger(t, url)
		f.forge("UPDATE lines SET amount = '1.00' WHERE month = '2026-10' AND line = 1")
		var d *Difference
		if err := l.Export(t.Context(), &again); !errors.As(err, &d) || d.Table != "lines" {
			t.Errorf("a ledger that was tampered with is exported: %v", err)
		}
	})
}

// TestImportRefuses changes every field of every kind of entry: the import names the entry.
func TestImportRefuses(t *testing.T) {
	l := full(t, "sqlite://"+filepath.Join(t.TempDir(), "ledger.db"))
	var b bytes.Buffer
	if err := l.Export(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(b.String(), "\n"), "\n")
	n := 0
	refused := func(what, text, words string) {
		t.Helper()
		n++
		copied, err := Import(t.Context(), filepath.Join(t.TempDir(), fmt.Sprintf("%d.db", n)), strings.NewReader(text))
		if err == nil {
			copied.Close()
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
			refused(kind+"."+name, strings.Join(lines[:i], "")+string(text)+"\n"+strings.Join(lines[i+1:], ""), fmt.Sprintf("line %d: entry", i+1))
			x[name] = v
		}
		delete(x, "documents")
		text, _ := json.Marshal(x)
		if strings.Contains(line, `"documents"`) {
			refused(kind+" without documents", strings.Join(lines[:i], "")+string(text), "documents")
		}
		if i > 0 && i < len(lines)-1 {
			refused("left out "+kind, strings.Join(lines[:i], "")+strings.Join(lines[i+1:], ""), "comes next")
		}
	}
	if len(seen) != 9 {
		t.Errorf("kinds %v", seen)
	}
	refused("nothing", "", "no entry")
	refused("no JSON", "x\n", "line 1")
}
