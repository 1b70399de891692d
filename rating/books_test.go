package rating_test

import (
	"strings"
	"testing"

	"headcount/rating"
)

// TestKinds has example usage of which the books count different kinds.
func TestKinds(t *testing.T) {
	for plan, want := range map[string]string{
		"tcsas/professional": "mau: open",
		"tcmpp/pro":          "mau: open search predownload",
		"im/pro":             "peak_dau: login; peak_groups: ",
		"chat/trial":         "mau: login",
		"chat/standard":      "mau: login; push_calls: ; push_messages: ; search_stored: ; search_requests: ",
		"mpaas/standard": "release: release; h5: h5; basic-analysis: basic-analysis; custom-analysis: custom-analysis; " +
			"performance: performance; push: push; sync: sync; gateway_calls: ",
	} {
		s := open(t, account("plan: "+plan, "from: 2026-01-01", "renew: auto"))
		var got []string
		_, _, meters := s.accounts.MetersOf(s.catalog, mustMonth("2026-03"), nil, "a")
		for _, m := range meters {
			got = append(got, m.Name+": "+strings.Join(m.Kinds, " "))
			if m.People() != (len(m.Kinds) > 0) {
				t.Errorf("%s: %s counts people: %v, kinds %v", plan, m.Name, m.People(), m.Kinds)
			}
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: %s, want %s", plan, strings.Join(got, "; "), want)
		}
	}
}

func TestIMPlanFee(t *testing.T) {
	for _, c := range []struct {
		fields string
		want   map[string]string
	}{
		{"plan: im/pro\nfrom: 2026-02-10", map[string]string{"2026-02": "0.00", "2026-03": "149.99"}},
		{"plan: im/pro\nfrom: 2026-02-10\nchanges: [{at: 2026-02-20, plan: im/flagship}]", map[string]string{"2026-02": "0.00", "2026-03": "449.99"}},
		{"plan: im/pro\nfrom: 2026-02-10\nchanges: [{at: 2026-04-20, plan: im/flagship}]", map[string]string{"2026-03": "149.99", "2026-04": "449.99", "2026-05": "449.99"}},
		{"plan: im/flagship\nfrom: 2026-02-10\nchanges: [{at: 2026-04-20, plan: im/pro}]", map[string]string{"2026-03": "449.99", "2026-04": "449.99", "2026-05": "149.99"}},
		{"plan: im/trial\nfrom: 2026-01-01\nchanges: [{at: 2026-03-31, plan: im/pro}]", map[string]string{"2026-01": "0.00", "2026-03": "0.00", "2026-04": "149.99"}},
		{"apps: [a, b]\nplan: im/pro\nfrom: 2026-01-01", map[string]string{"2026-03": "299.98"}}, // sold for one SDKAppID
	} {
		s := open(t, account(c.fields))
		for month, want := range c.want {
			if v := s.one(month); v.Total != want {
				t.Errorf("%q, %s: %s, want %s", c.fields, month, v.Total, want)
			}
		}
	}
}

func TestIMAddons(t *testing.T) {
	for _, c := range []struct {
		addons, item string
		want         map[string]string // month: amount; "": no line
	}{
		{"[{item: rooms, from: 2026-04-10, until: 2026-04-11}]", "rooms", map[string]string{"2026-04": "149.99", "2026-05": ""}},
		{"[{item: content_filter, from: 2026-01-20, until: 2026-03-01}]", "content_filter", map[string]string{"2026-01": "0.00", "2026-02": "149.99", "2026-03": ""}},
		{"[{item: group_members, from: 2026-03-31}]", "group_members", map[string]string{"2026-03": "79.99", "2026-04": "79.99"}},
		{"[{item: groups_per_user, from: 2026-03-31}]", "groups_per_user", map[string]string{"2026-03": "149.99"}},
		{"[{item: history, option: 30, from: 2026-03-10}]", "history", map[string]string{"2026-03": "0.00", "2026-04": "79.99"}},
		{"[{item: history, option: 90, from: 2026-03-10, until: 2026-03-20}]", "history", map[string]string{"2026-03": "0.00", "2026-04": ""}},
		{"[{item: history, option: 180, from: 2026-03-10}]", "history", map[string]string{"2026-04": "229.99"}},
		{"[{item: history, option: 360, from: 2026-03-10}]", "history", map[string]string{"2026-04": "379.99"}},
		{"[{item: history, option: 90, from: 2026-03-10, until: 2026-05-10}, {item: history, option: 30, from: 2026-05-10}]", "history",
			map[string]string{"2026-04": "149.99", "2026-05": "149.99", "2026-06": "79.99"}},
		{"[{item: rooms, from: 2026-04-01, until: 2026-04-10}, {item: rooms, from: 2026-04-20}]", "rooms", map[string]string{"2026-04": "149.99"}},
		{`[{item: bandwidth, quantity: "3", from: 2026-04-30, until: 2026-05-02}]`, "bandwidth", map[string]string{"2026-04": "2.07", "2026-05": "2.07", "2026-06": ""}},
	} {
		s := open(t, account("plan: im/pro", "from: 2026-01-15", "addons: "+c.addons))
		for month, want := range c.want {
			v, got := s.one(month), ""
			for _, l := range v.Lines {
				if l.Item == c.item {
					got += l.Amount
				}
			}
			if got != want {
				t.Errorf("%s, %s: %q, want %q\n%s", c.addons, month, got, want, show(v.Lines))
			}
		}
	}
	flagship := open(t, account("plan: im/flagship", "from: 2026-01-15", "addons: [{item: history, option: 90, from: 2026-01-20}]"))
	amount(t, flagship.one("2026-02"), "history", "79.99")
	two := open(t, account("apps: [a, b]", "plan: im/pro", "from: 2026-01-15", "addons: [{item: rooms, from: 2026-02-01, app: b}]"))
	v := two.one("2026-02")
	total(t, v, "449.97")
	if l := line(t, v, "rooms"); l.App != "b" {
		t.Errorf("rooms of app %s, want b", l.App)
	}
}

