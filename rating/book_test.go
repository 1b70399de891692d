package rating_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"headcount/rating"
	"headcount/rating/catalog"
)

// sixthBook has every price model and the readings that no built-in book takes. It needs no code.
const sixthBook = `
book: sixth
title: A sixth book
source: made up
date: 2026-01-01
currency: KWD
minor_digits: 3
rules:
  plan_of_month: first
  partial_month: share_of_days
  partial_block: free
  deduct_from_day: 5
  deduct_until_day: 9
  plan_fee: ahead
  plan_change: refund_and_buy
  refund: elapsed_days
  package_effect: same_day
  draw_order: [resource_package, package, free]
  resource_package_order: earliest_bought
meters:
  mau: {title: users, aggregate: unique, kinds: [login]}
  calls: {title: calls, aggregate: counter}
  peak: {title: peak, aggregate: gauge}
  share: {title: shares, aggregate: unique, kinds: [share]}
  minutes: {title: minutes, aggregate: counter}
plans:
  base:
    title: Base
    fee: "30"
    term: 1 month
    charges:
      mau: {model: graduated, free: "100", tiers: [{up_to: "50", unit_price: "0.1"}, {up_to: "150", unit_price: "0.05"}, {unit_price: "0.01"}]}
      calls: {model: blocks, free: "10", block: "100", unit_price: "2"}
      peak: {model: flat, free: "5", unit_price: "7.5"}
      share: {model: per_unit, unit_price: "0.0005", commitment: "3"}
      minutes: {model: daily_unit, free: "60", unit_price: "0.001"}
  more: {title: More, fee: "60", term: 1 month}
packages:
  calls: {title: calls, draws: calls, term: 1 month}
`

func TestSixthBook(t *testing.T) {
	cat, err := rating.ParseCatalog(map[string][]byte{"sixth.yaml": []byte(sixthBook)})
	if err != nil {
		t.Fatal(err)
	}
	standing := open(t, account("plan: sixth/base", "from: 2026-01-01", "renew: auto"))
	standing.catalog = cat
	for _, c := range []struct {
		meter  string
		exact  int
		amount string
	}{
		{"mau", 0, "0.000"}, {"mau", 100, "0.000"}, {"mau", 101, "0.100"}, {"mau", 150, "5.000"}, {"mau", 151, "5.050"}, {"mau", 250, "10.000"}, {"mau", 251, "10.010"},
		{"calls", 109, "0.000"}, {"calls", 110, "2.000"}, {"calls", 209, "2.000"}, {"calls", 210, "4.000"},
		{"peak", 5, "0.000"}, {"peak", 6, "7.500"}, {"peak", 600, "7.500"},
		{"share", 0, "3.000"}, {"share", 6000, "3.000"}, {"share", 6001, "3.001"}, // 3.0005, away from zero
	} {
		out, err := rating.Rate(standing.input("2026-04", use(c.meter, c.exact)))
		if err != nil {
			t.Fatal(err)
		}
		amount(t, out[0], c.meter, c.amount)
		if out[0].DeductFrom != "2026-05-05" || out[0].Currency != "KWD" {
			t.Errorf("%s", show(out[0]))
		}
	}
	out, err := rating.Rate(standing.input("2026-04", daily("minutes", "2026-04-01", 61, "2026-04-02", 60, "2026-04-30", 1060)))
	if err != nil {
		t.Fatal(err)
	}
	amount(t, out[0], "minutes", "1.001")
	if l := line(t, out[0], "minutes"); l.How != "(1 + 1000) × 0.001, above 60 a day" {
		t.Errorf("how: %s", l.How)
	}

	part := open(t, account("plan: sixth/base", "from: 2026-04-11", "renew: auto", "changes: [{at: 2026-04-26, plan: sixth/more}]",
		`packages: [{item: calls, quantity: "100", price: "1", bought: 2026-04-20}, {item: calls, quantity: "50", price: "1", bought: 2026-04-15, term: 1 year}]`))
	part.catalog = cat
	if out, err = rating.Rate(part.input("2026-04", use("mau", 150, "calls", 120))); err != nil {
		t.Fatal(err)
	}
	v := out[0]
	if v.Plan != "sixth/base" { // the first of the month
		t.Errorf("plan %s", v.Plan)
	}
	amount(t, v, "mau", "3.333")   // 5 × 20/30
	amount(t, v, "calls", "0.000") // 50 of the one bought first, then 70
	if v.Balances[1].Remaining != "0" || v.Balances[0].Remaining != "30" || v.Balances[0].From != "2026-04-20" {
		t.Errorf("%s", show(v.Balances))
	}
	if got := paid(v); !strings.Contains(got, "2026-04-26 sixth/base -15.000") { // 15 of 30 days, the day of change not used
		t.Errorf("%s", got)
	}
}

