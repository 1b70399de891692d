package endtoend

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unbilled is what a month's document says of what it does not bill.
type unbilled struct {
	Provisional bool
	DryRun      bool `json:"dry_run"`
	Exact       bool
	Rejected    int
	Usage       []struct {
		App               string
		Expired, Rejected int
		BeforeBooks       int `json:"before_books"`
		Unknown           []struct {
			Type   string
			Events int
		}
		Late []struct {
			Month          string
			Devices, Users int
		}
	}
	Alarms    []string
	Invoices  []invoice
	NotBilled []struct {
		Cause, App, Account, Name, Text string
		Count, Of                       int
		Held                            bool
	} `json:"not_billed"`
}

// found returns the lines of a cause, as "name count of", with a * where they hold.
func (u *unbilled) found(cause string) (all []string) {
	for _, n := range u.NotBilled {
		if n.Cause == cause {
			mark := ""
			if n.Held {
				mark = "*"
			}
			all = append(all, fmt.Sprintf("%s%s%s %d/%d%s", n.App, n.Account, n.Name, n.Count, n.Of, mark))
		}
	}
	return all
}

func (s *site) unbilled(code int, args ...string) *unbilled {
	s.Helper()
	u := decode[unbilled](s.T, s.want(code, append(args, "--json")...).stdout)
	return &u
}

// stored lists what state and ledger hold, by size.
func (s *site) stored() (all []string) {
	s.Helper()
	for _, folder := range []string{"data/state", "data/ledger.db"} {
		_ = filepath.Walk(s.path(folder), func(path string, info os.FileInfo, err error) error {
			if err == nil && !info.IsDir() {
				all = append(all, fmt.Sprint(path, info.Size()))
			}
			return nil
		})
	}
	return all
}

func wantFound(t *testing.T, u *unbilled, cause string, want ...string) {
	t.Helper()
	if got := u.found(cause); !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", cause, got, want)
	}
}

// Most of a month lay in dead letters, and its invoice was final: now it is held, it is said why, and a dry run says so before anything is
// sealed. So it is where no app can be read, as with fields of another name.
func TestMostOfAMonthRejected(t *testing.T) {
	t.Parallel()
	noApp := func(n int) []record {
		all := opens("a1", "2025-03-10T10:00:00Z", 0, n)
		for i := range all {
			all[i].Value = []byte(strings.Replace(string(all[i].Value), `"superapp":`, `"app":`, 1))
		}
		return all
	}
	for name, c := range map[string]struct {
		bad  []record
		said string
	}{
		"of an app": {nameless("2025-03-10T10:00:00Z", 949), "a1a1-ownerno subject 949/1000*"},
		"of no app": {noApp(949), "no superapp 949/1000*"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "accounts:\n  - {id: a1-owner, apps: [a1], plan: tcsas/professional, from: 2025-01-01}\n", nil)
			s.send(nil, opens("a1", "2025-03-10T10:00:00Z", 0, 51))
			s.send(nil, c.bad)
			s.run("rollup", "close", "--month", "2025-03", "--dry-run").says(t, "are not counted yet")
			s.ok("ingest", "run", "--until-end")
			before := s.stored()
			dry := s.unbilled(1, "rollup", "close", "--month", "2025-03", "--dry-run")
			wantFound(t, dry, "rejected", c.said)
			if !dry.Provisional || !dry.DryRun || !dry.Exact || len(dry.Invoices) != 1 || dry.Invoices[0].Status != "held" {
				t.Errorf("dry run: %+v", dry)
			}
			if r := s.want(1, "rollup", "close", "--month", "2025-03", "--dry-run"); !strings.Contains(r.stdout, "will be held: ") || !strings.Contains(r.stdout, "949 of 1000 records were rejected") ||
				!strings.Contains(r.stdout, "Nothing was sealed or recorded") {
				t.Errorf("dry run:\n%s", r.stdout)
			}
			if after := s.stored(); !slices.Equal(after, before) {
				t.Errorf("the dry run wrote:\n%q, before\n%q", after, before)
			}
			wantFound(t, s.unbilled(0, "rollup", "status", "--month", "2025-03"), "rejected", c.said)
			if next := s.unbilled(0, "rollup", "status", "--month", "2025-04"); len(next.Alarms) > 0 && s.asks {
				t.Errorf("the month after is foretold to be held: %q", next.Alarms)
			}
			closed := s.unbilled(1, "rollup", "close", "--month", "2025-03")
			wantFound(t, closed, "rejected", c.said)
			if closed.Invoices[0].Status != "held" || !strings.Contains(closed.Invoices[0].Reason, "949") {
				t.Errorf("closed: %+v", closed.Invoices)
			}
			if usage := s.unbilled(0, "rollup", "usage", "--month", "2025-03"); len(usage.NotBilled) != len(closed.NotBilled) {
				t.Errorf("usage says %d, the close %d", len(usage.NotBilled), len(closed.NotBilled))
			}
			s.verify(0, "--month", "2025-03")
		})
	}
}

