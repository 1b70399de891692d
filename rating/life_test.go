package rating_test

import (
	"strings"
	"testing"
	"time"

	"headcount/rating"
)

func (s *scene) at(when string) *rating.Subscription {
	s.t.Helper()
	at, err := time.Parse(time.RFC3339, when)
	if err != nil {
		s.t.Fatal(err)
	}
	sub, err := rating.SubscriptionAt(s.accounts, s.catalog, s.zone, "acme", at)
	if err != nil {
		s.t.Fatal(err)
	}
	return sub
}

func TestChatExpires(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-03-01"))
	sub := s.at("2026-03-20T00:00:00Z")
	if sub.State != rating.Active || sub.TermUntil != "2026-04-01T00:00:00Z" || sub.Expiry != "2026-04-01T00:00:00Z" {
		t.Errorf("on 03-20: %s", show(sub))
	}
	if got := strings.Join(sub.Reminders, " "); got != "2026-03-26 2026-03-27 2026-03-28 2026-03-29 2026-03-30 2026-03-31 2026-04-01 2026-04-02" {
		t.Errorf("reminders %s", got)
	}
	if sub.Suspension != "2026-04-02T00:00:00Z" || sub.Repossession != "2026-07-01T00:00:00Z" {
		t.Errorf("suspension %s, repossession %s", sub.Suspension, sub.Repossession)
	}
	for when, want := range map[string]rating.State{
		"2026-02-28T23:59:59Z": rating.Pending,
		"2026-03-01T00:00:00Z": rating.Active,
		"2026-03-25T23:59:59Z": rating.Active,
		"2026-03-26T00:00:00Z": rating.Expiring,
		"2026-03-31T23:59:59Z": rating.Expiring,
		"2026-04-01T00:00:00Z": rating.Expired,
		"2026-04-01T23:59:59Z": rating.Expired,
		"2026-04-02T00:00:00Z": rating.Suspended,
		"2026-06-30T23:59:59Z": rating.Suspended,
		"2026-07-01T00:00:00Z": rating.Repossessed,
	} {
		if got := s.at(when).State; got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
}

func TestChatArrears(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-05-01", "renew: auto",
		"bills: [{month: 2026-05, pushed: 2026-06-03T09:00:00Z, paid: 2026-06-20T12:00:00Z}]"))
	for when, want := range map[string]rating.State{
		"2026-06-03T09:00:00Z": rating.Active,
		"2026-06-04T08:59:59Z": rating.Active,
		"2026-06-04T09:00:00Z": rating.Suspended,
		"2026-06-20T11:59:59Z": rating.Suspended,
		"2026-06-20T12:00:00Z": rating.Active,
	} {
		if got := s.at(when).State; got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	if sub := s.at("2026-06-10T00:00:00Z"); len(sub.Unpaid) != 1 || sub.Unpaid[0].Suspend != "2026-06-04T09:00:00Z" {
		t.Errorf("unpaid on 06-10: %s", show(sub.Unpaid))
	}
	if sub := s.at("2026-06-02T00:00:00Z"); len(sub.Unpaid) != 0 || sub.Suspension != "" {
		t.Errorf("on 06-02 nobody knows of the bill: %s", show(sub))
	}
	// 3 days before the suspension, and 11 from the day of payment on
	v := s.one("2026-06", use("mau", 10000+30*1000))
	amount(t, v, "mau", "210.00") // 30000 × 0.015 × 14/30
}