// TestNoCodeNamesABook keeps prices in books: code outside tests that knew one would be a special case. The examples that init and
// --help have for people name one, and so do the accounts of benchmarks and crash tests.
func TestNoCodeNamesABook(t *testing.T) {
	var ids []string
	for _, b := range builtin(t).Books() {
		ids = append(ids, b.Name)
	}
	named := regexp.MustCompile(`\b(` + strings.Join(ids, "|") + `)/[a-z]|"(` + strings.Join(ids, "|") + `)"`)
	examples := regexp.MustCompile(`(?m)\bExample: ("[^\n]*" \+\n\s*)*"[^\n]*"[,}]+$`)
	files := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(filepath.ToSlash(path), "../")
		if d.IsDir() && (rel == "bench" || rel == "endtoend" || rel != ".." && strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") || rel == "cmd/ingest/setup/texts.go" {
			return nil
		}
		files++
		text, err := os.ReadFile(path)
		text = examples.ReplaceAll(text, nil)
		if m := named.Find(text); m != nil {
			t.Errorf("%s names a book: %s", rel, m)
		}
		return err
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files, %v", files, err)
	}
}

// TestOneCurrency refuses a change to a plan in another currency: refunds and purchases of both would stand on one invoice.
func TestOneCurrency(t *testing.T) {
	docs := builtin(t).Documents()
	docs["sixth.yaml"] = []byte(sixthBook)
	cat, err := rating.ParseCatalog(docs)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, account("plan: tcsas/poc", "from: 2026-01-01", "changes: [{at: 2026-02-01, plan: sixth/base}]"))
	if err := s.accounts.Check(cat, time.UTC); err == nil || !strings.Contains(err.Error(), "accounts.yaml:6:38: accounts[0].changes[0].plan: sixth/base is billed in KWD, tcsas/poc in USD") {
		t.Errorf("%v", err)
	}
}

