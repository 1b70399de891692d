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
	"headcount/verify/chain"
	"headcount/verify/recount"
	"headcount/verify/report"
)

const pricedAccounts = `accounts:
  - {id: calls, apps: [a, b], plan: mpaas/standard, from: 2026-01-01, overrides: {push.free: "3"}, packages: [{item: push, quantity: "5", price: "9", bought: 2026-03-09}]}
  - {id: chats, apps: [c], plan: chat/standard, from: 2026-03-01, addons: [{item: push, from: 2026-03-01}], bills: [{month: 2026-02, pushed: 2026-03-20}]}
  - {id: idle, apps: [nobody], plan: tcmpp/pro, from: 2026-01-01}
  - {id: talks, apps: [d], plan: im/pro, from: 2026-01-01, addons: [{item: history, option: 90, from: 2026-02-01}, {item: bandwidth, quantity: "2", from: 2026-03-30}]}
`

// priced is a recount of March 2026, made up, and the invoices that the first rating makes of it.
func priced(t *testing.T) (m *closedMonth, n *recount.Numbers, invoices []rating.Invoice) {
	t.Helper()
	books, err := catalog.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := rating.ParseAccounts("accounts.yaml", []byte(pricedAccounts))
	if err != nil {
		t.Fatal(err)
	}
	rules := &recount.Rules{Kinds: []string{"open", "push", "login"}}
	m = &closedMonth{name: "2026-03", subject: &recount.Subject{Month: 2026*12 + 2, Rules: rules, Zone: time.UTC,
		Closing: chain.Closing{Books: books.Documents(), Accounts: []byte(pricedAccounts)}}}
	n = &recount.Numbers{Apps: map[string]*recount.App{}}
	for _, name := range []string{"a", "b", "c", "d"} {
		n.Apps[name] = &recount.App{Sets: map[uint16]*recount.SetCount{}, Totals: map[recount.Quantity]recount.Standing{}}
	}
	u := rating.Usage{Month: rating.Month(m.subject.Month)}
	people := func(name, kind string, days ...int) {
		c := &recount.SetCount{}
		for i := 0; i < len(days); i += 2 {
			c.Exact += uint64(days[i+1])
			c.Fresh[days[i]], c.Days[days[i]] = uint64(days[i+1]), uint64(days[i+1])
		}
		n.Apps[name].Sets[rules.Set([]string{kind})] = c
	}
	people("a", "push", 2, 4, 9, 3, 12, 2)
	people("b", "push", 10, 1, 31, 9)
	people("c", "login", 1, 10020)
	people("d", "login", 1, 9000, 2, 20001)
	n.Apps["c"].Totals[recount.Quantity{Meter: "push_calls", Source: "s", Day: 4}] = recount.Standing{Revision: 1, Value: 103}
	n.Apps["d"].Totals[recount.Quantity{Meter: "peak_groups", Source: "s", Day: 0}] = recount.Standing{Revision: 1, Value: 100001}
	n.Apps["b"].Totals[recount.Quantity{Meter: "gateway_calls", Source: "s", Day: 0}] = recount.Standing{Revision: 1, Value: 10001}
	for _, name := range []string{"a", "b", "c", "d"} {
		of := rating.AppUsage{App: name}
		_, _, meters := accounts.MetersOf(books, rating.Month(m.subject.Month), time.UTC, name)
		for _, x := range meters {
			exact, days := n.Apps[name].Value(x.Name, string(x.Aggregate), rules.Set(x.Kinds))
			y := rating.MeterUsage{Meter: x.Name, Exact: int64(exact)}
			for day, value := range days {
				if value > 0 {
					y.Days = append(y.Days, rating.DayValue{Day: fmt.Sprintf("%s-%02d", m.name, day), Value: int64(value)})
				}
			}
			of.Meters = append(of.Meters, y)
		}
		u.Apps = append(u.Apps, of)
	}
	invoices, err = rating.Rate(rating.Input{Month: rating.Month(m.subject.Month), Zone: time.UTC, Usage: u, Accounts: accounts, Catalog: books})
	if err != nil {
		t.Fatal(err)
	}
	return m, n, invoices
}

// checkDocuments compares documents with the recount and returns the differences.
func (m *closedMonth) checkDocuments(t *testing.T, n *recount.Numbers, documents ...any) []report.Difference {
	t.Helper()
	r, with := report.New(m.name), *m
	for _, d := range documents {
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		with.stored.Invoices = append(with.stored.Invoices, chain.Invoice{Document: text})
	}
	with.prices = with.readPrices(r)
	if err := checkInvoices(t.Context(), &with, n, r); err != nil {
		t.Fatal(err)
	}
	return r.Differences
}

// TestEveryNumberOfAnInvoice changes each value of honest invoices, one at a time, as a wrong rating would have: each is named.
func TestEveryNumberOfAnInvoice(t *testing.T) {
	m, n, honest := priced(t)
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
	if d := m.checkDocuments(t, n, documents...); len(d) > 0 {
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
			if d := m.checkDocuments(t, n, documents...); len(d) == 0 {
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
	if d := m.checkDocuments(t, n, documents[1:]...); len(d) != 1 || !strings.Contains(d[0].Place, "calls") {
		t.Errorf("a missing invoice: %v", d)
	}
	if d := m.checkDocuments(t, n, slices.Concat(documents, documents[:1])...); len(d) != 1 {
		t.Errorf("an invoice twice: %v", d)
	}
}