// Events of types that nobody maps are named, and hold where that is configured: by the close, and as verify counts them again.
func TestUnknownTypesAreNamed(t *testing.T) {
	t.Parallel()
	s := newSite(t, "accounts:\n  - {id: o, apps: [a1], plan: tcsas/professional, from: 2025-01-01}\n", nil)
	send := func(at string) {
		s.send(nil, opens("a1", at, 0, 100))
		var all []record
		for i := range 500 {
			all = append(all, event(fmt.Sprintf("shop.kind-%d", i%2), "a1", fmt.Sprintf("d-%d", i), at))
		}
		s.send(nil, all)
		s.send(nil, []record{event("shop.stray", "nobodys", "d-1", at)})
	}
	send("2025-03-10T10:00:00Z")
	closed := s.unbilled(0, "rollup", "close", "--month", "2025-03")
	wantFound(t, closed, "unknown", "a1oshop.kind-0 250/600", "a1oshop.kind-1 250/600", "nobodysshop.stray 1/1")
	if u := closed.Usage[0].Unknown; len(u) != 2 || u[0].Type != "shop.kind-0" || u[0].Events != 250 || closed.Usage[1].App != "nobodys" {
		t.Errorf("usage: %+v", closed.Usage)
	}
	s.verify(0, "--month", "2025-03")
	s.verify(0, "--month", "2025-03", "--from-sealed")

	s.config["billing"] = `{unknown_limit: "0.5"}`
	s.configure()
	send("2025-04-10T10:00:00Z")
	closed = s.unbilled(1, "rollup", "close", "--month", "2025-04")
	wantFound(t, closed, "unknown", "a1oshop.kind-0 250/600*", "a1oshop.kind-1 250/600*", "nobodysshop.stray 1/1")
	if !strings.Contains(closed.Invoices[0].Reason, "500 events were of unknown types, more than 0.5 of 600: 250 shop.kind-0, 250 shop.kind-1") {
		t.Errorf("reason: %s", closed.Invoices[0].Reason)
	}
	s.verify(0, "--month", "2025-04")
}