func TestIMSuspension(t *testing.T) {
	expires := open(t, account("plan: im/pro", "from: 2026-01-15", "until: 2026-04-01"))
	for when, want := range map[string]rating.State{
		"2026-03-31T23:59:59Z": rating.Active,
		"2026-04-08T23:59:59Z": rating.Expired, // the day of expiry not counted, seven more
		"2026-04-09T00:00:00Z": rating.Suspended,
		"2026-07-07T23:59:59Z": rating.Suspended,
		"2026-07-08T00:00:00Z": rating.Repossessed,
	} {
		if got := expires.at(when).State; got != want {
			t.Errorf("expiry, %s: %s, want %s", when, got, want)
		}
	}
	if out := expires.rate("2026-04", use("peak_dau", 50000)); len(out) != 0 {
		t.Errorf("usage after expiry is reported only: %s", show(out))
	}
	owes := open(t, account("plan: im/pro", "from: 2026-01-15", "bills: [{month: 2026-02, pushed: 2026-03-03T10:00:00Z}]"))
	for when, want := range map[string]rating.State{
		"2026-03-09T23:59:59Z": rating.Active, // the day of the push counted, seven days
		"2026-03-10T00:00:00Z": rating.Suspended,
		"2026-06-07T23:59:59Z": rating.Suspended,
		"2026-06-08T00:00:00Z": rating.Repossessed,
	} {
		if got := owes.at(when).State; got != want {
			t.Errorf("arrears, %s: %s, want %s", when, got, want)
		}
	}
	for paid, want := range map[string]rating.State{ // kept up to and with 06-07; what is lost is not recovered
		"2026-06-07T23:59:59Z": rating.Active, "2026-06-08": rating.Repossessed, "2026-06-20": rating.Repossessed,
	} {
		late := open(t, account("plan: im/pro", "from: 2026-01-15", "bills: [{month: 2026-02, pushed: 2026-03-03T10:00:00Z, paid: "+paid+"}]"))
		if got := late.at("2026-06-25T00:00:00Z").State; got != want {
			t.Errorf("paid %s: %s, want %s", paid, got, want)
		}
	}
	if out := owes.rate("2026-07"); len(out) != 0 {
		t.Errorf("a repossessed account has an invoice: %s", show(out))
	}
}

func TestNoSuspensionDerived(t *testing.T) {
	s := open(t, account("plan: tcsas/professional", "from: 2026-01-01", "until: 2026-04-01"))
	if sub := s.at("2026-04-01T00:00:00Z"); sub.State != rating.Expired || sub.Since != "2026-04-01T00:00:00Z" || sub.Suspension != "" || sub.Refund != nil || len(sub.Reminders) != 0 {
		t.Errorf("%s", show(sub))
	}
}

func TestTermKeepsAndClampsTheAnchor(t *testing.T) {
	for _, c := range []struct{ from, term, want string }{
		{"2023-03-01", "1 year", "2024-03-01T00:00:00Z"},
		{"2024-02-29", "1 year", "2025-02-28T00:00:00Z"},
		{"2024-02-29", "4 years", "2028-02-29T00:00:00Z"},
		{"2026-01-31", "1 year", "2027-01-31T00:00:00Z"},
		{"2026-01-31", "13 months", "2027-02-28T00:00:00Z"},
	} {
		s := open(t, account("plan: tcmpp/pro", "from: "+c.from, "term: "+c.term))
		if got := s.at(c.from + "T12:00:00Z").TermUntil; got != c.want {
			t.Errorf("%s + %s: %s, want %s", c.from, c.term, got, c.want)
		}
	}
	s := open(t, account("plan: chat/standard", "from: 2026-01-31", "renew: auto"))
	for at, want := range map[string]string{
		"2026-02-27T23:59:59Z": "2026-02-28", "2026-02-28T00:00:00Z": "2026-03-31", "2026-03-31T00:00:00Z": "2026-04-30", "2026-04-30T00:00:00Z": "2026-05-31",
	} {
		if sub := s.at(at); sub.TermUntil != want+"T00:00:00Z" || !sub.Renews {
			t.Errorf("%s: until %s, renews %v, want %s", at, sub.TermUntil, sub.Renews, want)
		}
	}
	if sub := s.at("2026-02-10T00:00:00Z"); len(sub.Due) != 1 || sub.Due[0].Date != "2026-02-28" || sub.Due[0].Amount != "399.00" || sub.Expiry != "" || len(sub.Reminders) != 0 {
		t.Errorf("due on 02-10: %s", show(sub))
	}
}

