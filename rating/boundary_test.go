package rating_test

import (
	"fmt"
	"strings"
	"testing"

	"headcount/rating"
)

// TestBoundaries prices every charge of every book at 0, the quota, one above, n blocks, one more.
func TestBoundaries(t *testing.T) {
	for _, c := range []struct {
		plan, extra, meter string
		rows               []any // exact, amount, …
	}{
		{"tcsas/professional", "", "mau", []any{0, "0.00", 1, "0.02", 2, "0.03", 3, "0.05", 200000, "3000.00"}},
		{"tcsas/professional", `overrides: {mau.free: "200000"}`, "mau", []any{0, "0.00", 199999, "0.00", 200000, "0.00", 200001, "0.02", 200002, "0.03"}},
		{"tcsas/enterprise", "", "mau", []any{0, "0.00", 1, "0.01", 12345, "123.45"}},
		{"tcsas/minigame", "", "mau", []any{1, "0.01"}},
		{"tcsas/exclusive", "", "mau", []any{1, "0.01"}},
		{"tcsas/poc", "", "mau", []any{0, "0.00", 9999999, "0.00"}},
		{"tcmpp/pro", "", "mau", []any{0, "0.00", 200000, "0.00", 200001, "0.02", 200010, "0.15"}},
		{"tcmpp/pro", `overrides: {mau.unit_price: "0.012"}`, "mau", []any{200001, "0.01", 250000, "600.00"}},
		{"tcmpp/enterprise", "", "mau", []any{1000000, "0.00", 1000001, "0.01"}},
		{"tcmpp/poc-pro", "", "mau", []any{200, "0.00", 201, "0.00"}},
		{"tcmpp/poc-enterprise", "", "mau", []any{500, "0.00", 501, "0.00"}},
		{"mpaas/standard", "", "push", []any{0, "0.00", 1, "0.03"}},
		{"mpaas/standard", `overrides: {push.free: "1000"}`, "push", []any{1000, "0.00", 1001, "0.03"}},
		{"mpaas/standard", "", "release", []any{1, "0.03"}},
		{"mpaas/standard", "", "h5", []any{1, "0.03"}},
		{"mpaas/standard", "", "basic-analysis", []any{1, "0.03"}},
		{"mpaas/standard", "", "custom-analysis", []any{1, "0.03"}},
		{"mpaas/standard", "", "performance", []any{1, "0.03"}},
		{"mpaas/standard", "", "sync", []any{1, "0.03"}},
		{"mpaas/standard", "", "gateway_calls", []any{0, "0.00", 1, "0.15", 9999, "0.15", 10000, "0.15", 10001, "0.30", 30000, "0.45", 30001, "0.60"}},
		{"mpaas/standard", `overrides: {gateway_calls.block: "5000", gateway_calls.free: "5000"}`, "gateway_calls", []any{5000, "0.00", 5001, "0.15", 10000, "0.15", 10001, "0.30"}},
		{"im/trial", "", "peak_dau", []any{0, "0.00", 100, "0.00", 101, "0.00", 50000, "0.00"}},
		{"im/pro", "", "peak_dau", []any{0, "0.00", 10000, "0.00", 10001, "149.99", 20000, "149.99", 20001, "299.98"}},
		{"im/pro", "", "peak_groups", []any{100000, "0.00", 100001, "149.99", 200000, "149.99", 200001, "299.98"}},
		{"im/flagship", "", "peak_dau", []any{10000, "0.00", 10001, "149.99"}},
		{"im/flagship", "", "peak_groups", []any{100000, "0.00", 300000, "299.98", 300001, "449.97"}},
		{"chat/trial", "term: 12 months", "mau", []any{100, "0.00", 101, "0.00"}},
		{"chat/standard", "renew: auto", "mau", []any{0, "0.00", 10000, "0.00", 10001, "0.02", 10002, "0.03"}},
		{"chat/premium", "renew: auto", "mau", []any{10000, "0.00", 10001, "0.02"}},
		{"chat/standard", "renew: auto\naddons: [{item: push, from: 2026-01-01}]", "push_messages", []any{0, "0.00", 30000000, "0.00", 30000001, "0.10", 30010000, "0.10", 30010001, "0.20"}},
		{"chat/standard", "renew: auto\naddons: [{item: search, from: 2026-01-01}]", "search_stored", []any{1500000, "0.00", 1500001, "4.00", 1530000, "4.00", 1530001, "8.00"}},
		{"chat/standard", "renew: auto\naddons: [{item: search, from: 2026-01-01}]", "search_requests", []any{300000, "0.00", 300001, "4.00", 310000, "4.00", 310001, "8.00"}},
	} {
		s := open(t, account("plan: "+c.plan, "from: 2026-01-01", c.extra))
		for i := 0; i < len(c.rows); i += 2 {
			v := s.one("2026-03", use(c.meter, c.rows[i]))
			if l := line(t, v, c.meter); l.Amount != c.rows[i+1] {
				t.Errorf("%s, %s %d: %s (%s), want %s", c.plan, c.meter, c.rows[i], l.Amount, l.How, c.rows[i+1])
			}
		}
	}
}

