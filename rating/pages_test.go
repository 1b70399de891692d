package rating_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"headcount/rating"
)

// The vendors' pages, rule by rule: what each row comes to was computed by hand from the page's words.

// prepaidOf lists what was paid ahead and back in a month, as "date item amount", the refunds' items with their sign.
func (s *scene) prepaidOf(month string) string {
	s.t.Helper()
	out := s.rate(month)
	if len(out) == 0 {
		return "no invoice"
	}
	return paid(out[0])
}

// At the instant of a renewal the old month is used up and the new one was never paid: nothing comes back.
func TestChangeAtTheRenewal(t *testing.T) {
	for _, c := range []struct{ fields, month, want string }{
		{"from: 2026-05-01\nrenew: auto\nchanges: [{at: 2026-06-01, plan: chat/premium}]", "2026-06", "2026-06-01 chat/premium 699.00"},
		{"from: 2026-05-01\nrenew: auto\nterm: 3 months\nchanges: [{at: 2026-08-01, plan: chat/premium}]", "2026-08", "2026-08-01 chat/premium 2097.00"},
		{"from: 2026-05-01\nchanges: [{at: 2026-06-01, plan: chat/premium}]", "2026-06", "2026-06-01 chat/premium 699.00"},
		// A second later it is renewed and paid, and one day of it used.
		{"from: 2026-05-01\nrenew: auto\nchanges: [{at: 2026-06-01T00:00:01Z, plan: chat/premium}]", "2026-06",
			"2026-06-01 chat/standard -385.70, 2026-06-01 chat/standard 399.00, 2026-06-01 chat/premium 699.00"},
		// Months of the term that are paid and not begun come back, but for the day of the change.
		{"from: 2026-05-01\nterm: 3 months\nchanges: [{at: 2026-06-01, plan: chat/premium}]", "2026-06", "2026-06-01 chat/standard -784.70, 2026-06-01 chat/premium 2097.00"},
		{"from: 2026-05-01\nrenew: auto\ncancelled: 2026-06-01", "2026-06", "no invoice"},
		{"from: 2026-05-01\ncancelled: 2026-05-01", "2026-05", "no invoice"},
	} {
		s := open(t, account("plan: chat/standard\n"+c.fields))
		if got := s.prepaidOf(c.month); sorted(got) != sorted(c.want) {
			t.Errorf("%q: %s, want %s", c.fields, got, c.want)
		}
	}
	s := open(t, account("plan: chat/standard", "from: 2026-05-01", "renew: auto"))
	if r := s.at("2026-06-01T00:00:00Z").Refund; r != nil && r.Amount != "0.00" {
		t.Errorf("cancelled at the renewal: %s", show(r))
	}
}

// An order of the day of cancelling is paid, and used for that day.
func TestOrderedAndCancelledAtOnce(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-05-01", "renew: auto", "cancelled: 2026-06-01",
		`orders: [{at: 2026-05-01, term: 1 month, cash: "399"}, {at: 2026-05-20, term: 1 month, cash: "399"}]`))
	if got := s.prepaidOf("2026-05"); got != "2026-05-01 chat/standard 399.00, 2026-05-20 chat/standard 399.00" {
		t.Errorf("%s", got)
	}
}

func sorted(list string) string {
	parts := strings.Split(list, ", ")
	for i := range parts {
		for j := range parts[:i] {
			if parts[i] < parts[j] {
				parts[i], parts[j] = parts[j], parts[i]
			}
		}
	}
	return strings.Join(parts, ", ")
}

func TestChatbotsByThePiece(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-05-01", "renew: auto", "addons:",
		`  - {item: chatbot_starter, from: 2026-05-01, quantity: "2"}`, `  - {item: chatbot_premium, from: 2026-05-02, until: 2026-06-01, quantity: "3"}`))
	if got := s.prepaidOf("2026-05"); got != "2026-05-01 chat/standard 399.00, 2026-05-01 chatbot_starter 400.00, 2026-05-02 chatbot_premium 1800.00" {
		t.Errorf("%s", got)
	}
}

