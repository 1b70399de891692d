package rating_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"headcount/rating"
)

// The bill of each day, made on that day from what was counted by then, is the one that the closed month has for it; and the
// month's bills add up to its invoice.
func TestDailyBillsAddUpToTheInvoice(t *testing.T) {
	books := builtin(t)
	seed := uint64(time.Now().UnixNano())
	for round := range uint64(100) {
		d := rand.New(rand.NewPCG(seed, round))
		accounts := randomDailyAccount(t, d)
		usage := randomDailyUsage(d)
		price := func(last string) rating.Invoice {
			t.Helper()
			invoices, err := rating.Rate(rating.Input{Month: mustMonth("2026-03"), Zone: time.UTC, Usage: upTo(usage, last), Accounts: accounts, Catalog: books})
			if err != nil || len(invoices) != 1 {
				t.Fatalf("seed %d, round %d: %d invoices, %v", seed, round, len(invoices), err)
			}
			return invoices[0]
		}
		whole := price("2026-03-31")
		sum := decimal.Zero
		for n := 1; n <= 31; n++ {
			day := fmt.Sprintf("2026-03-%02d", n)
			then, now := dayOf(t, price(day), day), dayOf(t, whole, day)
			sum = sum.Add(decimal.RequireFromString(then.Amount))
			if then != now || !decimal.RequireFromString(then.SoFar).Equal(sum) {
				t.Fatalf("seed %d, round %d: bill of the day %+v, of the closed month %+v; %s so far", seed, round, then, now, sum)
			}
		}
		if !sum.Equal(decimal.RequireFromString(whole.Total)) {
			t.Fatalf("seed %d, round %d: days add up to %s, the invoice is %s", seed, round, sum, whole.Total)
		}
	}
}

func dayOf(t *testing.T, v rating.Invoice, day string) rating.DayBill {
	t.Helper()
	b, err := rating.BillsOfDay([]rating.Invoice{v}, day)
	if err != nil || len(b) != 1 {
		t.Fatalf("%s: %+v, %v", day, b, err)
	}
	return b[0]
}

func randomDailyAccount(t *testing.T, d *rand.Rand) *rating.Accounts {
	t.Helper()
	text := fmt.Sprintf("accounts:\n  - id: acme\n    apps: [a, b]\n    plan: mpaas/standard\n    from: 2026-01-01\n"+
		"    overrides: {push.free: \"%d\", gateway_calls.free: \"%d\"}\n", d.IntN(500), d.IntN(30_000))
	if n := d.IntN(3); n > 0 {
		text += "    packages:\n"
		for i := range n {
			text += fmt.Sprintf("      - {item: %s, quantity: \"%d\", price: \"1\", bought: 2026-03-%02d}\n",
				[]string{"push", "gateway_calls"}[i], d.IntN(20_000), 1+d.IntN(28))
		}
	}
	accounts, err := rating.ParseAccounts("accounts.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return accounts
}

func randomDailyUsage(d *rand.Rand) rating.Usage {
	u := rating.Usage{Month: mustMonth("2026-03")}
	for _, app := range []string{"a", "b"} {
		a := rating.AppUsage{App: app}
		for meter, most := range map[string]int{"push": 300, "h5": 100, "gateway_calls": 20_000} {
			m := rating.MeterUsage{Meter: meter}
			for n := 1; n <= 31; n++ {
				m.Days = append(m.Days, rating.DayValue{Day: fmt.Sprintf("2026-03-%02d", n), Value: int64(d.IntN(most))})
			}
			a.Meters = append(a.Meters, m)
		}
		u.Apps = append(u.Apps, a)
	}
	return u
}

// upTo is the usage as it was known at a day's end.
func upTo(u rating.Usage, last string) rating.Usage {
	out := rating.Usage{Month: u.Month}
	for _, a := range u.Apps {
		b := rating.AppUsage{App: a.App}
		for _, m := range a.Meters {
			n := rating.MeterUsage{Meter: m.Meter}
			for _, day := range m.Days {
				if day.Day <= last {
					n.Days, n.Exact = append(n.Days, day), n.Exact+day.Value
				}
			}
			b.Meters = append(b.Meters, n)
		}
		out.Apps = append(out.Apps, b)
	}
	return out
}

func TestBillOfDayAddsRevisions(t *testing.T) {
	invoice := func(account string, revision int, amounts ...string) rating.Invoice {
		v := rating.Invoice{Account: account, Revision: revision, Total: "1.00", Status: rating.StatusFinal}
		for i, a := range amounts {
			v.Daily = append(v.Daily, rating.Day{Day: fmt.Sprintf("2026-03-%02d", i+1), Amount: a, By: "2026-03-09"})
		}
		return v
	}
	b, err := rating.BillsOfDay([]rating.Invoice{invoice("acme", 1, "0.10", "0.20", "5.00"), invoice("acme", 2, "0.00", "0.03"), invoice("bolt", 1)}, "2026-03-02")
	if err != nil || len(b) != 1 || b[0].Amount != "0.23" || b[0].SoFar != "0.33" {
		t.Errorf("%+v, %v; want one bill of 0.23, 0.33 so far", b, err)
	}
}
