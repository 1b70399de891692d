package endtoend

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"headcount/endtoend/month"
	"headcount/endtoend/naive"

	"github.com/twmb/franz-go/pkg/kgo"
)

// opens makes one event of each device from..to−1 of an app.
func opens(app, at string, from, to int) (records []record) {
	for i := from; i < to; i++ {
		records = append(records, event("miniprogram.open", app, fmt.Sprintf("device-%d", i), at))
	}
	return records
}

// What comes after a month's close is billed with the next one, as a further revision, once, or only reported where the account
// says so.
func TestLateIsBilledAsRevision(t *testing.T) {
	t.Parallel()
	s := newSite(t, `accounts:
  - {id: bills, apps: [one], plan: tcsas/professional, from: 2025-01-01}
  - {id: reports, apps: [two], plan: tcsas/professional, from: 2025-01-01, late: report}
`, nil)
	for _, app := range []string{"one", "two"} {
		s.send(nil, opens(app, "2025-03-10T00:00:00Z", 0, 100))
	}
	s.ok("ingest", "run", "--until-end")
	s.ok("rollup", "close", "--month", "2025-03")
	for _, app := range []string{"one", "two"} {
		s.send(nil, opens(app, "2025-03-20T00:00:00Z", 90, 130)) // 30 new ones
		s.send(nil, opens(app, "2025-04-02T00:00:00Z", 0, 7))
	}
	s.ok("rollup", "close", "--month", "2025-04")
	april := decode[usage](t, s.ok("rollup", "usage", "--month", "2025-04", "--json"))
	if n := april.late("one", "2025-03"); n != 30 {
		t.Errorf("%d late devices, want 30", n)
	}
	for range 2 { // the second close changes nothing
		s.ok("rollup", "close", "--month", "2025-04")
		totals := map[string]string{}
		march := decode[struct{ Invoices []invoice }](t, s.ok("rollup", "invoices", "--month", "2025-03", "--json"))
		for _, v := range march.Invoices {
			totals[fmt.Sprint(v.Account, " ", v.Revision)] = v.Total
		}
		want := map[string]string{"bills 1": "1.50", "bills 2": "0.45", "reports 1": "1.50", "reports 2": "0.00"}
		if fmt.Sprint(totals) != fmt.Sprint(want) {
			t.Errorf("invoices of March %v, want %v", totals, want)
		}
	}
	for _, v := range decode[struct{ Invoices []invoice }](t, s.ok("rollup", "invoices", "--month", "2025-04", "--json")).Invoices {
		if v.Month == "2025-04" && v.Total != "0.11" { // 7 × 0.015
			t.Errorf("%s: April %s, want 0.11", v.Account, v.Total)
		}
	}
}

