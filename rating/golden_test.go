package rating_test

import (
	"testing"

	"headcount/rating"
)

// The golden examples, numbered as where they come from.

func TestGolden01(t *testing.T) {
	s := open(t, account("apps: [a, b]", "plan: tcsas/professional", "from: 2026-01-01"))
	v := s.one("2026-01", useOf("a", "mau", 1), useOf("b", "mau", 1))
	total(t, v, "0.04")
	for _, l := range v.Lines {
		if l.Amount != "0.02" {
			t.Errorf("app %s: %s, want 0.02", l.App, l.Amount)
		}
	}
}

func TestGolden02(t *testing.T) {
	s := open(t, account("plan: tcmpp/pro", "from: 2026-01-31"))
	total(t, s.one("2026-01", use("mau", 200001)), "0.02")
}

func TestGolden03(t *testing.T) {
	s := open(t, account("plan: tcmpp/poc-pro", "from: 2026-01-01"))
	total(t, s.one("2026-01", use("mau", 5000)), "0.00")
}

func TestGolden04(t *testing.T) {
	s := open(t, account("plan: mpaas/standard", "from: 2026-01-01",
		`packages: [{item: gateway_calls, quantity: "10000000", price: "60", bought: 2026-02-28}]`))
	v := s.one("2026-03", use("gateway_calls", 13000000))
	total(t, v, "45.00")
	if l := line(t, v, "gateway_calls"); l.Billable != "3000000" {
		t.Errorf("billable %s, want 3000000", l.Billable)
	}
}

func TestGolden05(t *testing.T) {
	s := open(t, account("plan: mpaas/standard", "from: 2026-01-01",
		`packages: [{item: mini-program, mau: 50000, price: "55440", bought: 2026-02-28, term: 1 year}]`))
	total(t, s.one("2026-03", use("gateway_calls", 25000000, "h5", 50000)), "75.00")
}

func TestGolden06(t *testing.T) {
	for _, c := range []struct {
		calls       int
		total, left string
	}{{20000000, "0.00", "1000000"}, {21000000, "0.00", "0"}, {21010000, "0.15", "0"}} {
		s := open(t, account("plan: mpaas/standard", "from: 2026-01-01", "packages:",
			`  - {item: mini-program, mau: 50000, price: "55440", bought: 2026-02-28}`,
			`  - {item: gateway_calls, quantity: "10000000", price: "60", bought: 2026-02-28, remaining: "1000000"}`))
		v := s.one("2026-03", use("gateway_calls", c.calls))
		total(t, v, c.total)
		if got := v.Balances[0].Remaining; got != c.left {
			t.Errorf("%d calls: %s left, want %s", c.calls, got, c.left)
		}
	}
}

func TestGolden07(t *testing.T) {
	s := open(t, account("plan: mpaas/standard", "from: 2026-01-01",
		`packages: [{item: push, quantity: "50000", price: "900", bought: 2026-03-10}]`))
	v := s.one("2026-03", daily("push", "2026-03-02", 15000, "2026-03-10", 5000, "2026-03-11", 20000, "2026-03-31", 5000))
	total(t, v, "600.00")
	if got := v.Balances[0].Remaining; got != "25000" {
		t.Errorf("%s left, want 25000", got)
	}
}

func TestGolden08(t *testing.T) {
	s := open(t, account("plan: mpaas/standard", "from: 2026-01-01",
		`packages: [{item: push, quantity: "50000", price: "900", bought: 2026-01-31}]`))
	for _, c := range []struct {
		month   string
		devices int
		total   string
	}{{"2026-02", 30000, "0.00"}, {"2026-03", 30000, "300.00"}, {"2026-04", 5, "0.15"}} {
		v := s.one(c.month, use("push", c.devices))
		total(t, v, c.total)
		s.balances = rating.Balances([]rating.Invoice{v})
	}
}