func TestBooksRefused(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"book: sixth", "book: Sixth", `book: name "Sixth": want lower-case letters`},
		{"date: 2026-01-01", "date: 2026-02-30", "date: date"},
		{"title: A sixth book\n", "", "misses the field title"},
		{"partial_block: free", "partial_block: freee", `rules.partial_block: unknown word "freee"`},
		{"plan_of_month: first", "plan_of_mont: first", `rules.plan_of_mont: unknown field; did you mean "plan_of_month"?`},
		{"deduct_from_day: 5", "deduct_from_day: 31", "rules.deduct_from_day: want a day from 1 to 28"},
		{"[resource_package, package, free]", "[package, package, free]", "draw_order"},
		{"calls: {model: blocks, free", "cals: {model: blocks, free", `plans.base.charges.cals: unknown meter; did you mean "calls"?`},
		{"block: \"100\"", "block: \"0\"", "plans.base.charges.calls.block: a block of 0 units"},
		{"unit_price: \"7.5\"", "unit_price: 7.5", "plans.base.charges.peak.unit_price: is not text"},
		{"{up_to: \"150\",", "{up_to: \"50\",", "tiers rise"},
		{"kinds: [share]", "kinds: []", "misses the field kinds"},
		{"minutes, aggregate: counter}", "minutes, aggregate: counter, kinds: [x]}", "has no kinds"},
		{"minutes, aggregate: counter}", "minutes, aggregate: gauge}", "has no daily units"},
		{"draws: calls", "draws: call", `unknown meter "call"; did you mean "calls"?`},
		{"model: flat", "model: flt", `unknown word "flt"`},
		{"fee: \"30\"", "fee: \"30.0005\"", "plans.base.fee: 30.0005: KWD has 3 decimals: no bill can hold it"},
		{"commitment: \"3\"", "commitment: \"0.0005\"", "commitment: 0.0005: KWD"},
		{"packages:\n", "items: {i: {title: I, prices: {base: \"0.0005\"}}}\npackages:\n", "items.i.prices.base: 0.0005: KWD"},
		{"packages:\n", "items: {i: {title: I, prices: {base: \"1\"}, promotion: \"0.0005\"}}\npackages:\n", "items.i.promotion: 0.0005: KWD"},
		{"packages:\n", "items: {i: {title: I, options: {base: {\"30\": \"0.0005\"}}}}\npackages:\n", "items.i.options.base.30: 0.0005: KWD"},
		{"packages:\n", "items: {i: {title: I, prices: {base: \"1\"}, promotion_last_day: 2026-01-01}}\npackages:\n", "there is no promotion"},
		{"packages:\n", "items: {i: {title: I, per: year, prices: {base: \"1\"}}}\npackages:\n", "of what is paid ahead"},
		{"packages:\n", "suspension: {keep_days: 9, after_bill: {hours: 24, days: 1}}\npackages:\n", "want one of hours, days and more_than_days"},
		{"packages:\n", "suspension: {keep_days: 9, after_bill: {days: 0}}\npackages:\n", "suspension.after_bill.days: 0: want 1 or more"},
		{"  deduct_until_day: 9\n", "", "want both deduct_from_day and deduct_until_day, or neither"},
		{"draw_order: [resource_package, package, free]", "draw_order: []", "draw_order: want free, package and resource_package"},
		{"currency: KWD", "currency: kwd", `"kwd": want three capital letters`},
	} {
		text := strings.Replace(sixthBook, c.from, c.to, 1)
		if text == sixthBook {
			t.Fatalf("%q is not in the book", c.from)
		}
		_, err := rating.ParseCatalog(map[string][]byte{"sixth.yaml": []byte(text)})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "sixth.yaml:") {
			t.Errorf("%s → %s: %v, want %s", c.from, c.to, err, c.want)
		}
	}
	twice := map[string][]byte{"a.yaml": []byte(sixthBook), "b.yaml": []byte(sixthBook)}
	if _, err := rating.ParseCatalog(twice); err == nil || !strings.Contains(err.Error(), `b.yaml: book: "sixth" is the book of a.yaml too`) {
		t.Errorf("%v", err)
	}
	if _, err := rating.ParseCatalog(nil); err == nil {
		t.Error("an empty catalog is accepted")
	}
}

func TestDocumentsRoundTrip(t *testing.T) {
	first := builtin(t)
	second, err := rating.ParseCatalog(first.Documents())
	if err != nil {
		t.Fatal(err)
	}
	if show(first.Describe()) != show(second.Describe()) || len(first.Plans()) != 16 {
		t.Errorf("%d plans, want 16", len(first.Plans()))
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sixth.yaml"), []byte(sixthBook), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("not a book"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Load(dir)
	if err != nil || len(c.Books()) != 1 {
		t.Fatalf("%v, %v", c, err)
	}
	if _, err := c.Plan("sixth/base"); err != nil {
		t.Error(err)
	}
	if _, err := catalog.Load(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "want a folder") {
		t.Errorf("%v", err)
	}
}

// TestDescribed holds what is shown of each book against a few facts of the sources.
func TestDescribed(t *testing.T) {
	text := show(builtin(t).Describe())
	for _, want := range []string{
		`"free": "200000"`, `"price": "149.99 a block of 10000"`, `"price": "10 each above the quota of a day, billed daily"`, `"fee": "399 a month"`,
		`"price": "200, once, now 0, paid ahead"`, `30: 79.99 a month`, `"date": "undated"`, `"push until used up"`, `"its mau h5 a month"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("misses %s", want)
		}
	}
}
