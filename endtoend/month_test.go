package endtoend

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"headcount/endtoend/month"
	"headcount/endtoend/naive"
)

// allOdd lets odd months through: their wrong clocks and dead letters would hold every invoice.
const allOdd = `{skew_limit: "1", reject_limit: "1"}`

// mixedAccounts bill twelve apps by four price books; app-004 and others are nobody's.
const mixedAccounts = `accounts:
  - {id: acme, apps: [app-001, app-002], plan: tcmpp/pro, from: 2025-01-01, overrides: {mau.free: "1000"}}
  - {id: bolt, apps: [app-003], plan: tcsas/professional, from: 2025-01-01}
  - {id: chat, apps: [app-005], plan: chat/standard, from: 2025-01-01, term: 12 months, overrides: {mau.free: "10"}}
  - {id: paas, apps: [app-006, app-007], plan: mpaas/standard, from: 2025-01-01}
  - {id: talk, apps: [app-008], plan: im/pro, from: 2025-01-01}
  - {id: idle, apps: [app-900], plan: tcmpp/pro, from: 2025-01-01}
`

var mixedPlans = map[string]string{
	"app-001": "tcmpp/pro", "app-002": "tcmpp/pro", "app-003": "tcsas/professional", "app-005": "chat/standard",
	"app-006": "mpaas/standard", "app-007": "mpaas/standard", "app-008": "im/pro", "app-900": "tcmpp/pro",
}

// oddMonth is a month with something of all that there is. Its quantities are signed to the site, whose configuration names their
// reporters from then on.
func (s *site) oddMonth(name string, events int) month.Config {
	s.Helper()
	if s.config["reporters"] == "" {
		s.reporters(month.Reporters...)
	}
	c := month.Default()
	c.SealKey = s.sealKey()
	c.Month, c.Events, c.Devices, c.Apps = name, events, events/8, 12
	c.Odd, c.Logins, c.Components, c.Reported = 0.1, 0.1, 0.1, 0.02
	return c
}

// Two months as a user lives them: load, count, look, close, look again; late events and those of a month that is over.
func TestMonths(t *testing.T) {
	t.Parallel()
	s := newSite(t, mixedAccounts, map[string]string{"billing": allOdd})
	l := naive.New(time.UTC)
	march := generate(t, s.oddMonth("2025-03", 40_000))
	s.load(l, march[:30_000])

	s.ok("ingest", "run", "--until-end")
	provisional := decode[usage](t, s.ok("rollup", "status", "--month", "2025-03", "--json"))
	if !provisional.Provisional {
		t.Error("status is not provisional")
	}
	records := 0
	for _, p := range provisional.Partitions {
		records += p.Offset
		if p.Lag != 0 || p.Offset != p.End {
			t.Errorf("after run --until-end: %+v", p)
		}
	}
	if len(provisional.Partitions) != partitions || records < 30_000 {
		t.Errorf("%d records in %d partitions", records, len(provisional.Partitions))
	}

	running := s.start("ingest", "run")
	s.load(l, march[30_000:])
	first := s.ok("rollup", "close", "--month", "2025-03", "--json")
	want := l.Close("2025-03")
	got := decode[usage](t, first)
	app(want, "app-900")
	compareListed(t, got, want, mixedPlans)
	if len(got.Sealed) != partitions || got.Month != "2025-03" || got.TimeZone != "UTC" || got.Topic != s.topic || got.Provisional {
		t.Errorf("head of the usage: %+v", got)
	}
	checkInvoices(t, got.Invoices, want)
	if again := s.ok("rollup", "close", "--month", "2025-03", "--json"); again != first {
		t.Error("a second close prints something else")
	}
	if printed := s.ok("rollup", "usage", "--month", "2025-03", "--json"); printed != first {
		t.Errorf("usage prints something else than close:\n%s\n%s", cut(printed), cut(first))
	}
	printed := decode[struct{ Invoices []invoice }](t, s.ok("rollup", "invoices", "--month", "2025-03", "--json"))
	if fmt.Sprint(printed.Invoices) != fmt.Sprint(got.Invoices) {
		t.Error("invoices prints others than close")
	}

	// What comes now of March is late, and settled with April; what comes of February is expired.
	april := s.oddMonth("2025-04", 30_000)
	april.Seed = 2
	late := generate(t, month.Config{Month: "2025-03", Events: 6000, Devices: 3000, Apps: 12, Seed: 3, Logins: 0.1})
	gone := generate(t, month.Config{Month: "2025-02", Events: 500, Devices: 100, Apps: 12, Seed: 4})
	s.load(l, append(append(generate(t, april), late...), gone...))
	s.ok("rollup", "close", "--month", "2025-04")
	text := s.ok("rollup", "usage", "--month", "2025-04", "--json")
	got = decode[usage](t, text)
	april4 := l.Close("2025-04")
	compareListed(t, got, april4, mixedPlans)
	for name := range april4.Apps {
		if n := got.late(name, "2025-03"); n != want.LateNew(name, naive.DeviceKinds) {
			t.Errorf("%s: %d late devices of March, want %d", name, n, want.LateNew(name, naive.DeviceKinds))
		}
	}
	if r := running.terminate(); r.code != 0 {
		t.Errorf("ingest run ended with %d: %s", r.code, cut(r.stderr))
	}
	// The month before says the same as ever.
	if printed := s.ok("rollup", "usage", "--month", "2025-03", "--json"); decode[usage](t, printed).settled() != decode[usage](t, first).settled() {
		t.Error("March changed after its close")
	}
	for _, m := range []string{"2025-03", "2025-04"} {
		s.ok("rollup", "verify", "--month", m)
	}
}

