package ledger

import (
	"fmt"
	"slices"
	"testing"

	"headcount/rating"
)

// Numbers are given in order, without a gap: at the close, at an amendment, at a release by the form and terms of what is released; and
// patterns that change go on with their series.
func TestNumbers(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		l := start(t, url)
		of := func(month Month, account, status, document string, revision int) Invoice {
			v, err := NewInvoice(fmt.Appendf(nil, `{"account":%q,"plan":"p","month":%q,"revision":%d,"currency":"USD","status":%q,"reason":"r","lines":[],"total":"1.00","document":%q,"terms":"net 31"}`,
				account, month, revision, status, document))
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		begin := func(month Month, before *Previous, issuer *rating.Issuer) {
			c := testClosing(month, before)
			c.Zone, c.Issuer = "Asia/Shanghai", issuer.Document()
			if _, _, err := l.Begin(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		commit := func(month Month, all ...Invoice) {
			r := testResult(t, month)
			r.Invoices = all
			for range 2 { // a retry gives no further numbers
				if _, err := l.Commit(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
		}
		release := func(month Month, account string) {
			if err := l.Release(t.Context(), month, account, "r", "ann", nil); err != nil {
				t.Fatal(err)
			}
		}
		begin(october, nil, &rating.Issuer{Invoice: "A-{year}-{n:3}", Credit: "C-{n}"})
		commit(october, of(october, "a", Final, "invoice", 1), of(october, "b", Held, "invoice", 1), of(october, "c", Final, "invoice", 1))
		if _, err := l.Amend(t.Context(), testAmendment(october), []Invoice{of(october, "a", Final, "credit_note", 2), of(october, "b", Held, "credit_note", 2), of(october, "c", Final, "invoice", 2)}); err != nil {
			t.Fatal(err)
		}
		release(october, "b")
		release(october, "b") // again: nothing
		begin(november, previous(october), &rating.Issuer{Invoice: "A-{year}-{n}", Credit: "A-{year}-{n}"})
		commit(november, of(october, "c", Final, "credit_note", 3), of(november, "a", Final, "invoice", 1))

		var got []string
		for _, m := range []Month{october, november} {
			all, err := l.Invoices(t.Context(), m)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range all {
				n := v.Number
				if n == nil || n.Issued != "2026-11-02" || n.Due != "2026-12-03" { // in Shanghai it is the next day
					t.Fatalf("%+v: %+v", v, n)
				}
				got = append(got, fmt.Sprintf("%s %d %s %s", v.Account, v.Revision, n.Number, n.Corrects))
			}
		}
		want := []string{
			"a 1 A-2026-001 ", "a 2 C-1 A-2026-001", "b 1 A-2026-004 ", "b 2 C-2 A-2026-004", "c 1 A-2026-002 ", "c 2 A-2026-003 A-2026-002", "c 3 A-2026-5 A-2026-002",
			"a 1 A-2026-6 ",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		verified(t, l)
	})
}

// A pattern that could make two numbers alike is refused.
func TestPatterns(t *testing.T) {
	for p, number := range map[rating.Pattern]string{
		"INV-{month}-{n:6}": "INV-2026-10-000012", "{n}": "12", "R{year}.{n:1}": "R2026.12", "a/{month}/{n:12}": "a/2026-10/000000000012",
		"INV{month}{n}": "", "INV-1{n}": "", "INV": "", "{n}-x": "", "{n:0}": "", "{n:13}": "", "{day}{n}": "", "a b-{n}": "", "": "", "{n}{n}": "",
	} {
		err := p.Check()
		if (err == nil) != (number != "") || err == nil && p.Number(october, 12) != number {
			t.Errorf("%s: %v, %s", p, err, p.Number(october, 12))
		}
	}
}