// An account with a bill past due renews nothing, plan or plugin, until it has paid.
func TestArrearsRenewNothing(t *testing.T) {
	for _, c := range []struct {
		name, bill string
		want       map[string]string
	}{
		{"paid in time", "pushed: 2026-06-08T09:00:00Z, paid: 2026-06-09T09:00:00Z", map[string]string{
			"2026-06": "2026-06-10 chat/standard 399.00, 2026-06-12 search 399.00"}},
		{"never paid", "pushed: 2026-06-08T09:00:00Z", map[string]string{"2026-06": "", "2026-07": "no invoice", "2026-08": "no invoice"}},
		{"paid later: bought again that day, with a new anchor", "pushed: 2026-06-08T09:00:00Z, paid: 2026-06-20T12:00:00Z", map[string]string{
			"2026-06": "2026-06-20 chat/standard 399.00, 2026-06-20 search 399.00", "2026-07": "2026-07-20 chat/standard 399.00, 2026-07-20 search 399.00"}},
		{"paid within the day after the expiry: the term goes on", "pushed: 2026-06-08T09:00:00Z, paid: 2026-06-10T20:00:00Z", map[string]string{
			"2026-06": "2026-06-10 chat/standard 399.00, 2026-06-12 search 399.00", "2026-07": "2026-07-10 chat/standard 399.00, 2026-07-12 search 399.00"}},
		{"pushed before the renewal, paid the same day", "pushed: 2026-06-09T23:00:00Z, paid: 2026-06-10T08:00:00Z", map[string]string{
			"2026-06": "2026-06-10 chat/standard 399.00, 2026-06-12 search 399.00", "2026-07": "2026-07-10 chat/standard 399.00, 2026-07-12 search 399.00"}},
		{"pushed before the renewal, not paid in the day after", "pushed: 2026-06-09T23:00:00Z, paid: 2026-06-11T08:00:00Z", map[string]string{
			"2026-06": "2026-06-11 chat/standard 399.00, 2026-06-12 search 399.00"}},
		{"only the plugin meets the arrears", "pushed: 2026-06-10T09:00:00Z, paid: 2026-06-15", map[string]string{
			"2026-06": "2026-06-10 chat/standard 399.00, 2026-06-15 search 399.00", "2026-07": "2026-07-10 chat/standard 399.00, 2026-07-15 search 399.00"}},
	} {
		s := open(t, account("plan: chat/standard", "from: 2026-05-10", "renew: auto", "addons: [{item: search, from: 2026-05-12}]", "bills: [{month: 2026-05, "+c.bill+"}]"))
		for month, want := range c.want {
			if got := s.prepaidOf(month); got != want {
				t.Errorf("%s, %s: %s, want %s", c.name, month, got, want)
			}
		}
	}
	// Two bills, the second past due when the first is paid: the last payment counts.
	two := open(t, account("plan: chat/standard", "from: 2026-05-10", "renew: auto", "bills:",
		"  - {month: 2026-04, pushed: 2026-06-08, paid: 2026-06-20}", "  - {month: 2026-05, pushed: 2026-06-15, paid: 2026-06-25}"))
	if got := two.prepaidOf("2026-06"); got != "2026-06-25 chat/standard 399.00" {
		t.Errorf("two bills: %s", got)
	}
	owes := open(t, account("plan: chat/standard", "from: 2026-05-10", "renew: auto", "bills: [{month: 2026-05, pushed: 2026-06-08T09:00:00Z}]"))
	if sub := owes.at("2026-06-09T12:00:00Z"); sub.Renews || sub.Expiry != "2026-06-10T00:00:00Z" || len(sub.Due) != 0 || len(sub.Reminders) == 0 {
		t.Errorf("in arrears: %s", show(sub))
	}
}