func TestRefundIfCancelledThen(t *testing.T) {
	one := open(t, account("plan: chat/standard", "from: 2026-06-01",
		`orders: [{at: 2026-06-01, plan: chat/standard, term: 1 month, cash: "300", credit: "99"}]`))
	three := open(t, account("plan: chat/standard", "from: 2026-01-31", "term: 3 months"))
	net := open(t, account("plan: chat/standard", "from: 2026-06-01",
		`orders: [{at: 2026-06-01, term: 1 month, cash: "200", credit: "100", voucher: "99"}]`))
	follows := open(t, account("plan: chat/standard", "from: 2026-06-01", "orders:",
		`  - {at: 2026-06-01, term: 1 month, cash: "399"}`, `  - {at: 2026-06-05, term: 2 months, cash: "600", credit: "198"}`))
	for _, c := range []struct {
		s                              *scene
		at, amount, cash, credit, note string
	}{
		{one, "2026-06-10T00:00:00Z", "266.00", "200.00", "66.00", "golden"},
		{one, "2026-06-10T23:59:59Z", "266.00", "200.00", "66.00", "started days"},
		{one, "2026-06-01T00:00:00Z", "385.70", "290.00", "95.70", "the first day is used"},
		{one, "2026-06-30T12:00:00Z", "0.00", "0.00", "0.00", "the last day uses all"},
		{three, "2026-02-10T00:00:00Z", "1040.25", "1040.25", "0.00", "golden"},
		{three, "2026-02-28T00:00:00Z", "785.13", "785.13", "0.00", "second plan month, 1 of 31 days"},
		{net, "2026-06-10T00:00:00Z", "167.00", "111.33", "55.67", "the voucher is not paid back"},
		{net, "2026-06-25T00:00:00Z", "0.00", "0.00", "0.00", "never below 0"},
		{follows, "2026-06-04T00:00:00Z", "345.80", "345.80", "0.00", "the second order is not known yet"},
		{follows, "2026-06-10T00:00:00Z", "1064.00", "888.00", "176.00", "an order not yet in effect is paid back whole"},
	} {
		r := c.s.at(c.at).Refund
		if r == nil || r.Amount != c.amount || r.Cash != c.cash || r.Credit != c.credit {
			t.Errorf("%s (%s): %s, want %s = %s + %s", c.at, c.note, show(r), c.amount, c.cash, c.credit)
		}
	}
	if r := one.at("2026-07-01T00:00:00Z").Refund; r != nil {
		t.Errorf("after expiry: %s, want none", show(r))
	}
}

func TestDisabledAndCancelled(t *testing.T) {
	s := open(t, account("plan: im/pro", "from: 2026-01-01", "disabled: 2026-03-05T10:00:00Z"))
	if got := s.at("2026-03-05T09:59:59Z").State; got != rating.Active {
		t.Errorf("before: %s", got)
	}
	if got := s.at("2027-03-05T10:00:00Z").State; got != rating.Disabled {
		t.Errorf("after: %s", got)
	}
	c := open(t, account("plan: chat/standard", "from: 2026-06-01", "cancelled: 2026-06-10"))
	for when, want := range map[string]rating.State{
		"2026-06-09T23:59:59Z": rating.Active, "2026-06-10T00:00:00Z": rating.Cancelled,
		"2026-09-07T23:59:59Z": rating.Cancelled, "2026-09-08T00:00:00Z": rating.Repossessed,
	} {
		if got := c.at(when).State; got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	amount(t, c.one("2026-06", use("mau", 20000)), "mau", "150.00") // whole
	if out := c.rate("2026-07", use("mau", 20000)); len(out) != 0 {
		t.Errorf("July: %s", show(out))
	}
}

func TestUnknownAccount(t *testing.T) {
	s := open(t, account("plan: im/pro", "from: 2026-01-01"))
	_, err := rating.SubscriptionAt(s.accounts, s.catalog, nil, "acne", time.Now())
	if err == nil || !strings.Contains(err.Error(), `did you mean "acme"?`) {
		t.Errorf("%v", err)
	}
}

func TestTrial(t *testing.T) {
	for _, c := range []struct {
		fields string
		states map[string]rating.State
	}{
		{"plan: chat/trial\nfrom: 2026-03-01", map[string]rating.State{
			"2026-03-02T00:00:00Z": rating.Trial, "2026-03-26T00:00:00Z": rating.Expiring, "2026-04-01T00:00:00Z": rating.Expired}},
		{"plan: im/trial\nfrom: 2026-03-01\nchanges: [{at: 2026-05-01, plan: im/pro}]", map[string]rating.State{
			"2026-03-02T00:00:00Z": rating.Trial, "2026-04-30T23:59:59Z": rating.Trial, "2026-05-01T00:00:00Z": rating.Active}},
		{"plan: tcmpp/poc-pro\nfrom: 2026-03-01", map[string]rating.State{"2026-03-02T00:00:00Z": rating.Trial}},
		{"plan: chat/standard\nfrom: 2026-03-01\nrenew: auto", map[string]rating.State{"2026-03-30T00:00:00Z": rating.Active}},
	} {
		s := open(t, account(c.fields))
		for when, want := range c.states {
			if got := s.at(when).State; got != want {
				t.Errorf("%q, %s: %s, want %s", c.fields, when, got, want)
			}
		}
	}
}