func TestConfigurationWarning(t *testing.T) {
	s := open(t, account("plan: im/pro", "from: 2026-01-15", "addons:",
		"  - {item: history, option: 30, from: 2026-03-01, until: 2026-04-05}",
		"  - {item: history, option: 90, from: 2026-04-05, until: 2026-04-06}",
		"  - {item: history, option: 30, from: 2026-04-06}"))
	for month, want := range map[string]int{"2026-03": 0, "2026-04": 1, "2026-05": 0} {
		got, err := rating.Warnings(s.input(month))
		if err != nil || len(got) != want {
			t.Errorf("%s: %v, %v, want %d", month, got, err, want)
		}
	}
}

func TestMPaaSSums(t *testing.T) {
	s := open(t, account("apps: [a, b]", "plan: mpaas/standard", "from: 2026-01-01", `overrides: {push.free: "1000"}`))
	v := s.one("2026-03", useOf("a", "push", 600, "gateway_calls", 4000), useOf("b", "push", 600, "gateway_calls", 5000))
	amount(t, v, "push", "6.00")          // 1,200 − 1,000, not 600 and 600
	amount(t, v, "gateway_calls", "0.15") // 9,000: one block, not two
	if l := line(t, v, "push"); l.App != "" || l.Quantity != "1200" || l.Free != "1000" || l.Billable != "200" {
		t.Errorf("%s", show(l))
	}
}

func TestMPaaSOrder(t *testing.T) {
	fields := []string{"plan: mpaas/standard", "from: 2026-01-01", `overrides: {h5.free: "100"}`, "packages:",
		`  - {item: mini-program, mau: 10000, price: "20000", bought: 2026-02-01}`,
		`  - {item: h5, quantity: "300", price: "9", bought: 2026-02-02}`,
		`  - {item: h5, quantity: "200", price: "6", bought: 2026-02-01}`}
	for _, c := range []struct {
		devices             int
		early, late, amount string // left of the package that expires first, and of the other
	}{
		{100, "200", "300", "0.00"}, {10100, "200", "300", "0.00"}, {10101, "199", "300", "0.00"},
		{10300, "0", "300", "0.00"}, {10301, "0", "299", "0.00"}, {10600, "0", "0", "0.00"}, {10601, "0", "0", "0.03"},
	} {
		v := open(t, account(fields...)).one("2026-03", use("h5", c.devices))
		if v.Balances[1].Remaining != c.early || v.Balances[0].Remaining != c.late {
			t.Errorf("%d: %s and %s left, want %s and %s", c.devices, v.Balances[1].Remaining, v.Balances[0].Remaining, c.early, c.late)
		}
		amount(t, v, "h5", c.amount)
	}
	v := open(t, account(fields...)).one("2026-03", use("push", 1, "release", 1, "sync", 1, "performance", 10000, "basic-analysis", 10000, "custom-analysis", 10001))
	total(t, v, "0.12") // the mini-program package covers no push, release, sync
}

