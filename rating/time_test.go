package rating_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"headcount/rating"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestBillingZone has months and days that begin where the billing zone says, also where clocks change at midnight.
func TestBillingZone(t *testing.T) {
	for _, c := range []struct {
		zone, from, until string
		want              map[string]bool // month: in force
	}{
		{"Asia/Shanghai", "2026-02-01", "2026-03-01", map[string]bool{"2026-01": false, "2026-02": true, "2026-03": false}},
		{"Asia/Shanghai", "2026-01-31T16:00:00Z", "2026-02-28T16:00:00Z", map[string]bool{"2026-01": false, "2026-02": true, "2026-03": false}},
		{"Asia/Shanghai", "2026-01-31T15:59:59Z", "2026-02-28T16:00:01Z", map[string]bool{"2026-01": true, "2026-02": true, "2026-03": true}},
		{"America/Los_Angeles", "2026-03-01T07:59:59Z", "2026-04-01", map[string]bool{"2026-02": true, "2026-03": true, "2026-04": false}},
		// On 2017-10-01 the clocks went from 00:00 to 01:00: the month begins at 04:00 UTC.
		{"America/Asuncion", "2017-10-01", "2017-11-01", map[string]bool{"2017-09": false, "2017-10": true, "2017-11": false}},
		{"America/Asuncion", "2017-10-01T03:59:59Z", "2017-11-01", map[string]bool{"2017-09": true, "2017-10": true}},
	} {
		s := open(t, account("plan: tcsas/professional", "from: "+c.from, "until: "+c.until))
		s.zone = zone(t, c.zone)
		for month, want := range c.want {
			if got := len(s.rate(month)) == 1; got != want {
				t.Errorf("%s, %s to %s: in force in %s: %v, want %v", c.zone, c.from, c.until, month, got, want)
			}
		}
	}
}

func TestExpiryIsADate(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-03-01T15:30:00+08:00"))
	s.zone = zone(t, "Asia/Shanghai")
	sub := s.at("2026-03-10T00:00:00Z")
	if sub.TermFrom != "2026-03-01T15:30:00+08:00" || sub.TermUntil != "2026-04-01T00:00:00+08:00" || sub.Suspension != "2026-04-02T00:00:00+08:00" {
		t.Errorf("%s", show(sub))
	}
}

// TestRenewedLate has orders after expiry: within the 24 hours the term goes on, after suspension a new one begins.
func TestRenewedLate(t *testing.T) {
	grace := open(t, account("plan: chat/standard", "from: 2026-03-01", "orders: [{at: 2026-03-01, term: 1 month}, {at: 2026-04-01T20:00:00Z, term: 1 month}]"))
	if sub := grace.at("2026-04-10T00:00:00Z"); sub.TermFrom != "2026-04-01T00:00:00Z" || sub.TermUntil != "2026-05-01T00:00:00Z" || sub.State != rating.Active {
		t.Errorf("in grace: %s", show(sub))
	}
	amount(t, grace.one("2026-04", use("mau", 13000)), "mau", "45.00")
	late := open(t, account("plan: chat/standard", "from: 2026-03-01", "orders: [{at: 2026-03-01, term: 1 month}, {at: 2026-04-11, term: 1 month}]"))
	for at, want := range map[string]rating.State{"2026-04-05T00:00:00Z": rating.Suspended, "2026-04-11T00:00:00Z": rating.Active, "2026-05-10T23:00:00Z": rating.Expiring, "2026-05-11T00:00:00Z": rating.Expired} {
		if got := late.at(at).State; got != want {
			t.Errorf("late, %s: %s, want %s", at, got, want)
		}
	}
	amount(t, late.one("2026-04", use("mau", 13000)), "mau", "45.00") // of an expiry, whole
}

// TestAnnouncedChange has a change that lies ahead: the term ends there, and no expiry is threatened.
func TestAnnouncedChange(t *testing.T) {
	s := open(t, account("plan: chat/standard", "from: 2026-06-01", "changes: [{at: 2026-06-10, plan: chat/premium}]"))
	sub := s.at("2026-06-05T00:00:00Z")
	if sub.Plan != "chat/standard" || sub.TermUntil != "2026-06-10T00:00:00Z" || sub.Expiry != "2026-07-10T00:00:00Z" || sub.Suspension != "2026-07-11T00:00:00Z" {
		t.Errorf("%s", show(sub))
	}
}