// TestPartOfAMonth has plans that begin and end within the month: whole quota, whole count.
func TestPartOfAMonth(t *testing.T) {
	for _, c := range []struct {
		fields string
		want   map[string]string // month: total; absent: no invoice
	}{
		{"plan: tcmpp/pro\nfrom: 2026-01-31\nuntil: 2026-03-01", map[string]string{"2026-01": "0.02", "2026-02": "0.02"}},
		{"plan: tcmpp/pro\nfrom: 2024-02-29", map[string]string{"2024-02": "0.02", "2025-02": "0.02"}},
		{"plan: tcsas/enterprise\nfrom: 2026-01-31T23:59:59Z\nuntil: 2026-02-01", map[string]string{"2026-01": "2000.01"}},
		{"plan: tcsas/enterprise\nfrom: 2026-01-10\nuntil: 2026-02-01T00:00:01Z", map[string]string{"2026-01": "2000.01", "2026-02": "2000.01"}},
		{"plan: tcmpp/pro\nfrom: 2026-01-01\nchanges: [{at: 2026-01-31, plan: tcmpp/enterprise}]", map[string]string{"2026-01": "0.00", "2026-02": "0.00", "2026-03": "0.00"}},
		{"plan: tcmpp/pro\nfrom: 2026-01-01\nchanges: [{at: 2026-02-01, plan: tcmpp/enterprise}]", map[string]string{"2026-01": "0.02", "2026-02": "0.00", "2026-03": "0.00"}},
	} {
		s := open(t, account(c.fields))
		months := []string{"2023-12", "2024-01", "2024-02", "2025-02", "2025-03"}
		if !strings.Contains(c.fields, "2024") {
			months = []string{"2025-12", "2026-01", "2026-02", "2026-03"}
		}
		for _, month := range months {
			want, ok := c.want[month]
			if month == "2024-01" || month == "2025-03" {
				ok = false
			}
			out := s.rate(month, use("mau", 200001))
			switch {
			case !ok && len(out) != 0:
				t.Errorf("%q, %s: an invoice of %s, want none", c.fields, month, out[0].Total)
			case ok && (len(out) != 1 || out[0].Total != want):
				t.Errorf("%q, %s: %s, want %s", c.fields, month, show(out), want)
			}
		}
	}
}

// TestRoundedOnce has three lines whose exact sum rounds otherwise than the sum of their amounts.
func TestRoundedOnce(t *testing.T) {
	s := open(t, account("apps: [a, b, c]", "plan: tcsas/professional", "from: 2026-01-01", `overrides: {mau.unit_price: "0.0049"}`))
	v := s.one("2026-01", useOf("a", "mau", 1), useOf("b", "mau", 1), useOf("c", "mau", 1))
	total(t, v, "0.00") // 0.0049 each; their sum, 0.0147, would be 0.01
	s = open(t, account("plan: tcsas/professional", "from: 2026-01-01"))
	total(t, s.one("2026-01", use("mau", 3)), "0.05") // 0.045, not three times 0.02
}

func TestAppChangesAccount(t *testing.T) {
	s := open(t, `accounts:
  - {id: old, apps: [a, b], plan: tcmpp/pro, from: 2026-01-01, until: 2026-03-15}
  - {id: new, apps: [a], plan: tcsas/professional, from: 2026-03-15}
`)
	out := s.rate("2026-03", useOf("a", "mau", 10), useOf("b", "mau", 200001))
	if len(out) != 2 || out[0].Account != "new" || out[1].Account != "old" {
		t.Fatalf("%s", show(out))
	}
	total(t, out[0], "0.15")
	total(t, out[1], "0.02")
	if len(out[1].Lines) != 1 || out[1].Lines[0].App != "b" {
		t.Errorf("old is billed for %s, want b alone", show(out[1].Lines))
	}
	acc, plan, meters := s.accounts.MetersOf(s.catalog, mustMonth("2026-03"), s.zone, "a")
	if acc != "new" || plan != "tcsas/professional" || len(meters) != 1 || fmt.Sprint(meters[0].Kinds) != "[open]" {
		t.Errorf("meters of a in March: %s %s %v", acc, plan, meters)
	}
	acc, plan, meters = s.accounts.MetersOf(s.catalog, mustMonth("2026-02"), s.zone, "a")
	if acc != "old" || plan != "tcmpp/pro" || fmt.Sprint(meters[0].Kinds) != "[open search predownload]" {
		t.Errorf("meters of a in February: %s %s %v", acc, plan, meters)
	}
	if acc, _, meters = s.accounts.MetersOf(s.catalog, mustMonth("2026-02"), s.zone, "z"); acc != "" || meters != nil {
		t.Errorf("meters of z: %s %v", acc, meters)
	}
}

func TestNoAccounts(t *testing.T) {
	s := open(t, "accounts: []\n")
	out, err := rating.Rate(s.input("2026-03", use("mau", 5)))
	if err != nil || out == nil || len(out) != 0 {
		t.Errorf("%v, %v: want an empty list", out, err)
	}
	warnings, err := rating.Warnings(s.input("2026-03", use("mau", 5)))
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "app a is in no account") {
		t.Errorf("%v, %v", warnings, err)
	}
}