func TestMPaaSPackageTerm(t *testing.T) {
	s := open(t, account("plan: mpaas/standard", "from: 2026-01-01",
		`packages: [{item: push, quantity: "1000000", price: "900", bought: 2026-03-10}]`))
	for _, c := range []struct{ day, amount string }{
		{"2026-03-10", "0.03"}, {"2026-03-11", "0.00"}, {"2027-03-10", "0.00"}, {"2027-03-11", "0.03"},
	} {
		v := s.one(c.day[:7], daily("push", c.day, 1))
		amount(t, v, "push", c.amount)
	}
	// Without days a package in force within the month covers it.
	amount(t, s.one("2026-03", use("push", 7)), "push", "0.00")
	amount(t, s.one("2027-03", use("push", 7)), "push", "0.00")
	amount(t, s.one("2027-04", use("push", 7)), "push", "0.21")
	if v := s.one("2027-04"); len(v.Balances) != 0 {
		t.Errorf("an expired package is carried: %s", show(v.Balances))
	}
	if v := s.one("2026-03"); len(v.Prepaid) != 1 || v.Prepaid[0].Amount != "900.00" || v.Prepaid[0].Date != "2026-03-10" || v.Prepaid[0].From != "2026-03-11" {
		t.Errorf("%s", show(v.Prepaid))
	}
}

func TestMPaaSDailySumsToTheMonth(t *testing.T) {
	s := open(t, account("plan: mpaas/standard", "from: 2026-01-01"))
	u := daily("gateway_calls", "2026-03-01", 6000, "2026-03-30", 6000)
	u.Meters[0].Exact += 9000 // reported without a day
	v := s.one("2026-03", u)  // checkSum holds days against lines
	total(t, v, "0.45")
	if n := len(v.Daily); n != 31 || v.Daily[30].Amount != "0.15" {
		t.Errorf("%d days, the last %s", n, show(v.Daily))
	}
}

func TestChatPrepaid(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-01-31", "renew: auto", "addons:",
		"  - {item: push, from: 2026-02-10, until: 2026-03-15}",
		"  - {item: desk, from: 2026-02-10}",
		`  - {item: desk_agent, from: 2026-02-12, quantity: "2"}`,
		`  - {item: chatbot_messages, from: 2026-02-01, quantity: "3"}`))
	want := map[string]string{
		"2026-01": "2026-01-31 chat/standard 399.00",
		"2026-02": "2026-02-01 chatbot_messages 0.00, 2026-02-10 push 299.00, 2026-02-10 desk 299.00, 2026-02-12 desk_agent 100.00, 2026-02-28 chat/standard 399.00",
		"2026-03": "2026-03-10 push 299.00, 2026-03-10 desk 299.00, 2026-03-12 desk_agent 100.00, 2026-03-31 chat/standard 399.00",
		"2026-04": "2026-04-10 desk 299.00, 2026-04-12 desk_agent 100.00, 2026-04-30 chat/standard 399.00",
	}
	for month, list := range want {
		v := s.one(month)
		total(t, v, "0.00")
		if got := paid(v); got != list {
			t.Errorf("%s: %s\nwant %s", month, got, list)
		}
	}
}

func paid(v rating.Invoice) string {
	var got []string
	for _, p := range v.Prepaid {
		got = append(got, p.Date+" "+p.Item+" "+p.Amount)
	}
	return strings.Join(got, ", ")
}

func TestChatChangeOfPlan(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-06-01", "changes: [{at: 2026-06-10, plan: chat/premium}]", "addons:",
		"  - {item: search, from: 2026-06-01, until: 2026-06-10}", "  - {item: push, from: 2026-06-01}"))
	v := s.one("2026-06", use("mau", 10002))
	want := "2026-06-01 chat/standard 399.00, 2026-06-01 search 399.00, 2026-06-01 push 299.00, " +
		"2026-06-10 chat/standard -266.00, 2026-06-10 chat/premium 699.00, 2026-06-10 search -266.00"
	got := strings.Split(paid(v), ", ")
	for _, w := range strings.Split(want, ", ") {
		if !strings.Contains(paid(v), w) {
			t.Errorf("misses %s in %s", w, paid(v))
		}
	}
	if len(got) != 6 {
		t.Errorf("prepaid: %s", paid(v))
	}
	if v.Plan != "chat/premium" {
		t.Errorf("plan %s", v.Plan)
	}
	total(t, v, "0.03")
	if sub := s.at("2026-06-20T00:00:00Z"); sub.TermUntil != "2026-07-10T00:00:00Z" {
		t.Errorf("term until %s", sub.TermUntil)
	}
}

