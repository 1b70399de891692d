package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"headcount/cmd/cli"
	"headcount/rating"
)

// ownBook is a price book that no code knows: graduated users, calls above a daily quota, and a commitment.
const ownBook = `book: own
title: Our own prices
source: contract 17
date: 2026-02-01
currency: EUR
minor_digits: 2
rules: {deduct_from_day: 10, deduct_until_day: 12}
meters:
  mau: {title: users, aggregate: unique, kinds: [login]}
  calls: {title: calls, aggregate: counter}
plans:
  base:
    title: Base
    charges:
      mau: {model: graduated, free: "10", tiers: [{up_to: "5", unit_price: "0.2"}, {unit_price: "0.1"}], commitment: "0.75"}
      calls: {model: daily_unit, free: "3", unit_price: "0.5"}
`

// folder is one with a configuration whose catalog is ownBook alone.
func folder(t *testing.T, accounts string) {
	t.Helper()
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("books", 0o700); err != nil {
		t.Fatal(err)
	}
	write("books/own.yaml", ownBook)
	write("accounts.yaml", accounts)
	write("headcount.yaml", "kafka: {brokers: ['127.0.0.1:1'], topic: t}\ncatalog: books\n")
	write("usage.json", `{"month":"2026-03","usage":[{"app":"a","meters":[{"meter":"mau","exact":17},
 {"meter":"calls","exact":9,"days":[{"day":"2026-03-01","value":5},{"day":"2026-03-02","value":4}]}]},{"app":"b","meters":[]}]}`)
}

func rollup(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	p := &cli.Program{Out: &o, Err: &e}
	cmd := root(p)
	cmd.SetArgs(args)
	code = cli.Execute(p, cmd)
	return code, o.String(), e.String()
}

// TestPlansShow holds what is printed of the built-in books against sentences of the sources that are no price of a meter.
func TestPlansShow(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, want := range map[string]string{
		"mpaas":          "note: mini-program: The kernel is included.",
		"mpaas/standard": "Mini Program package                        10000 to 100000 mau  1 year",
		"tcmpp/pro":      "term 1 year, at least 1 year",
		"chat/standard":  "term 1 month, at most 2 years",
		"chat/premium":   "note: call_1to1: A free edition lasts 7 days",
	} {
		if code, out, errs := rollup(t, "plans", "show", name); code != 0 || !strings.Contains(out, want) {
			t.Errorf("plans show %s: %d, no %q in %s%s", name, code, want, out, errs)
		}
	}
}

// TestBookAsYAMLAlone lists, shows and rates by a book that was never compiled in.
func TestBookAsYAMLAlone(t *testing.T) {
	folder(t, "accounts:\n  - {id: acme, apps: [a, b], plan: own/base, from: 2026-01-01, overrides: {calls.unit_price: \"0.25\"}}\n")
	if code, out, errs := rollup(t, "plans"); code != 0 || !strings.Contains(out, "own/base") || strings.Contains(out, "tcmpp") {
		t.Errorf("plans: %d, %s%s", code, out, errs)
	}
	code, out, errs := rollup(t, "plans", "show", "own/base")
	for _, want := range []string{"Source: contract 17", "Date:   2026-02-01", "0.2 each up to 5, then 0.1 each, at least 0.75", "0.5 each above the quota of a day"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("plans show: %d, no %q in %s%s", code, want, out, errs)
		}
	}
	code, out, errs = rollup(t, "rate", "--usage", "usage.json", "--accounts", "accounts.yaml", "--json")
	var doc struct{ Invoices []rating.Invoice }
	if err := json.Unmarshal([]byte(out), &doc); code != 0 || err != nil || len(doc.Invoices) != 1 {
		t.Fatalf("rate: %d, %v, %s%s", code, err, out, errs)
	}
	v := doc.Invoices[0]
	got := ""
	for _, l := range v.Lines {
		got += l.App + " " + l.Meter + " " + l.Amount + " (" + l.How + ") from " + l.Source.String() + "\n"
	}
	same(t, got, `
a mau 1.20 (5 × 0.2 + 2 × 0.1) from own 2026-02-01
a calls 0.75 ((2 + 1) × 0.25, above 3 a day) from own 2026-02-01, by contract calls.unit_price
b mau 0.75 (nothing used, at least 0.75) from own 2026-02-01
b calls 0.00 (0, no day above 3) from own 2026-02-01, by contract calls.unit_price
`)
	if v.Total != "2.70" || v.Currency != "EUR" || v.DeductFrom != "2026-04-10" {
		t.Errorf("%s %s, deducted from %s", v.Total, v.Currency, v.DeductFrom)
	}
}

