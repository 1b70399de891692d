package verify

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headcount/rating"
	"headcount/rating/catalog"
	"headcount/rating/ledger"
)

const pricedAccounts = `accounts:
  - {id: calls, apps: [a, b], plan: mpaas/standard, from: 2026-01-01, overrides: {push.free: "3"}, packages: [{item: push, quantity: "5", price: "9", bought: 2026-03-09}]}
  - {id: chats, apps: [c], plan: chat/standard, from: 2026-03-01, addons: [{item: push, from: 2026-03-01}], bills: [{month: 2026-02, pushed: 2026-03-20}]}
  - {id: idle, apps: [nobody], plan: tcmpp/pro, from: 2026-01-01}
  - {id: talks, apps: [d], plan: im/pro, from: 2026-01-01, addons: [{item: history, option: 90, from: 2026-02-01}, {item: bandwidth, quantity: "2", from: 2026-03-30}]}
`

// priced is a recount of March 2026, made up, and the invoices that the first rating makes of it.
func priced(t *testing.T) (v *verification, invoices []rating.Invoice) {
	t.Helper()
	books, err := catalog.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := rating.ParseAccounts("accounts.yaml", []byte(pricedAccounts))
	if err != nil {
		t.Fatal(err)
	}
	v = &verification{apps: map[string]*app{}, report: &Report{}, month: 2026*12 + 2, sets: map[string][]uint16{}}
	v.Month = "2026-03"
	v.rules = &monthRules{}
	v.rules.Kinds = []string{"open", "push", "login"}
	v.book = &book{zone: time.UTC}
	v.closing = ledger.Closing{Books: books.Documents(), Accounts: []byte(pricedAccounts)}
	u := rating.Usage{Month: ledger.Month(v.month)}
	people := func(name, kind string, days ...int) {
		c := &setCount{}
		for i := 0; i < len(days); i += 2 {
			c.exact += uint64(days[i+1])
			c.fresh[days[i]], c.days[days[i]] = uint64(days[i+1]), uint64(days[i+1])
		}
		v.appOf(name).sets[v.setOf([]string{kind})] = c
	}
	people("a", "push", 2, 4, 9, 3, 12, 2)
	people("b", "push", 10, 1, 31, 9)
	people("c", "login", 1, 10020)
	people("d", "login", 1, 9000, 2, 20001)
	v.appOf("c").totals[quantity{"push_calls", "s", 4}] = standing{1, 103}
	v.appOf("d").totals[quantity{"peak_groups", "s", 0}] = standing{1, 100001}
	v.appOf("b").totals[quantity{"gateway_calls", "s", 0}] = standing{1, 10001}
	for _, name := range []string{"a", "b", "c", "d"} {
		x := rating.AppUsage{App: name}
		_, _, meters := accounts.MetersOf(books, ledger.Month(v.month), time.UTC, name)
		for _, m := range meters {
			exact, days := v.value(v.apps[name], m.Name, meter{Aggregate: string(m.Aggregate), Kinds: m.Kinds})
			y := rating.MeterUsage{Meter: m.Name, Exact: int64(exact)}
			for day, n := range days {
				if n > 0 {
					y.Days = append(y.Days, rating.DayValue{Day: fmt.Sprintf("%s-%02d", v.Month, day), Value: int64(n)})
				}
			}
			x.Meters = append(x.Meters, y)
		}
		u.Apps = append(u.Apps, x)
	}
	invoices, err = rating.Rate(rating.Input{Month: ledger.Month(v.month), Zone: time.UTC, Usage: u, Accounts: accounts, Catalog: books})
	if err != nil {
		t.Fatal(err)
	}
	return v, invoices
}

// check holds documents against the recount and returns the differences.
func (v *verification) checkDocuments(t *testing.T, documents ...any) []Difference {
	t.Helper()
	v.report, v.stored.Invoices = &Report{}, nil
	for _, d := range documents {
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		v.stored.Invoices = append(v.stored.Invoices, ledger.Invoice{Document: text})
	}
	v.prices = v.readPrices()
	if err := v.checkInvoices(); err != nil {
		t.Fatal(err)
	}
	return v.report.Differences
}

// TestEveryNumberOfAnInvoice changes each value of honest invoices, one at a time, as a wrong rating would have: each is named.
func TestEveryNumberOfAnInvoice(t *testing.T) {
	v, honest := priced(t)
	documents := make([]any, len(honest))
	for i, x := range honest {
		text, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &documents[i]); err != nil {
			t.Fatal(err)
		}
	}
	if d := v.checkDocuments(t, documents...); len(d) > 0 {
		t.Fatalf("honest invoices: %v", d)
	}
	free := map[string]bool{"how": true, "reason": true, "by": true, "status": true, "book": true, "overrides": true}
	changed := map[string]int{}
	var walk func(at string, x any, set func(any))
	walk = func(at string, x any, set func(any)) {
		switch x := x.(type) {
		case map[string]any:
			for k, y := range x {
				if !free[k] {
					walk(at+"."+k, y, func(z any) { x[k] = z })
				}
			}
		case []any:
			for i, y := range x {
				walk(at, y, func(z any) { x[i] = z })
			}
		case string:
			other := x + "1"
			switch at {
			case ".balances.item", ".balances.from", ".balances.until", ".daily.day", ".prepaid.source.version":
				return // other values stand for these: a package's name, the position, the item
			}
			set(other)
			if d := v.checkDocuments(t, documents...); len(d) == 0 {
				t.Errorf("%s: %s for %s is not named", at, other, x)
			}
			set(x)
			changed[at]++
		}
	}
	for i := range documents {
		walk("", documents[i], nil)
	}
	for _, at := range []string{".total", ".lines.amount", ".lines.quantity", ".lines.free", ".lines.billable", ".lines.unit_price", ".prepaid.amount", ".balances.remaining", ".daily.amount"} {
		if changed[at] == 0 {
			t.Errorf("no %s was changed", at)
		}
	}
	if d := v.checkDocuments(t, documents[1:]...); len(d) != 1 || !strings.Contains(d[0].Place, "calls") {
		t.Errorf("a missing invoice: %v", d)
	}
	if d := v.checkDocuments(t, slices.Concat(documents, documents[:1])...); len(d) != 1 {
		t.Errorf("an invoice twice: %v", d)
	}
}