// After the arrears are paid the service is back since then, and the calendar has things in their order.
func TestArrearsPaid(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-05-01", "renew: auto",
		"bills: [{month: 2026-05, pushed: 2026-06-03T09:00:00Z, paid: 2026-06-20T12:00:00Z}]"))
	if sub := s.at("2026-06-21T00:00:00Z"); sub.State != rating.Active || sub.Since != "2026-06-20T12:00:00Z" {
		t.Errorf("%s", show(sub))
	}
	days, err := rating.YearAhead(s.accounts, s.catalog, nil, "acme", time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range days {
		if d.Date < "2026-08-01" {
			got = append(got, d.Date+" "+d.What)
		}
	}
	want := "2026-06-04 suspended; 2026-06-20 active; 2026-07-01 deduction of the month before, until 2026-07-03; 2026-07-01 due: 399.00 for chat/standard a; 2026-07-01 new term, until 2026-08-01T00:00:00Z"
	if strings.Join(got, "; ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, "; "), want)
	}
	// What is foreseen and does not come to pass is in no calendar: the renewal of 06-10, in arrears.
	owes := open(t, account("plan: chat/standard", "from: 2026-05-10", "renew: auto", "bills: [{month: 2026-05, pushed: 2026-06-08, paid: 2026-06-20}]"))
	if days, err = rating.YearAhead(owes.accounts, owes.catalog, nil, "acme", time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	for _, d := range days {
		if d.Date == "2026-06-10" && strings.HasPrefix(d.What, "due") {
			t.Errorf("due in arrears: %s", show(days))
		}
	}
}

// A day's push calls above that day's quota are that day's charge, on days on which the plugin is on, and billed by T+3.
func TestPushCallsByDay(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-06-01", "renew: auto", "addons: [{item: push, from: 2026-06-10T15:00:00Z, until: 2026-06-20}]"))
	v := s.one("2026-06", daily("push_calls", "2026-06-09", 500, "2026-06-10", 103, "2026-06-11", 90, "2026-06-19", 101, "2026-06-20", 999))
	amount(t, v, "push_calls", "40.00")
	for day, want := range map[string][2]string{"2026-06-09": {"0.00", "0.00"}, "2026-06-10": {"30.00", "30.00"}, "2026-06-19": {"10.00", "40.00"}, "2026-06-20": {"0.00", "40.00"}} {
		bills, err := rating.BillsOfDay([]rating.Invoice{v}, day)
		if err != nil || len(bills) != 1 || bills[0].Amount != want[0] || bills[0].SoFar != want[1] {
			t.Errorf("%s: %s, %v, want %s", day, show(bills), err, want)
		}
		if day == "2026-06-10" && bills[0].By != "2026-06-13" {
			t.Errorf("bill of 06-10 by %s, want 2026-06-13", bills[0].By)
		}
	}
	if v := s.one("2026-06", use("mau", 20000)); v.Daily != nil {
		t.Errorf("the rest is billed by the month: %s", show(v.Daily))
	}
	// In arrears the plugin does not renew, and charges nothing until it is bought again.
	owes := open(t, account("plan: chat/standard", "from: 2026-06-01", "term: 12 months", "addons: [{item: push, from: 2026-06-10}]", "bills: [{month: 2026-06, pushed: 2026-07-05, paid: 2026-07-20}]"))
	v = owes.one("2026-07", daily("push_calls", "2026-07-09", 101, "2026-07-10", 500, "2026-07-19", 500, "2026-07-20", 102))
	amount(t, v, "push_calls", "30.00")
}

// Agents end with their desk: it and they are bought no more.
func TestAgentsEndWithTheirDesk(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-05-01", "term: 12 months", "addons:", "  - {item: desk, from: 2026-05-10, until: 2026-05-20}",
		"  - {item: desk, from: 2026-05-20, until: 2026-07-10}", `  - {item: desk_agent, from: 2026-05-12, quantity: "2"}`, "  - {item: desk, from: 2026-08-01}"))
	for month, want := range map[string]string{
		"2026-05": "2026-05-01 chat/standard 4788.00, 2026-05-10 desk 299.00, 2026-05-12 desk_agent 100.00, 2026-05-20 desk 299.00",
		"2026-06": "2026-06-12 desk_agent 100.00, 2026-06-20 desk 299.00", "2026-07": "", "2026-08": "2026-08-01 desk 299.00",
	} {
		if got := s.prepaidOf(month); sorted(got) != sorted(want) {
			t.Errorf("%s: %s, want %s", month, got, want)
		}
	}
}

