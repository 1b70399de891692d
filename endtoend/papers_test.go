package endtoend

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"headcount/endtoend/naive"
)

// paper is an invoice as finance gets it.
type paper struct {
	Account, Status, Total, Tax, Payable, Number, Issued, Due, Corrects, Document, Name string
	Revision                                                                            int
	Released, Amended                                                                   *struct{ Reason, By, At string }
	Issuer                                                                              *struct{ Name string }
	WhatIf                                                                              bool `json:"what_if"`
}

// Invoices have numbers without a gap, given when they become final; what an amendment takes back is a credit note; a hold has its number
// with its release; and the second implementation agrees, in place and from an archive.
func TestPapers(t *testing.T) {
	t.Parallel()
	accounts := func(price string) string {
		return `accounts:
  - {id: acme, apps: [app-001], plan: tcmpp/pro, from: 2024-06-01, overrides: {mau.free: "0", mau.unit_price: "` + price + `"}, name: Acme Ltd, legal: {address: [1 Main St], tax_id: DE1}, tax: {rate: 19%, note: VAT}, terms: net 14}
  - {id: clocks, apps: [app-002], plan: tcmpp/pro, from: 2024-06-01, overrides: {mau.free: "0", mau.unit_price: "1"}}
  - {id: idle, apps: [app-003], plan: tcmpp/pro, from: 2024-06-01}
`
	}
	s := newSite(t, accounts("1.11"), map[string]string{"issuer": `{name: Issuer Co, terms: net 30, invoice_numbers: "IN/{year}/{n:4}"}`, "billing": "{time_zone: Pacific/Auckland}"})
	l := naive.New(time.UTC)
	var all []record
	for i := range 30 {
		all = append(all, event("miniprogram.open", "app-001", fmt.Sprintf("device-%d", i), "2025-01-05T10:00:00Z"))
	}
	for i := range 90 { // a third of wrong clocks
		r := event("miniprogram.open", "app-002", fmt.Sprintf("device-%d", i), "2025-01-05T10:00:00Z")
		if i%3 == 0 {
			r.Value = []byte(strings.Replace(string(r.Value), "2025-01-05T10:00:00Z", "2025-01-06T10:00:00Z", 1))
		}
		all = append(all, r)
	}
	s.send(l, all)
	s.want(1, "rollup", "close", "--month", "2025-01")
	papers := func() (all []paper) {
		t.Helper()
		return decode[struct{ Invoices []paper }](t, s.run("rollup", "invoices", "--json", "--month", "2025-01").stdout).Invoices
	}
	got := papers()
	if len(got) != 3 || got[0].Number != "IN/2025/0001" || got[1].Status != "held" || got[1].Number != "" || got[1].Due != "" || got[2].Number != "IN/2025/0002" {
		t.Fatalf("%+v", got)
	}
	issued, err := time.Parse(time.DateOnly, got[0].Issued)
	if err != nil || got[0].Due != issued.AddDate(0, 0, 14).Format(time.DateOnly) || got[2].Due != issued.AddDate(0, 0, 30).Format(time.DateOnly) {
		t.Errorf("issued %s, due %s and %s", got[0].Issued, got[0].Due, got[2].Due)
	}
	if a := got[0]; a.Total != "33.30" || a.Tax != "6.33" || a.Payable != "39.63" || a.Name != "Acme Ltd" || a.Issuer == nil || a.Issuer.Name != "Issuer Co" || a.Document != "invoice" {
		t.Errorf("%+v", a)
	}
	s.ok("rollup", "release", "--month", "2025-01", "--account", "clocks", "--reason", "looked at")
	s.write("right.yaml", accounts("0.61"))
	if r := s.want(0, "rollup", "amend", "--dry-run", "--month", "2025-01", "--accounts", "right.yaml", "--reason", "another price"); !strings.Contains(r.stderr, "bills by them again") {
		t.Errorf("nothing says that accounts.yaml is wrong still: %s", r.stderr)
	}
	s.write("accounts.yaml", accounts("0.61"))
	if r := s.want(0, "rollup", "amend", "--month", "2025-01", "--accounts", "accounts.yaml", "--reason", "another price"); strings.Contains(r.stderr, "bills by them again") {
		t.Errorf("accounts.yaml is right: %s", r.stderr)
	}
	got = papers()
	if len(got) != 4 || got[1].Number != "CN-2025-01-000001" || got[1].Corrects != "IN/2025/0001" || got[1].Document != "credit_note" || got[1].Amended == nil || got[1].Amended.Reason != "another price" {
		t.Fatalf("%+v", got)
	}
	if a := got[1]; a.Total != "-15.00" || a.Tax != "-2.85" || a.Payable != "-17.85" {
		t.Errorf("%+v", a)
	}
	if a := got[2]; a.Account != "clocks" || a.Number != "IN/2025/0003" || a.Released == nil || a.Released.Reason != "looked at" || a.Tax != "0.00" {
		t.Errorf("%+v", a)
	}
	s.ok("rollup", "verify", "--month", "2025-01")
	s.ok("rollup", "export", "--month", "2025-01", "--out", "january.tar")
	s.ok("rollup", "verify", "--month", "2025-01", "--from", "january.tar")

	page := s.ok("rollup", "invoices", "--month", "2025-01", "--html", "-", "--account", "acme")
	if !strings.HasPrefix(page, "<!doctype html>") || !strings.Contains(page, "Credit note CN-2025-01-000001") || strings.Contains(page, "clocks") {
		t.Errorf("page: %s", page)
	}
	if table := s.ok("rollup", "invoices", "--month", "2025-01", "--csv", "-", "--nonzero"); !strings.HasPrefix(table, "account,") || strings.Contains(table, "idle") || !strings.Contains(table, "looked at") {
		t.Errorf("table: %s", table)
	}
	usage := s.ok("rollup", "usage", "--json", "--month", "2025-01")
	s.write("usage.json", usage)
	guess := decode[struct{ Invoices []paper }](t, s.want(0, "rollup", "rate", "--json", "--usage", "usage.json", "--plan", "tcmpp/pro").stdout).Invoices
	if len(guess) == 0 || !guess[0].WhatIf || guess[0].Number != "" {
		t.Errorf("%+v", guess)
	}
	if text := s.ok("rollup", "rate", "--usage", "usage.json", "--plan", "tcmpp/pro"); !strings.Contains(text, "What-if invoice") {
		t.Errorf("%s", text)
	}
}
