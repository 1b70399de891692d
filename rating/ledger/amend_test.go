package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
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

// TestExport writes every entry in a line, the same bytes each time, and refuses a ledger that was tampered with.
func TestExport(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		l := full(t, url)
		want := verified(t, l)
		var lines, again bytes.Buffer
		if err := errors.Join(l.Export(t.Context(), &lines), l.Export(t.Context(), &again)); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(lines.Bytes(), []byte("\n")); int64(n) != want.Entries || !bytes.Contains(lines.Bytes(), []byte(want.Head)) {
			t.Errorf("%d lines of %d entries, or without the head", n, want.Entries)
		}
		if again.String() != lines.String() {
			t.Error("exported again it differs")
		}
		f := newForger(t, url)
		f.forge("UPDATE lines SET amount = '1.00' WHERE month = '2026-10' AND line = 1")
		var d *Difference
		if err := l.Export(t.Context(), &again); !errors.As(err, &d) || d.Table != "lines" {
			t.Errorf("a ledger that was tampered with is exported: %v", err)
		}
	})
}