// The share of days in use is of arrears alone: usage in the month of an expiry is billed whole, in every zone.
func TestChatWholeAfterExpiry(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-03-01"))
	total(t, s.one("2026-03", use("mau", 13000)), "45.00")
	total(t, s.one("2026-04", use("mau", 13000)), "45.00") // in use on 04-01 alone
	if out := s.rate("2026-05", use("mau", 13000)); len(out) != 0 {
		t.Errorf("May: %s", show(out))
	}
	mid := open(t, account("plan: chat/standard", "from: 2026-03-16"))
	total(t, mid.one("2026-04", use("mau", 13000)), "45.00")
	owes := open(t, account("plan: chat/standard", "from: 2026-03-01", "renew: auto", "bills: [{month: 2026-03, pushed: 2026-03-31}]"))
	if l := owes.one("2026-04", use("mau", 13000)); l.Total != "0.00" {
		t.Errorf("suspended from 04-01 on: %s", show(l))
	}
}

// A day's calls above that day's quota are that day's charge, whatever the rest of the month: the share of days in use is of what
// has a month's quota. The day on which the service comes back is in use.
func TestChatSuspendedPush(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-06-01", "addons: [{item: push, from: 2026-06-01}]",
		"bills: [{month: 2026-05, pushed: 2026-06-03T09:00:00Z, paid: 2026-06-28T12:00:00Z}]"))
	u := daily("push_calls", "2026-06-02", 105, "2026-06-29", 101)
	u.Meters = append(u.Meters, use("push_messages", 30100000, "mau", 11000).Meters...)
	v := s.one("2026-06", u)
	amount(t, v, "push_calls", "60.00")
	amount(t, v, "push_messages", "0.20") // 10 blocks × 0.1 × 6/30: 06-01 to 06-03, 06-28 to 06-30
	amount(t, v, "mau", "3.00")
	total(t, v, "63.20")
}

func TestChatPushWithoutDays(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-06-01", "addons: [{item: push, from: 2026-06-01}]"))
	if v := s.one("2026-06", use("push_calls", 100)); v.Status != rating.StatusFinal || v.Total != "0.00" {
		t.Errorf("100 calls are within any day's quota: %s", show(v))
	}
	v := s.one("2026-06", use("push_calls", 101))
	if v.Status != rating.StatusHeld || !strings.Contains(v.Reason, "app a: push_calls is priced by day, and 101 of its 101 have no day") {
		t.Errorf("%s", show(v))
	}
	off := open(t, account("plan: chat/standard", "from: 2026-06-01"))
	if v := off.one("2026-06", use("push_calls", 101)); len(v.Lines) != 1 {
		t.Errorf("a meter of an item that is not on is reported, not charged: %s", show(v.Lines))
	}
}

func TestFreeOf(t *testing.T) {
	s := open(t, account("plan: tcmpp/pro", "from: 2026-01-01", `overrides: {mau.free: "300000"}`))
	if got := s.accounts.FreeOf(s.catalog, mustMonth("2026-03"), s.zone, "a", "mau"); got != "300000" {
		t.Errorf("free %s", got)
	}
	if got := s.accounts.FreeOf(s.catalog, mustMonth("2026-03"), s.zone, "b", "mau"); got != "" {
		t.Errorf("free of an app of nobody: %q", got)
	}
}

func TestSettle(t *testing.T) {
	for late, want := range map[string]string{"bill": "0.15", "report": "0.00"} {
		s := open(t, account("apps: [a, b]", "plan: tcmpp/pro", "from: 2026-01-01", "late: "+late))
		issued := s.rate("2026-10", useOf("a", "mau", 200005), useOf("b", "mau", 10))
		in := s.input("2026-10", useOf("a", "mau", 200015), useOf("b", "mau", 10))
		out, err := rating.RateLate(in, issued, mustMonth("2026-11"))
		if err != nil {
			t.Fatal(err)
		}
		if len(out) != 1 || out[0].Revision != 2 || len(out[0].Lines) != 1 || out[0].DeductFrom != "2026-12-01" {
			t.Fatalf("%s", show(out))
		}
		total(t, out[0], want)
		if l := out[0].Lines[0]; l.Quantity != "10" || l.Billable != "10" || l.App != "a" {
			t.Errorf("%s", show(l))
		}
		again, err := rating.RateLate(in, append(issued, out...), mustMonth("2026-11"))
		if err != nil || len(again) != 0 {
			t.Errorf("settled twice: %s, %v", show(again), err)
		}
	}
}