// TestBadFiles names file, line, column and field, says what could be meant, prints nothing and exits 2.
func TestBadFiles(t *testing.T) {
	for fields, want := range map[string]string{
		"plan: own/bas":                       "accounts.yaml:2:51: accounts[0].plan: unknown plan \"own/bas\"; did you mean \"own/base\"?",
		"plan: own/gold":                      "accounts.yaml:2:51: accounts[0].plan: unknown plan \"own/gold\"; did you mean one of own/base?",
		"plan: own/base, overides: {}":        "accounts.yaml:2:61: accounts[0].overides: unknown field; did you mean \"overrides\"?",
		"plan: own/base, until: 2026-02-30":   "accounts.yaml:2:68: accounts[0].until: ",
		"plan: own/base, until: 2025-12-01":   "accounts.yaml:2:68: accounts[0].until: 2025-12-01 does not lie after from, 2026-01-01",
		"plan: own/base, apps: [b]":           "already defined",
		"plan: own/base, overrides: {x.y: 1}": "accounts.yaml:2:73: accounts[0].overrides.x.y: ",
	} {
		folder(t, "accounts:\n  - {id: acme, apps: [a], from: 2026-01-01, "+fields+"}\n")
		code, out, errs := rollup(t, "rate", "--usage", "usage.json", "--accounts", "accounts.yaml")
		if code != cli.Usage || out != "" || !strings.Contains(errs, want) || !strings.Contains(errs, "accounts.yaml:2:") {
			t.Errorf("%s: %d, %s%s\nwant %s", fields, code, out, errs, want)
		}
	}
}

// TestCalendar lists a year of a subscription.
func TestCalendar(t *testing.T) {
	folder(t, "")
	if err := os.WriteFile("books/chat.yaml", []byte(strings.NewReplacer("book: own", "book: monthly", "deduct_until_day: 12}", `deduct_until_day: 12, plan_fee: ahead, plan_change: refund_and_buy, refund: started_days}
suspension: {after_expiry: {hours: 24}, usage_after_expiry: billed, keep_days: 30}
reminders: {days_before: 2, days_after: 0}`, "    title: Base\n", "    title: Base\n    fee: \"30\"\n    term: 1 month\n").Replace(ownBook)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("accounts.yaml", []byte("accounts:\n  - {id: acme, apps: [a], plan: monthly/base, from: 2026-01-31, term: 2 months}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := rollup(t, "subscription", "--account", "acme", "--at", "2026-03-20", "--calendar")
	if code != 0 {
		t.Fatalf("%d %s", code, errs)
	}
	same(t, out, `
Account acme, plan monthly/base, active: the year from 2026-03-20T00:00:00Z

date        what
2026-03-30  reminder of the expiry
2026-03-30  expiring
2026-03-31  reminder of the expiry
2026-03-31  expired
2026-04-01  suspended
2026-04-10  deduction of the month before, until 2026-04-12
2026-05-01  repossessed
`)
	if code, out, _ := rollup(t, "subscription", "--account", "acne", "--calendar"); code != cli.Usage || out != "" {
		t.Errorf("an unknown account: %d, %s", code, out)
	}
}

// TestRateByAnotherBook has usage that another book counted under the same name: it is made of the kinds, or refused by name.
func TestRateByAnotherBook(t *testing.T) {
	t.Chdir(t.TempDir())
	const kinds = `"kinds":{"open":{"exact":3,"estimate":3},"search":{"exact":2,"estimate":2},"predownload":{"exact":1,"estimate":1}},`
	const meters = `"meters":[{"meter":"mau","exact":3}]`
	accounts := "accounts:\n  - {id: acme, apps: [a], plan: tcmpp/pro, from: 2026-01-01, overrides: {mau.free: '0'}}\n"
	for name, text := range map[string]string{
		"accounts.yaml": accounts,
		"usage.json":    `{"month":"2026-10","usage":[{"app":"a",` + kinds + meters + `,"daily":[{"day":"2026-10-01","active":6,"new":6,"users":0}]}]}`,
		"less.json":     `{"month":"2026-10","usage":[{"app":"a",` + kinds + meters + `}]}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := rollup(t, "rate", "--usage", "usage.json", "--accounts", "accounts.yaml", "--json")
	if code != 0 || !strings.Contains(out, `"total": "0.09"`) && !strings.Contains(out, `"total":"0.09"`) || !strings.Contains(errs, "mau as tcsas counts it") {
		t.Errorf("%d, %s, %s", code, out, errs)
	}
	code, out, errs = rollup(t, "rate", "--usage", "less.json", "--accounts", "accounts.yaml", "--json")
	if code != 2 || out != "" || !strings.Contains(errs, `less.json: line 1: app "a": the usage has mau as tcsas counts it; tcmpp/pro is priced by mau (open, search, predownload)`) || !strings.Contains(errs, "rollup compare") {
		t.Errorf("%d, %s, %s", code, out, errs)
	}
}