// Clocks that were never set, that count years by another era, or that name a year by its weeks.
func TestFarOffDatesAreSaid(t *testing.T) {
	t.Parallel()
	onEmbedded(t) // it takes the producers' timestamps
	s := newSite(t, "accounts:\n  - {id: o, apps: [a1], plan: tcsas/professional, from: 2025-01-01}\n", map[string]string{"billing": "{from: 2025-12}"})
	at := func(time, stamp string, from, to int) []record {
		all := opens("a1", time, from, to)
		stamped := opens("a1", stamp, from, to)
		for i := range all {
			all[i].Timestamp = stamped[i].Timestamp
		}
		return all
	}
	s.send(nil, opens("a1", "2026-01-10T10:00:00Z", 0, 700))
	s.send(nil, at("2568-12-10T10:00:00Z", "2025-12-10T10:00:00Z", 0, 3))
	s.send(nil, opens("a1", "2025-12-10T10:00:00Z", 0, 700))
	s.send(nil, at("2015-01-01T00:00:01Z", "2025-12-10T10:00:00Z", 700, 850))  // beyond months_back of 119 months
	s.send(nil, at("2018-01-01T00:00:01Z", "2025-12-10T10:00:00Z", 850, 1000)) // before the books
	s.send(nil, at("1447-06-01T00:00:01Z", "2025-12-10T10:00:00Z", 1000, 1002))
	s.send(nil, at("1970-01-01T00:00:01Z", "2025-12-10T10:00:00Z", 1002, 1003))
	s.send(nil, at("2024-12-30T00:00:01Z", "2025-12-30T00:00:02Z", 1003, 1004))
	closed := s.unbilled(1, "rollup", "close", "--month", "2025-12")
	wantFound(t, closed, "over_limit", "a1oover limit: dated 2015 150/856*")
	wantFound(t, closed, "before_books", "a1o2018-01 150/857*", "a1o2024-12 1/857*")
	wantFound(t, closed, "skewed", "a1oBuddhist year 3/0", "a1oIslamic year 2/0", "a1onever set 1/0")
	for _, text := range []string{"150 records were rejected", "151 events were before the books by a year or more, more than 0.01 of 857"} {
		if !strings.Contains(closed.Invoices[0].Reason, text) {
			t.Errorf("the reason does not say %q: %s", text, closed.Invoices[0].Reason)
		}
	}
	for _, n := range closed.NotBilled {
		if n.Name == "2024-12" && !strings.Contains(n.Text, "YYYY") {
			t.Errorf("a week's year: %s", n.Text)
		}
	}
	s.verify(0, "--month", "2025-12")
	s.verify(0, "--month", "2025-12", "--from-sealed")
}

// An app of nobody, one whose plan has run out, an account that fell silent, apps with a part or a multiple of the devices before.
func TestWhatChangedIsSaid(t *testing.T) {
	t.Parallel()
	s := newSite(t, `accounts:
  - {id: ended, apps: [ended], plan: tcmpp/pro, from: 2024-02-01, until: 2025-02-01}
  - {id: quiet, apps: [quiet], plan: tcsas/professional, from: 2025-01-01}
  - {id: busy, apps: [up, down, same, gone], plan: tcsas/professional, from: 2025-01-01}
`, nil)
	for app, n := range map[string]int{"quiet": 25, "up": 30, "down": 60, "same": 40, "gone": 30, "few": 2} {
		s.send(nil, opens(app, "2025-03-10T10:00:00Z", 0, n))
	}
	closed := s.unbilled(0, "rollup", "close", "--month", "2025-03")
	wantFound(t, closed, "no_account", "few 2/0")
	for app, n := range map[string]int{"ended": 30, "up": 60, "down": 30, "same": 50, "few": 8, "stray": 1} {
		s.send(nil, opens(app, "2025-04-10T10:00:00Z", 0, n))
	}
	s.ok("ingest", "run", "--until-end")
	for _, args := range [][]string{{"close", "--month", "2025-04", "--dry-run"}, {"close", "--month", "2025-04"}, {"usage", "--month", "2025-04"}} {
		u := s.unbilled(0, append([]string{"rollup"}, args...)...)
		wantFound(t, u, "no_account", "few 8/0", "stray 1/0")
		wantFound(t, u, "not_in_force", "endedtcmpp/pro 30/0")
		wantFound(t, u, "silent", "quiet 25/0")
		wantFound(t, u, "halved", "downbusy 30/60", "gonebusy 0/30", "quietquiet 0/25")
		wantFound(t, u, "doubled", "upbusy 60/30")
		for _, n := range u.NotBilled {
			if n.Held {
				t.Errorf("%s holds", n.Text)
			}
			if n.Cause == "not_in_force" && !strings.Contains(n.Text, "tcmpp/pro of account ended has run out: it ended on 2025-02-01: 30 events of 30 devices") {
				t.Errorf("run out: %s", n.Text)
			}
		}
	}
	s.verify(0, "--month", "2025-04")
}