// A pack of messages is bought once, and several may be; the promotion has a last day where the book knows one.
func TestMessagePacks(t *testing.T) {
	fields := account("plan: chat/standard", "from: 2026-05-01", "term: 12 months", "addons:", `  - {item: chatbot_messages, from: 2026-05-10, quantity: "2"}`,
		"  - {item: chatbot_messages, from: 2026-06-11, until: 2026-12-01}")
	s := open(t, fields)
	for month, want := range map[string]string{"2026-05": "2026-05-01 chat/standard 4788.00, 2026-05-10 chatbot_messages 0.00", "2026-06": "2026-06-11 chatbot_messages 0.00", "2026-07": ""} {
		if got := s.prepaidOf(month); got != want {
			t.Errorf("%s: %s, want %s", month, got, want)
		}
	}
	if p := s.one("2026-05").Prepaid[1]; p.Until != "" || p.From != "2026-05-10" || p.How != "2 × 0, instead of 200" {
		t.Errorf("%s", show(p))
	}
	books := builtin(t).Documents()
	books["chat.yaml"] = []byte(strings.Replace(string(books["chat.yaml"]), `promotion: "0" `, "promotion_last_day: 2026-06-10\n    promotion: \"0\" ", 1))
	ended, err := rating.ParseCatalog(books)
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, fields)
	s.catalog = ended
	for month, want := range map[string]string{"2026-05": "2026-05-01 chat/standard 4788.00, 2026-05-10 chatbot_messages 0.00", "2026-06": "2026-06-11 chatbot_messages 200.00"} {
		if got := s.prepaidOf(month); got != want {
			t.Errorf("with a last day, %s: %s, want %s", month, got, want)
		}
	}
}

// What the books show and nothing enforces.
func TestShown(t *testing.T) {
	text := show(builtin(t).Describe())
	for _, want := range []string{
		"at most 300 apps", "free edition lasts 7 days", `"broadcasting_rooms_per_day"`, "excluded from refunds", "tentatively until 2024-06-30", "Global coverage and broadcasting rooms",
		"Mini Program itself, H5 container itself", "Security armor", "Not covered: legacy items", "by contract, a year, paid ahead", "The kernel is included",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no book shows %s", want)
		}
	}
}

func TestIMTrialGroups(t *testing.T) {
	s := open(t, account("plan: im/trial", "from: 2026-01-01"))
	if l := line(t, s.one("2026-01", use("peak_groups", 100001)), "peak_groups"); l.Free != "100000" || l.Amount != "0.00" {
		t.Errorf("%s", show(l))
	}
}

// Each month of activation is free, as the first or from trial again; a plan that was in force before it is not.
func TestIMActivation(t *testing.T) {
	fields := "plan: im/pro\nfrom: 2026-01-10\nchanges: [{at: 2026-03-02, plan: im/trial}, {at: 2026-05-15, plan: im/pro}, {at: 2026-05-20, plan: im/flagship}]"
	for month, want := range map[string]string{"2026-01": "0.00", "2026-02": "149.99", "2026-03": "149.99", "2026-04": "0.00", "2026-05": "0.00", "2026-06": "449.99"} {
		total(t, open(t, account(fields)).one(month), want)
	}
	same := open(t, account("plan: im/pro", "from: 2026-01-10", "changes: [{at: 2026-03-02, plan: im/trial}, {at: 2026-03-20, plan: im/flagship}]"))
	total(t, same.one("2026-03"), "149.99") // pro was in force; flagship is activated
	books := builtin(t).Documents()
	books["im.yaml"] = []byte(strings.Replace(string(books["im.yaml"]), "activation: every", "activation: first", 1))
	first, err := rating.ParseCatalog(books)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, account(fields))
	s.catalog = first
	total(t, s.one("2026-05"), "449.99")
}

// A month suspended from its first day to its last costs no plan and no add-ons.
func TestIMSuspendedMonth(t *testing.T) {
	s := open(t, account("plan: im/pro", "from: 2026-01-10", "addons: [{item: rooms, from: 2026-02-01}, {item: bandwidth, from: 2026-02-01, quantity: \"10\"}]",
		"bills: [{month: 2026-01, pushed: 2026-02-20, paid: 2026-05-01}]"))
	for month, want := range map[string]string{"2026-02": "493.18", "2026-03": "0.00", "2026-04": "0.00", "2026-05": "513.88"} {
		total(t, s.one(month), want)
	}
	v := s.one("2026-03")
	for _, name := range []string{"im/pro", "rooms", "bandwidth"} {
		if l := line(t, v, name); !strings.Contains(l.How, "suspended the whole month") {
			t.Errorf("%s: %s", name, l.How)
		}
	}
	oneDay := open(t, account("plan: im/pro", "from: 2026-01-10", "bills: [{month: 2026-01, pushed: 2026-02-20, paid: 2026-03-31T23:00:00Z}]"))
	total(t, oneDay.one("2026-03"), "149.99") // back on its last day
}