func TestGolden09(t *testing.T) {
	s := open(t, account("plan: mpaas/standard", "from: 2026-01-01"))
	v := s.one("2026-03", daily("gateway_calls", "2026-03-01", 6000, "2026-03-02", 6000, "2026-03-03", 5000))
	for i, want := range []string{"0.15", "0.15", "0.00"} {
		if v.Daily[i].Amount != want {
			t.Errorf("%s: %s, want %s", v.Daily[i].Day, v.Daily[i].Amount, want)
		}
	}
	if v.Daily[2].By != "2026-03-06" {
		t.Errorf("bill of 03-03 by %s, want 2026-03-06", v.Daily[2].By)
	}
	total(t, v, "0.30")
}

func TestGolden10to12(t *testing.T) {
	for _, base := range []string{
		"plan: im/pro\nfrom: 2019-02-10",
		"plan: im/trial\nfrom: 2019-01-01\nchanges: [{at: 2019-02-10, plan: im/pro}]",
	} {
		off := open(t, account(base, "addons: [{item: rooms, from: 2019-02-15, until: 2019-02-25}]"))
		total(t, off.one("2019-02"), "0.00")
		amount(t, off.one("2019-02"), "rooms", "0.00")
		total(t, off.one("2019-03"), "149.99") // the plan alone

		kept := open(t, account(base, "addons: [{item: rooms, from: 2019-02-15}]"))
		total(t, kept.one("2019-02"), "0.00")
		v := kept.one("2019-03")
		amount(t, v, "rooms", "149.99")
		if v.DeductFrom != "2019-04-01" {
			t.Errorf("bill on %s, want 2019-04-01", v.DeductFrom)
		}

		again := open(t, account(base, "addons:", "  - {item: rooms, from: 2019-02-15, until: 2019-02-25}", "  - {item: rooms, from: 2019-04-01}"))
		total(t, again.one("2019-03"), "149.99")
		v = again.one("2019-04")
		amount(t, v, "rooms", "149.99")
		if v.DeductFrom != "2019-05-01" {
			t.Errorf("bill on %s, want 2019-05-01", v.DeductFrom)
		}
	}
}

func TestGolden13(t *testing.T) {
	s := open(t, account("plan: im/trial", "from: 2026-01-01"))
	total(t, s.one("2026-01", use("peak_dau", 5000, "peak_groups", 100001)), "0.00")
}

func TestGolden14(t *testing.T) {
	s := open(t, account("plan: im/pro", "from: 2026-02-10", `addons: [{item: bandwidth, from: 2026-02-10, quantity: "10"}]`))
	total(t, s.one("2026-02"), "131.10")
	total(t, s.one("2026-03"), "363.89")
}

func TestGolden15(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-05-01", "renew: auto",
		"bills: [{month: 2026-05, pushed: 2026-06-03T09:00:00Z}]"))
	total(t, s.one("2026-06", use("mau", 10003)), "0.00")
	total(t, s.one("2026-06", use("mau", 10030)), "0.05")
}

func TestGolden16(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-06-01", "addons: [{item: push, from: 2026-06-01}]"))
	total(t, s.one("2026-06", daily("push_calls", "2026-06-01", 103, "2026-06-02", 40, "2026-06-03", 101)), "40.00")
}

func TestGolden17(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-06-01", "cancelled: 2026-06-10",
		`orders: [{at: 2026-06-01, plan: chat/standard, term: 1 month, cash: "300", credit: "99"}]`))
	refund(t, s.one("2026-06"), "-266.00", "cash 200.00, credit 66.00")
}

func TestGolden18(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-01-31", "term: 3 months", "cancelled: 2026-02-10"))
	v := s.one("2026-01")
	if len(v.Prepaid) != 1 || v.Prepaid[0].Amount != "1197.00" || v.Prepaid[0].Until != "2026-04-30" {
		t.Errorf("prepaid %s, want 1197.00 until 2026-04-30", show(v.Prepaid))
	}
	refund(t, s.one("2026-02"), "-1040.25", "cash 1040.25, credit 0.00")
}