// app makes sure that a month of the recount lists an app.
func app(m *naive.Month, name string) {
	if m.Apps[name] == nil {
		m.Apps[name] = new(naive.App)
	}
}

// compareListed compares; an app of an account that had no event may be listed or not.
func compareListed(t *testing.T, got usage, want *naive.Month, plans map[string]string) {
	t.Helper()
	listed := map[string]bool{}
	for _, a := range got.Usage {
		listed[a.App] = true
	}
	for name, a := range want.Apps {
		if a.Events+a.Rejected+a.Expired == 0 && !listed[name] {
			delete(want.Apps, name)
		}
	}
	compare(t, got, want, plans)
}

// checkInvoices holds invoices against plain arithmetic in tenths of a cent.
func checkInvoices(t *testing.T, got []invoice, want *naive.Month) {
	t.Helper()
	three := []string{"open", "search", "predownload"}
	total := map[string]int{}
	line := func(account, app string, kinds []string, free int) {
		n := want.Apps[app].Unique(kinds) - free
		total[account] += (max(n, 0)*15 + 5) / 10 // 0.015 each, in cents
	}
	line("acme", "app-001", three, 1000)
	line("acme", "app-002", three, 1000)
	line("bolt", "app-003", []string{"open"}, 0)
	line("chat", "app-005", []string{"login"}, 10)
	total["idle"] = 0
	seen := map[string]bool{}
	for _, v := range got {
		seen[v.Account] = true
		if v.Status != "final" || v.Currency != "USD" || v.Revision != 1 {
			t.Errorf("invoice of %s: %+v", v.Account, v)
		}
		cents, ok := total[v.Account]
		if text := fmt.Sprintf("%d.%02d", cents/100, cents%100); ok && v.Total != text {
			t.Errorf("invoice of %s: total %s, want %s", v.Account, v.Total, text)
		}
	}
	for _, account := range []string{"acme", "bolt", "chat", "paas", "talk", "idle"} {
		if !seen[account] {
			t.Errorf("no invoice of %s", account)
		}
	}
	if len(got) != 6 {
		t.Errorf("%d invoices", len(got))
	}
}

// Timestamps of the log decide where an event's own time does not: wrong clocks, none, binary mode; in a zone with a change to
// summer time, which moves every boundary.
func TestTimestampsAndZones(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"America/New_York", "Asia/Kathmandu"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			s := newSite(t, "accounts: []\n", map[string]string{"billing": `{time_zone: ` + name + `, skew_limit: "1", reject_limit: "1"}`})
			l := naive.New(zone)
			c := s.oddMonth("2025-03", 30_000)
			c.Zone, c.Odd, c.Binary, c.Reported = zone, 0.3, 0.2, 0
			s.send(l, append(generate(t, c), record{partition: 2})) // and a tombstone
			s.ok("ingest", "run", "--until-end")
			s.ok("rollup", "close", "--month", "2025-03")
			got := decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json"))
			compare(t, got, l.Close("2025-03"), nil)
			s.ok("rollup", "verify", "--month", "2025-03")
			if got.Rejected == 0 || len(got.Invoices) != 0 {
				t.Errorf("%d rejected, %d invoices", got.Rejected, len(got.Invoices))
			}
		})
	}
}

// One device under several keys lies in several partitions, and is one device all the same.
func TestSameDeviceInSeveralPartitions(t *testing.T) {
	t.Parallel()
	s := newSite(t, "accounts:\n  - {id: a, apps: [one], plan: tcmpp/pro, from: 2025-01-01, overrides: {mau.free: \"0\"}}\n", nil)
	l := naive.New(time.UTC)
	var records []record
	for p := range partitions {
		for i := range 300 {
			r := event("miniprogram.open", "one", fmt.Sprintf("device-%d", i%(100+p*20)), fmt.Sprintf("2025-03-%02dT12:00:00Z", 1+(i*7+p)%31))
			r.partition = p
			records = append(records, r)
		}
	}
	s.send(l, records)
	s.ok("ingest", "run", "--until-end")
	s.ok("rollup", "close", "--month", "2025-03")
	got := decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json"))
	compare(t, got, l.Close("2025-03"), map[string]string{"one": "tcmpp/pro"})
	if n := got.Usage[0].Meters[0].Exact; n != 160 {
		t.Errorf("%d devices, want 160", n)
	}
	if total := got.Invoices[0].Total; total != "2.40" {
		t.Errorf("total %s, want 2.40", total)
	}
}