// What was rejected before October is closed is October's: November's status foretells no hold by it.
func TestStatusOfTheMonthAfter(t *testing.T) {
	t.Parallel()
	s := newSite(t, "accounts:\n  - {id: o, apps: [a1], plan: tcsas/professional, from: 2025-01-01}\n", nil)
	s.send(nil, opens("a1", "2025-03-10T10:00:00Z", 0, 100))
	s.ok("rollup", "close", "--month", "2025-03")
	s.ok("rollup", "close", "--month", "2025-04")
	s.send(nil, opens("a1", "2025-05-10T10:00:00Z", 0, 100))
	s.send(nil, opens("a1", "2025-06-10T10:00:00Z", 0, 100))
	s.send(nil, opens("a1", "2025-03-11T10:00:00Z", 0, 50)) // finished
	s.ok("ingest", "run", "--until-end")
	for month, want := range map[string]int{"2025-05": 50, "2025-06": 0} {
		u := s.unbilled(0, "rollup", "status", "--month", month)
		if got := u.Usage[0].Expired; got != want || (len(u.Alarms) > 0) != (want > 0) || (len(u.found("expired")) > 0) != (want > 0) {
			t.Errorf("%s: %d expired, want %d; alarms %q, %q", month, got, want, u.Alarms, u.found("expired"))
		}
	}
	wantFound(t, s.unbilled(1, "rollup", "close", "--month", "2025-05"), "expired", "a1o2025-03 50/150*")
	if u := s.unbilled(0, "rollup", "close", "--month", "2025-06"); len(u.found("expired")) > 0 {
		t.Errorf("June: %q", u.found("expired"))
	}
	s.verify(0, "--month", "2025-05")
	s.verify(0, "--month", "2025-06")

	var lines []string
	for _, r := range append(opens("a1", "2025-03-12T10:00:00Z", 0, 3), opens("a1", "2025-07-12T10:00:00Z", 0, 2)...) {
		lines = append(lines, string(r.Value))
	}
	lines[4] = strings.Replace(lines[4], `"time":`, `"when":`, 1)
	s.write("old.ndjson", strings.Join(lines, "\n"))
	s.want(0, "ingest", "load", "old.ndjson").says(t, "3 of 5 events are of months that are finished", "1 of 5 events without a time count in the month in which they are loaded")
}

// Late users are told beside late devices.
func TestLateUsers(t *testing.T) {
	t.Parallel()
	s := newSite(t, "accounts:\n  - {id: o, apps: [a1], plan: tcsas/professional, from: 2025-01-01}\n", nil)
	s.send(nil, opens("a1", "2025-03-10T10:00:00Z", 0, 5))
	s.ok("rollup", "close", "--month", "2025-03")
	s.send(nil, []record{
		event("user.login", "a1", "user-1", "2025-03-11T10:00:00Z"), event("user.login", "only", "user-1", "2025-03-11T10:00:00Z"),
		event("miniprogram.open", "a1", "device-9", "2025-03-11T10:00:00Z"),
	})
	s.ok("rollup", "close", "--month", "2025-04")
	u := s.unbilled(0, "rollup", "usage", "--month", "2025-04")
	if len(u.Usage) != 2 || u.Usage[0].Late[0].Users != 1 || u.Usage[0].Late[0].Devices != 1 || u.Usage[1].Late[0].Users != 1 {
		t.Errorf("late: %+v", u.Usage)
	}
	s.verify(0, "--month", "2025-04")
}
