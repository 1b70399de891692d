package rating_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"headcount/rating"
)

// TestCorrect prices a month by the accounts of one after another, as corrections of the first: each time all that was ever
// billed adds up to what is right, and the same correction again changes nothing.
func TestCorrect(t *testing.T) {
	variants := []string{
		account(`plan: tcmpp/pro`, `from: 2026-01-01`, `apps: [a, b]`),
		account(`plan: tcmpp/pro`, `from: 2026-01-01`, `apps: [a, b]`, `overrides: {mau.free: "1000"}`),
		account(`plan: tcsas/enterprise`, `from: 2026-01-01`, `apps: [a]`, `late: report`),
		account(`plan: chat/standard`, `from: 2026-10-05`, `until: 2026-12-05`, `apps: [b]`),
		account(`plan: mpaas/standard`, `from: 2026-01-01`, `apps: [a, b]`, `packages: [{item: push, quantity: "200", price: "3", bought: 2026-10-01}]`),
		account(`plan: im/pro`, `from: 2026-08-10`, `apps: [a]`, `addons: [{item: rooms, from: 2026-09-15}]`),
		"accounts: []\n",
		`accounts: [{id: zeta, apps: [a], plan: tcsas/professional, from: 2026-01-01}, {id: acme, apps: [b], plan: tcmpp/pro, from: 2026-01-01, late: report}]`,
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	usage := func() []rating.AppUsage {
		n := func() int { return rnd.IntN(400_000) }
		return []rating.AppUsage{useOf("a", "mau", n(), "push", n(), "peak_dau", n()), useOf("b", "mau", n(), "push", n(), "peak_dau", n())}
	}
	for range 300 {
		onTime := usage()
		late := usage()
		for i := range late {
			for j := range late[i].Meters {
				late[i].Meters[j].Exact = onTime[i].Meters[j].Exact + late[i].Meters[j].Exact/10
			}
		}
		all := rating.Usage{Month: mustMonth("2026-10"), Apps: late}
		var issued []rating.Invoice
		for step := range 5 {
			s := open(t, variants[rnd.IntN(len(variants))])
			in := s.input("2026-10", onTime...)
			right, err := rating.Whole(in, all)
			if err != nil {
				t.Fatal(err)
			}
			var further []rating.Invoice // of the close, then of a correction
			if step == 0 {
				if further, err = rating.Rate(in); err != nil {
					t.Fatal(err)
				}
				late, err := rating.RateLate(rating.Input{Month: in.Month, Zone: in.Zone, Usage: all, Accounts: in.Accounts, Catalog: in.Catalog}, further, mustMonth("2026-11"))
				if err != nil {
					t.Fatal(err)
				}
				further = append(further, late...)
			} else if further, err = rating.Correct(in, all, issued, "because", mustMonth("2026-12")); err != nil {
				t.Fatal(err)
			}
			revisions := map[string]int{}
			for _, v := range issued {
				revisions[v.Account] = v.Revision
			}
			for _, v := range further {
				checkSum(t, v)
				if revisions[v.Account]++; v.Revision != revisions[v.Account] {
					t.Errorf("revision %d, want %d", v.Revision, revisions[v.Account])
				}
				if step > 0 && (v.Reason != "amended: because" || v.Status != rating.StatusFinal || v.DeductFrom != "2027-01-01" && v.Plan[:4] != "mpaa") {
					t.Errorf("%s", show(v))
				}
			}
			issued = append(issued, further...)
			if got, want := owed(t, issued), owed(t, right); got != want {
				t.Fatalf("step %d: billed is\n%s, right is\n%s\n%s", step, got, want, show(issued))
			}
			again, err := rating.Correct(in, all, issued, "because", mustMonth("2026-12"))
			if err != nil || len(again) > 0 {
				t.Fatalf("step %d again: %v, %s", step, err, show(again))
			}
		}
	}
}

// owed adds up what accounts are billed, and have paid ahead, over all revisions.
func owed(t *testing.T, invoices []rating.Invoice) string {
	t.Helper()
	number := func(s string) decimal.Decimal {
		d, err := decimal.NewFromString(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	total, prepaid := map[string]decimal.Decimal{}, map[string]decimal.Decimal{}
	for _, v := range invoices {
		total[v.Account] = total[v.Account].Add(number(v.Total))
		for _, p := range v.Prepaid {
			k := v.Account + " " + p.Item + " " + p.Date
			prepaid[k] = prepaid[k].Add(number(p.Amount))
		}
	}
	text := ""
	for _, all := range []map[string]decimal.Decimal{total, prepaid} {
		for k, v := range all {
			if v.IsZero() {
				delete(all, k)
				continue
			}
			all[k] = number(v.StringFixed(2))
		}
		text += fmt.Sprintln(all)
	}
	return text
}

// A revision behind a held one is held too.
func TestCorrectHeld(t *testing.T) {
	s := open(t, account(`plan: tcsas/professional`, `from: 2026-01-01`))
	in := s.input("2026-10", use("mau", 1000))
	issued := s.rate("2026-10", use("mau", 10))
	issued[0].Status, issued[0].Reason = rating.StatusHeld, "witnesses differ"
	out, err := rating.Correct(in, in.Usage, issued, "why", mustMonth("2026-12"))
	if err != nil || len(out) != 1 || out[0].Status != rating.StatusHeld || out[0].Reason != "amended: why; held: witnesses differ" {
		t.Errorf("%v, %s", err, show(out))
	}
}

// Where the tax rate was wrong, what is billed over all revisions is taxed by the right one, though no other amount changes.
func TestCorrectTax(t *testing.T) {
	var issued []rating.Invoice
	for i, x := range []struct{ tax, price, total, all, document string }{ // tax and total of the revision, tax of all
		{`tax: {rate: "7%"}`, "0.333", "333.00", "23.31", rating.DocumentInvoice},
		{`tax: {rate: "0%", note: reverse charge}`, "0.333", "0.00", "0.00", rating.DocumentCredit},
		{`tax: {rate: "19%"}`, "0.333", "0.00", "63.27", rating.DocumentInvoice},
		{`tax: {rate: "19%"}`, "0.111", "-222.00", "21.09", rating.DocumentCredit},
		{`late: bill`, "0.111", "0.00", "0.00", rating.DocumentCredit},
		{`tax: {rate: "7%"}`, "0.222", "111.00", "15.54", rating.DocumentInvoice},
	} {
		s := open(t, account(`plan: tcmpp/pro`, `from: 2026-01-01`, `overrides: {mau.free: "0", mau.unit_price: "`+x.price+`"}`, x.tax))
		in := s.input("2026-10", use("mau", 1000))
		correct := func() (out []rating.Invoice, err error) {
			if len(issued) == 0 {
				return rating.Rate(in)
			}
			return rating.Correct(in, in.Usage, issued, "why", mustMonth("2026-12"))
		}
		out, err := correct()
		if err != nil || len(out) != 1 || out[0].Total != x.total || out[0].Document != x.document || out[0].Retaxed() != (i > 0 && i != 3) {
			t.Fatalf("%d: %v, %s", i, err, show(out))
		}
		payable, _ := rating.Sum(out[0].Total, out[0].Tax)
		issued = append(issued, out[0])
		all := "0.00"
		for _, v := range issued {
			if all, err = rating.Sum(all, v.Tax); err != nil {
				t.Fatal(err)
			}
		}
		if all != x.all || payable != out[0].Payable {
			t.Errorf("%d: taxed %s in all, want %s: %s", i, all, x.all, show(out))
		}
		if again, err := rating.Correct(in, in.Usage, issued, "why", mustMonth("2026-12")); err != nil || len(again) > 0 {
			t.Errorf("%d: again %v, %s", i, err, show(again))
		}
	}
}