func TestMPaaSHasNoDeductionWindow(t *testing.T) {
	s := open(t, account("plan: mpaas/standard", "from: 2026-01-01"))
	if v := s.one("2026-03", use("push", 5)); v.DeductFrom != "" || v.DeductUntil != "" || strings.Contains(show(v), "deduct") {
		t.Errorf("%s", show(v))
	}
	if sub := s.at("2026-03-10T00:00:00Z"); sub.DeductFrom != "" || sub.DeductUntil != "" {
		t.Errorf("%s", show(sub))
	}
}

// Security armor has the contract's price, for a month or a year; without one it is refused (TestAccountsRefused).
func TestSecurityArmor(t *testing.T) {
	s := open(t, account("plan: mpaas/standard", "from: 2026-01-01", `overrides: {security-armor-annual.fee: "1200", security-armor-monthly.fee: "120.5"}`,
		"addons: [{item: security-armor-annual, from: 2026-03-05}, {item: security-armor-monthly, from: 2026-02-01, until: 2026-03-01}]"))
	for month, want := range map[string]string{"2026-02": "2026-02-01 security-armor-monthly 120.50", "2026-03": "2026-03-05 security-armor-annual 1200.00", "2026-04": "", "2027-03": "2027-03-05 security-armor-annual 1200.00"} {
		if got := s.prepaidOf(month); got != want {
			t.Errorf("%s: %s, want %s", month, got, want)
		}
	}
	if p := s.one("2026-03").Prepaid[0]; p.Until != "2027-03-05" {
		t.Errorf("%s", show(p))
	}
}

// A package for one app covers that app's usage and no other, whatever the account's sum.
func TestPackageOfOneApp(t *testing.T) {
	of := func(packages string, free string) *scene {
		return open(t, account("apps: [a, b]", "plan: mpaas/standard", "from: 2026-01-01", `overrides: {push.free: "`+free+`"}`, "packages: ["+packages+"]"))
	}
	const a100 = `{item: push, quantity: "100", price: "1", bought: 2026-01-31, app: a}`
	for _, c := range []struct {
		packages, free  string
		a, b            int
		total, left, of string
	}{
		{a100, "0", 60, 60, "1.80", "40", "push/2026-01-31"},
		{a100, "0", 160, 60, "3.60", "0", "push/2026-01-31"},
		{a100, "0", 0, 60, "1.80", "100", "push/2026-01-31"},
		{a100, "50", 60, 60, "0.30", "40", "push/2026-01-31"}, // the free tier first, and then no more than a's 60
		{a100, "100", 60, 60, "0.00", "80", "push/2026-01-31"},
		{a100 + `, {item: push, quantity: "30", price: "1", bought: 2026-01-31, term: 2 months}`, "0", 60, 60, "0.90", "40", "push/2026-01-31"}, // 30 of the one that expires first
		{a100 + `, {item: push, quantity: "100", price: "1", bought: 2026-01-30, app: b}`, "0", 60, 60, "0.00", "40", "push/2026-01-30"},
	} {
		v := of(c.packages, c.free).one("2026-02", useOf("a", "push", c.a), useOf("b", "push", c.b))
		total(t, v, c.total)
		for _, b := range v.Balances {
			if b.Package == c.of && b.Remaining != c.left {
				t.Errorf("%s with %d free, %d and %d: %s left, want %s", c.packages, 0, c.a, c.b, b.Remaining, c.left)
			}
		}
	}
	bundle := of(`{item: mini-program, mau: 10000, price: "1", bought: 2026-01-31, app: a}`, "0")
	amount(t, bundle.one("2026-02", useOf("a", "h5", 10010), useOf("b", "h5", 20)), "h5", "0.90")
	// By day: each day draws no more than that app's own of the day.
	u, w := daily("push", "2026-02-01", 60, "2026-02-02", 10), daily("push", "2026-02-02", 60)
	w.App = "b"
	v := of(a100, "0").one("2026-02", u, w)
	total(t, v, "1.80")
	if v.Daily[0].Amount != "0.00" || v.Daily[1].Amount != "1.80" || v.Balances[0].Remaining != "30" {
		t.Errorf("%s", show(v))
	}
}