// TestSettleHeld has a revision for what came late of an invoice that is held: it waits with it, for the same reason.
func TestSettleHeld(t *testing.T) {
	s := open(t, account("plan: tcmpp/pro", "from: 2026-01-01"))
	issued := s.rate("2026-10", use("mau", 200005))
	in := s.input("2026-10", use("mau", 200015))
	for status, want := range map[string]string{rating.StatusHeld: "the estimate disagrees", rating.StatusFinal: ""} {
		issued[0].Status, issued[0].Reason = status, "the estimate disagrees"
		out, err := rating.RateLate(in, issued, mustMonth("2026-11"))
		if err != nil {
			t.Fatal(err)
		}
		if len(out) != 1 || out[0].Status != status || out[0].Reason != want {
			t.Errorf("%s before: %s", status, show(out))
		}
	}
}

// TestPackageOutlivesOtherBook has a month between under another book: what is left of a package is not forgotten.
func TestPackageOutlivesOtherBook(t *testing.T) {
	s := open(t, account("plan: mpaas/standard", "from: 2026-01-01", "changes: [{at: 2026-02-01, plan: tcsas/professional}, {at: 2026-03-01, plan: mpaas/standard}]",
		`packages: [{item: push, quantity: "50", price: "9", bought: 2025-12-31}]`))
	for _, c := range []struct {
		month   string
		devices int
		left    string
	}{{"2026-01", 20, "30"}, {"2026-02", 20, "30"}, {"2026-03", 20, "10"}} {
		v := s.one(c.month, use("push", c.devices))
		if len(v.Balances) != 1 || v.Balances[0].Remaining != c.left {
			t.Errorf("%s: %s, want %s left", c.month, show(v.Balances), c.left)
		}
		s.balances = rating.Balances([]rating.Invoice{v})
	}
}

// TestDrawnAndBilledMoveTogether has a device that was first seen after its package took effect, and, late, before it: the package is
// drawn on as it was, unless the meter is billed for what came late.
func TestDrawnAndBilledMoveTogether(t *testing.T) {
	push := func(days ...any) rating.AppUsage { return daily("push", days...) }
	with := func(u rating.AppUsage, meter string, n int) rating.AppUsage {
		u.Meters = append(u.Meters, use(meter, n).Meters...)
		return u
	}
	s := open(t, account("plan: mpaas/standard", "from: 2026-01-01",
		`packages: [{item: push, quantity: "50", price: "9", bought: 2026-08-10}, {item: sync, quantity: "50", price: "9", bought: 2026-07-31}]`))
	onTime := with(push("2026-08-20", 1), "sync", 3)
	for _, c := range []struct {
		name       string
		late       rating.AppUsage
		lines      string
		push, sync string // left
	}{
		{"nothing else late", with(push("2026-08-05", 1), "sync", 3), "", "49", "47"},
		{"another meter late", with(push("2026-08-05", 1), "sync", 4), "sync 0.00", "49", "46"},
		{"another device of the meter late", with(push("2026-08-05", 1, "2026-08-21", 1), "sync", 3), "push 0.03", "49", "47"},
	} {
		issued := s.rate("2026-08", onTime)
		further, err := rating.RateLate(s.input("2026-08", c.late), issued, mustMonth("2026-09"))
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, v := range further {
			for _, l := range v.Lines {
				lines = append(lines, l.Meter+" "+l.Amount)
			}
		}
		left := map[string]string{}
		for _, b := range rating.Balances(append(issued, further...)) {
			left[b.Item] = b.Remaining
		}
		if strings.Join(lines, ", ") != c.lines || left["push"] != c.push || left["sync"] != c.sync {
			t.Errorf("%s: lines %q, want %q; left %v, want %s and %s", c.name, lines, c.lines, left, c.push, c.sync)
		}
	}
}

// TestLateReportDrawsOnNothing has an account that is not billed for what comes late: its packages are not drawn on for it either.
func TestLateReportDrawsOnNothing(t *testing.T) {
	for late, want := range map[string]string{"bill": "10", "report": "30"} {
		s := open(t, account("plan: mpaas/standard", "from: 2026-01-01", "late: "+late, `packages: [{item: push, quantity: "50", price: "9", bought: 2025-12-31}]`))
		issued := s.rate("2026-01", use("push", 20))
		revisions, err := rating.RateLate(s.input("2026-01", use("push", 40)), issued, mustMonth("2026-02"))
		if err != nil || len(revisions) != 1 || revisions[0].Total != "0.00" {
			t.Fatalf("%v, %s", err, show(revisions))
		}
		s.balances = rating.Balances(append(issued, revisions...))
		if got := s.one("2026-02").Balances[0].Remaining; got != want {
			t.Errorf("late: %s: %s left, want %s", late, got, want)
		}
	}
}