// An app nobody is billed for is reported, with a warning.
func TestAppNobodyIsBilledFor(t *testing.T) {
	t.Parallel()
	s := newSite(t, "accounts:\n  - {id: a, apps: [billed], plan: tcmpp/pro, from: 2025-01-01}\n", nil)
	s.send(nil, []record{event("minigame.open", "billed", "g", "2025-03-02T00:00:00Z"), event("minigame.open", "stray", "g", "2025-03-02T00:00:00Z")})
	s.ok("ingest", "run", "--until-end")
	r := s.want(0, "rollup", "close", "--month", "2025-03", "--json")
	r.says(t, "stray")
	got := decode[usage](t, r.stdout)
	if len(got.Usage) != 2 || got.Usage[1].Account != nil || got.Usage[1].Kinds["open"].Exact != 1 || got.Usage[0].Account == nil {
		t.Errorf("%+v", got.Usage)
	}
	if !strings.Contains(r.stdout, `"account": null`) {
		t.Error("the account is not printed as null")
	}
}

// Where nobody counts, the close does, also a month without any record.
func TestCloseCountsByItself(t *testing.T) {
	t.Parallel()
	s := newSite(t, "accounts:\n  - {id: a, apps: [one], plan: tcmpp/pro, from: 2025-01-01}\n", nil)
	l := naive.New(time.UTC)
	s.send(l, generate(t, month.Config{Month: "2025-03", Events: 5000, Devices: 500, Apps: 3}))
	s.withoutGroup()
	s.ok("rollup", "close", "--month", "2025-03")
	compare(t, decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json")), l.Close("2025-03"), map[string]string{})
	empty := decode[usage](t, s.ok("rollup", "close", "--month", "2025-04", "--json"))
	if len(empty.Invoices) != 1 || empty.Invoices[0].Total != "0.00" {
		t.Errorf("invoices of a month without events: %+v", empty.Invoices)
	}
}

// A held invoice ends commands with 1 until it is released, on the record.
func TestHoldAndRelease(t *testing.T) {
	t.Parallel()
	s := newSite(t, "accounts:\n  - {id: a, apps: [one], plan: tcmpp/pro, from: 2025-01-01}\n", map[string]string{"billing": "{hold_least: 1}"})
	records := []record{}
	for i := range 50 {
		records = append(records, event("minigame.open", "one", fmt.Sprint("g", i), "2025-03-02T00:00:00Z"))
	}
	wrong := event("minigame.open", "one", "g", "1970-01-02T00:00:00Z")
	wrong.Timestamp = time.Date(2025, 3, 2, 0, 0, 0, 0, time.UTC).UnixMilli()
	s.send(nil, append(records, wrong))
	s.ok("ingest", "run", "--until-end")
	closed := decode[usage](t, s.want(1, "rollup", "close", "--month", "2025-03", "--json").stdout)
	if v := closed.Invoices[0]; v.Status != "held" || !strings.Contains(v.Reason, "clock") {
		t.Errorf("%+v", v)
	}
	s.want(1, "rollup", "invoices", "--month", "2025-03")
	s.want(2, "rollup", "release", "--month", "2025-03", "--account", "a")
	s.want(1, "rollup", "release", "--month", "2025-03", "--account", "b", "--reason", "x")
	s.ok("rollup", "release", "--month", "2025-03", "--account", "a", "--reason", "a test device")
	after := decode[struct{ Invoices []invoice }](t, s.ok("rollup", "invoices", "--month", "2025-03", "--json"))
	if v := after.Invoices[0]; v.Status != "final" {
		t.Errorf("%+v", v)
	}
}

// What-if: no broker, no ledger; a closed month's usage gives the same invoices.
func TestRate(t *testing.T) {
	t.Parallel()
	s := newSite(t, mixedAccounts, map[string]string{"billing": allOdd})
	s.send(nil, generate(t, s.oddMonth("2025-03", 20_000)))
	s.ok("ingest", "run", "--until-end")
	closed := decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json"))
	s.write("usage.json", s.ok("rollup", "usage", "--month", "2025-03", "--json"))
	s.stopBroker()
	rated := decode[struct{ Invoices []invoice }](t, s.ok("rollup", "rate", "--usage", "usage.json", "--accounts", "accounts.yaml", "--json"))
	if fmt.Sprint(rated.Invoices) != fmt.Sprint(closed.Invoices) {
		t.Errorf("rate: %+v\nclose: %+v", rated.Invoices, closed.Invoices)
	}
	if err := os.Mkdir(s.path("elsewhere"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.write("elsewhere/usage.json", `{"month":"2026-10","usage":[{"app":"x","meters":[{"meter":"mau","exact":250000}]}]}`)
	s.dir = s.path("elsewhere")
	one := decode[struct{ Invoices []invoice }](t, s.ok("rollup", "rate", "--usage", "usage.json", "--plan", "tcmpp/pro", "--json"))
	if len(one.Invoices) != 1 || one.Invoices[0].Total != "750.00" {
		t.Errorf("%+v", one.Invoices)
	}
	s.want(2, "rollup", "rate", "--usage", "usage.json", "--plan", "tcmpp/prof").says(t, "tcmpp/prof", "tcmpp/pro")
}