// Any field can be said otherwise by the contract, fees too.
func TestOverriddenFees(t *testing.T) {
	im := open(t, account("plan: im/pro", "from: 2026-01-10", "addons: [{item: rooms, from: 2026-02-01}, {item: history, option: 90, from: 2026-02-01}, {item: bandwidth, from: 2026-03-01, until: 2026-03-03, quantity: \"3\"}]",
		`overrides: {plan.fee: "120", rooms.fee: "100.5", history.fee: "1", bandwidth.fee: "0.005", peak_dau.commitment: "7"}`))
	v := im.one("2026-03")
	for name, want := range map[string]string{"im/pro": "120.00", "rooms": "100.50", "history": "1.00", "bandwidth": "0.03", "peak_dau": "7.00"} {
		amount(t, v, name, want)
	}
	if l := line(t, v, "im/pro"); l.Source.String() != "im 2020-08-06, by contract plan.fee" {
		t.Errorf("source %s", l.Source)
	}
	if l := line(t, v, "rooms"); l.Source.String() != "im 2020-08-06, by contract rooms.fee" {
		t.Errorf("source %s", l.Source)
	}
	chat := open(t, account("plan: chat/standard", "from: 2026-06-01", "cancelled: 2026-06-10", "addons: [{item: push, from: 2026-06-02}, {item: chatbot_messages, from: 2026-06-02}]",
		`overrides: {plan.fee: "300", push.fee: "250", chatbot_messages.fee: "150", push_calls.free: "50"}`))
	v = chat.one("2026-06")
	if got := paid(v); got != "2026-06-01 chat/standard 300.00, 2026-06-02 push 250.00, 2026-06-02 chatbot_messages 150.00, 2026-06-10 chat/standard -200.00" {
		t.Errorf("%s", got)
	}
	if s := v.Prepaid[1].Source.String(); s != "chat 2024-08-01, by contract push.fee" {
		t.Errorf("source %s", s)
	}
	pro := open(t, account("plan: tcsas/professional", "from: 2026-01-01", `overrides: {plan.fee: "120"}`)) // of a book without fees
	total(t, pro.one("2026-02"), "120.00")
	poc := open(t, account("plan: tcsas/poc", "from: 2026-01-01", `overrides: {plan.fee: "120"}`))
	total(t, poc.one("2026-02"), "0.00")
}

// An official plan has its year from its purchase, also after a proof of concept.
func TestOfficialPlanAfterTrial(t *testing.T) {
	s := open(t, account("plan: tcmpp/poc-pro", "from: 2026-01-10", "changes: [{at: 2026-03-05, plan: tcmpp/pro}]"))
	if sub := s.at("2026-04-01T00:00:00Z"); sub.TermFrom != "2026-03-05T00:00:00Z" || sub.TermUntil != "2027-03-05T00:00:00Z" || sub.Expiry != "2027-03-05T00:00:00Z" {
		t.Errorf("%s", show(sub))
	}
	if got := s.at("2027-03-05T00:00:00Z").State; got != rating.Expired {
		t.Errorf("after a year: %s", got)
	}
	if out := s.rate("2027-04", use("mau", 300000)); len(out) != 0 {
		t.Errorf("after a year: %s", show(out))
	}
	keeps := open(t, account("plan: tcmpp/pro", "from: 2026-01-10", "changes: [{at: 2026-03-05, plan: tcmpp/enterprise}]"))
	if sub := keeps.at("2026-04-01T00:00:00Z"); sub.TermUntil != "2027-01-10T00:00:00Z" {
		t.Errorf("a change between official plans keeps the term: %s", show(sub))
	}
}