// Processes share a topic's partitions; the partitions of one that dies go to the others.
func TestProcessesShareTheTopic(t *testing.T) {
	t.Parallel()
	s := newSite(t, mixedAccounts, map[string]string{"billing": allOdd})
	l := naive.New(time.UTC)
	records := generate(t, s.oddMonth("2025-03", 40_000))
	a, b := s.start("ingest", "run"), s.start("ingest", "run")
	s.send(l, records[:20_000])
	s.waitFor("a second process with partitions", func() bool {
		owners := map[string]bool{}
		for _, p := range decode[usage](t, s.ok("rollup", "status", "--month", "2025-03", "--json")).Partitions {
			owners[p.Owner] = true
		}
		delete(owners, "")
		return len(owners) == 2
	})
	a.kill()
	s.send(l, records[20_000:])
	s.ok("rollup", "close", "--month", "2025-03") // waits until the dead one's partitions are read by the other
	compareListed(t, decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json")), l.Close("2025-03"), mixedPlans)
	if r := b.terminate(); r.code != 0 {
		t.Errorf("ended with %d: %s", r.code, cut(r.stderr))
	}
}

// Damaged state is noticed and counted again from what is whole: the numbers stay.
func TestDamagedState(t *testing.T) {
	t.Parallel()
	s := newSite(t, mixedAccounts, map[string]string{"billing": allOdd})
	l := naive.New(time.UTC)
	records := generate(t, s.oddMonth("2025-03", 30_000))
	for i, damage := range []func(name string, text []byte) error{
		func(name string, text []byte) error { // a bit turned over
			text[len(text)/2] ^= 4
			return os.WriteFile(name, text, 0o644)
		},
		func(name string, text []byte) error { return os.WriteFile(name, text[:len(text)*2/3], 0o644) },
		func(name string, _ []byte) error { return os.Remove(name) },
	} {
		s.send(l, records[i*10_000:(i+1)*10_000])
		s.ok("ingest", "run", "--until-end")
		for n, name := range s.checkpoints() {
			if n%(i+2) == 0 { // some of them
				text, err := os.ReadFile(name)
				if err == nil {
					err = damage(name, text)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	s.ok("ingest", "run", "--until-end")
	s.ok("rollup", "close", "--month", "2025-03")
	compareListed(t, decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json")), l.Close("2025-03"), mixedPlans)
}

// checkpoints returns all files of checkpoints.
func (s *site) checkpoints() (names []string) {
	s.Helper()
	err := filepath.WalkDir(s.path("data/state"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(name, "/checkpoint/") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	if len(names) < partitions {
		s.Fatalf("%d files of checkpoints: the test looks in the wrong place", len(names))
	}
	return names
}

// A type that was forgotten is added to an open month by counting it again, on the record.
func TestRecountUnderOtherRules(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, nil)
	shop := opens("one", "2025-03-02T00:00:00Z", 0, 20)
	for i, r := range shop {
		shop[i].Value = []byte(strings.Replace(string(r.Value), "miniprogram.open", "shop.opened", 1))
	}
	s.send(nil, append(shop, opens("one", "2025-03-03T00:00:00Z", 15, 25)...))
	s.ok("ingest", "run", "--until-end")
	s.config["events"] = "{types: {shop.opened: open}}"
	s.configure()
	s.want(2, "ingest", "run", "--until-end").says(t, "types", "recount")
	s.ok("ingest", "recount", "--month", "2025-03")
	s.ok("ingest", "run", "--until-end")
	s.ok("rollup", "close", "--month", "2025-03")
	got := decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json"))
	if n := got.Usage[0].Meters[0].Exact; n != 25 || got.Usage[0].Events != 30 {
		t.Errorf("%d devices and %d events, want 25 and 30", n, got.Usage[0].Events)
	}
	s.want(1, "ingest", "recount", "--month", "2025-03") // it is sealed
}

// Every dead letter is in the dead-letter topic, as it was, with its reason and place.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, nil)
	good := event("minigame.open", "one", "g", "2025-03-02T00:00:00Z")
	bad := []string{`{"type":1}`, `nonsense`, `{"type":"minigame.open","superapp":"one"}`}
	for _, value := range bad {
		r := good
		r.Value, r.partition = []byte(value), 1
		s.send(nil, []record{good, r})
	}
	s.ok("ingest", "run", "--until-end")
	client, err := kgo.NewClient(kgo.SeedBrokers(s.addr), kgo.ConsumeTopics(s.topic+".dead"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got := map[string]map[string]string{}
	for len(got) < len(bad) {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			headers := map[string]string{}
			for _, h := range r.Headers {
				headers[h.Key] = string(h.Value)
			}
			got[string(r.Value)] = headers
		})
	}
	for i, value := range bad {
		text := fmt.Sprint(got[value])
		if got[value] == nil || !strings.Contains(text, "partition:1") || !strings.Contains(text, fmt.Sprintf("offset:%d", i)) {
			t.Errorf("dead letter %s: headers %s", value, text)
		}
	}
	if !strings.Contains(fmt.Sprint(got[bad[0]]), "string") || !strings.Contains(fmt.Sprint(got[bad[2]]), "subject") {
		t.Errorf("reasons: %v", got)
	}
}

// A topic that was deleted and made again is not taken for the one that was counted.
func TestTopicMadeAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, nil)
	s.send(nil, opens("one", "2025-03-02T00:00:00Z", 0, 10))
	s.ok("ingest", "run", "--until-end")
	s.deleteTopic(s.topic)
	s.waitFor("the topic made again", func() bool { return s.run("ingest", "init").code == 0 })
	s.send(nil, opens("one", "2025-03-03T00:00:00Z", 5, 30))
	s.want(1, "ingest", "run", "--until-end").says(t, s.topic, "--accept-gap")
	s.want(1, "rollup", "close", "--month", "2025-03")
	s.ok("ingest", "run", "--until-end", "--accept-gap")
}

// --due closes all that is over, in order, and nothing else.
func TestDue(t *testing.T) {
	t.Parallel()
	this := time.Now().UTC()
	first := time.Date(this.Year(), this.Month(), 1, 0, 0, 0, 0, time.UTC)
	older, newer := first.AddDate(0, -2, 0), first.AddDate(0, -1, 0)
	s := newSite(t, "accounts:\n  - {id: a, apps: [one], plan: tcsas/professional, from: "+older.Format("2006-01-02")+"}\n", map[string]string{
		"billing": fmt.Sprintf("{grace: %s}", (this.Sub(first) / 2).Truncate(time.Second)), // over for the last month, not for this one, should it end meanwhile
	})
	s.send(nil, opens("one", older.Format(time.RFC3339), 0, 10))
	s.send(nil, opens("one", newer.Format(time.RFC3339), 0, 20))
	s.send(nil, opens("one", first.Format(time.RFC3339), 0, 30))
	s.ok("ingest", "run", "--until-end")
	s.want(1, "rollup", "close", "--due").says(t, "2 months are to be closed", "--yes", "billing.auto_close")
	s.ok("rollup", "close", "--due", "--yes")
	for m, want := range map[time.Time]int{older: 10, newer: 20} {
		got := decode[usage](t, s.ok("rollup", "usage", "--month", m.Format("2006-01"), "--json"))
		if n := got.Usage[0].Kinds["open"].Exact; n != want {
			t.Errorf("%s: %d devices, want %d", got.Month, n, want)
		}
	}
	s.want(1, "rollup", "usage", "--month", first.Format("2006-01"))
	s.ok("rollup", "close", "--due")
}

// The same numbers in every form that they are printed in.
func TestForms(t *testing.T) {
	t.Parallel()
	s := newSite(t, mixedAccounts, map[string]string{"billing": allOdd})
	s.send(nil, generate(t, month.Config{Month: "2025-03", Events: 3000, Devices: 400, Apps: 4}))
	s.ok("ingest", "run", "--until-end")
	s.ok("rollup", "close", "--month", "2025-03")
	got := decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json"))
	table, csv := s.ok("rollup", "usage", "--month", "2025-03"), s.ok("rollup", "usage", "--month", "2025-03", "--csv")
	for _, a := range got.Usage {
		for _, m := range a.Meters {
			for form, text := range map[string]string{"table": table, "CSV": csv} {
				if !strings.Contains(text, a.App) || !strings.Contains(text, fmt.Sprint(m.Exact)) {
					t.Errorf("the %s lacks %s's %s, %d", form, a.App, m.Meter, m.Exact)
				}
			}
		}
	}
	table, csv = s.ok("rollup", "invoices", "--month", "2025-03"), s.ok("rollup", "invoices", "--month", "2025-03", "--csv")
	s.ok("rollup", "invoices", "--month", "2025-03", "--html", "page.html")
	page, err := os.ReadFile(s.path("page.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got.Invoices {
		for form, text := range map[string]string{"table": table, "CSV": csv, "page": string(page)} {
			if !strings.Contains(text, v.Account) || form != "CSV" && !strings.Contains(text, v.Total) {
				t.Errorf("the %s lacks %s's %s", form, v.Account, v.Total)
			}
		}
	}
	s.ok("ingest", "check")
	for _, program := range []string{"ingest", "rollup"} {
		s.ok(program, "version")
		s.ok(program, "completion", "bash")
	}
}