// Days are days, also those on which the clocks change.
func TestSuspensionDoesNotDependOnClocks(t *testing.T) {
	for _, zone := range []string{"UTC", "America/New_York", "Asia/Shanghai", "America/Asuncion"} {
		z, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, expiry := range []string{"2026-11-01", "2026-03-08", "2017-10-01", "2017-09-30"} { // days with 25 and 23 hours
			day, err := rating.ParseDate(expiry)
			if err != nil {
				t.Fatal(err)
			}
			s := open(t, account("plan: chat/standard", "from: "+day.AddMonths(-1).String()))
			s.zone = z
			sub, err := rating.SubscriptionAt(s.accounts, s.catalog, z, "acme", day.AddDays(-2).Start(z))
			if err != nil {
				t.Fatal(err)
			}
			if want := day.AddDays(1).Start(z).Format(time.RFC3339); sub.Suspension != want {
				t.Errorf("%s, expiry %s: suspended %s, want %s", zone, expiry, sub.Suspension, want)
			}
			owes := open(t, account("plan: chat/standard", "from: 2017-01-01", "term: 1 month", "renew: auto", "bills: [{month: 2017-01, pushed: "+expiry+"}]"))
			owes.zone = z
			month := day.AddDays(1).Month
			v := owes.one(month.String(), use("mau", 13000))
			days := int(day.AddDays(1).Day) - 1 // in use before the day of suspension
			if l := line(t, v, "mau"); !strings.Contains(l.How, " days in use") || !strings.Contains(l.How, "× "+strconv.Itoa(days)+"/") {
				t.Errorf("%s, bill pushed %s: %s, want %d days in use", zone, expiry, l.How, days)
			}
		}
	}
}

// The pages' tables of limits; – is unlimited there.
func TestLimitsOfThePages(t *testing.T) {
	for plan, want := range map[string]string{
		"tcmpp/pro": "superapps 1, test_superapps 2, mini_programs_created 150, mini_programs_released 50", "tcmpp/enterprise": "superapps 1, test_superapps 2, mini_programs_created 600, mini_programs_released 200",
		"tcmpp/poc-pro": "superapps 0, test_superapps 2, mini_programs_created 150, mini_programs_released 150 (beta)", "tcmpp/poc-enterprise": "superapps 0, test_superapps 2, mini_programs_created 600, mini_programs_released 600 (beta)",
		"im/trial":      "users 100, friends 20, groups_per_user 50, members_per_group 20, audio_video_rooms 10, new_groups_per_day 10000, history_days 7",
		"im/pro":        "users –, friends 3000, groups_per_user 500, members_per_group 200, audio_video_rooms 50, new_groups_per_day 10000, history_days 7",
		"im/flagship":   "users –, friends 3000, groups_per_user 1000, members_per_group 200 private, 2000 else, audio_video_rooms –, new_groups_per_day 10000, history_days 30",
		"chat/trial":    "friends 20, groups_per_user 50, members_per_group 20, groups 100, audio_video_groups 50, broadcasting_rooms_per_day 5, new_groups_per_day 100, history_days 7",
		"chat/standard": "friends 3000, groups_per_user 500, members_per_group 200, groups –, audio_video_groups 50, broadcasting_rooms_per_day 5, new_groups_per_day 10000, history_days 7",
		"chat/premium":  "friends 3000, groups_per_user 1000, members_per_group 2000, groups –, audio_video_groups –, broadcasting_rooms_per_day 5, new_groups_per_day 10000, history_days 30",
	} {
		p, err := builtin(t).Plan(plan)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range p.Describe().Limits {
			got = append(got, l.Name+" "+strings.Replace(l.Value, "unlimited", "–", 1))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %s\nwant %s", plan, strings.Join(got, ", "), want)
		}
	}
	trial, err := builtin(t).Plan("chat/trial")
	if err != nil {
		t.Fatal(err)
	}
	premium, err := builtin(t).Plan("chat/premium")
	if err != nil {
		t.Fatal(err)
	}
	if len(premium.Features) != 12 || len(trial.Features) != 13 || trial.Features[0] != "push to all users" {
		t.Errorf("%d features that standard has not, and %q", len(premium.Features), trial.Features)
	}
}
