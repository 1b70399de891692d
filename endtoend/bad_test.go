package endtoend

import (
	"os"
	"strings"
	"testing"
	"time"

	"headcount/endtoend/month"
	"headcount/endtoend/naive"
)

const oneAccount = "accounts:\n  - {id: a, apps: [one], plan: tcmpp/pro, from: 2025-01-01}\n"

// Mistakes in what a user writes: exit code 2, with file and line, before anything is touched.
func TestUsageAndConfigErrors(t *testing.T) {
	for _, row := range []struct {
		name   string
		spoil  func(s *site)
		args   []string
		says   []string
		broker bool // needed to get that far
	}{
		{"no config file", func(s *site) { os.Remove(s.path("headcount.yaml")) }, []string{"ingest", "run"}, []string{"headcount.yaml", "init"}, false},
		{"config file elsewhere", nil, []string{"rollup", "status", "--config", "nowhere.yaml"}, []string{"nowhere.yaml"}, false},
		{"unknown config field", func(s *site) { s.config["billing"] = "\n  time_zone: UTC\n  graze: 24h"; s.configure() }, []string{"ingest", "run"}, []string{"headcount.yaml:3", "graze"}, false},
		{"duration", func(s *site) { s.config["billing"] = "{grace: 1 day}"; s.configure() }, []string{"rollup", "close", "--month", "2025-03"}, []string{"headcount.yaml:1", "1 day"}, false},
		{"time zone", func(s *site) { s.config["billing"] = "{time_zone: Mars/Olympus}"; s.configure() }, []string{"ingest", "run"}, []string{"Mars/Olympus", "time_zone"}, false},
		{"alias", func(s *site) { s.write("headcount.yaml", "billing: &x {grace: 24h}\nkafka: *x\n") }, []string{"ingest", "run"}, []string{"headcount.yaml:"}, false},
		{"unknown command", nil, []string{"rollup", "clos"}, []string{"clos"}, false},
		{"unknown flag", nil, []string{"rollup", "close", "--mont", "2025-03"}, []string{"--mont"}, false},
		{"no month", nil, []string{"rollup", "usage"}, []string{"month"}, false},
		{"bad month", nil, []string{"rollup", "usage", "--month", "2025-3"}, []string{"2025-3", "2026-10"}, false},
		{"month and due", nil, []string{"rollup", "close", "--month", "2025-03", "--due"}, []string{"--due"}, false},
		{"nothing to load", nil, []string{"ingest", "load"}, []string{"file"}, false},
		{"file to load", nil, []string{"ingest", "load", "nowhere.ndjson"}, []string{"nowhere.ndjson"}, true},
		{"unknown plan", func(s *site) { s.write("accounts.yaml", strings.Replace(oneAccount, "tcmpp/pro", "tcmpp/prof", 1)) }, []string{"rollup", "close", "--month", "2025-03"}, []string{"accounts.yaml:2", "tcmpp/prof", "tcmpp/pro"}, true},
		{"app in two accounts", func(s *site) {
			s.write("accounts.yaml", oneAccount+"  - {id: b, apps: [one], plan: tcsas/professional, from: 2025-02-01}\n")
		}, []string{"rollup", "close", "--month", "2025-03"}, []string{"accounts.yaml:3", "one"}, true},
		{"amount that is a number", func(s *site) {
			s.write("accounts.yaml", strings.Replace(oneAccount, "}", ", overrides: {mau.free: 5}}", 1))
		}, []string{"rollup", "close", "--month", "2025-03"}, []string{"accounts.yaml:2"}, true},
		{"no accounts file", func(s *site) { os.Remove(s.path("accounts.yaml")) }, []string{"rollup", "close", "--month", "2025-03"}, []string{"accounts.yaml"}, true},
		{"key others can read", func(s *site) { os.Chmod(s.path("data/guid.key"), 0o644) }, []string{"ingest", "run", "--until-end"}, []string{"guid.key", "600"}, true},
		{"no key", func(s *site) { os.Remove(s.path("data/seal.key")) }, []string{"rollup", "close", "--month", "2025-03"}, []string{"seal.key"}, true},
		{"no usage file", nil, []string{"rollup", "rate", "--usage", "nowhere.json", "--plan", "tcmpp/pro"}, []string{"nowhere.json"}, false},
		{"meter of a usage file", func(s *site) {
			s.write("usage.json", "{\"month\":\"2025-03\",\n\"usage\":[{\"app\":\"one\",\"meters\":[{\"meter\":\"nau\",\"exact\":1}]}]}")
		}, []string{"rollup", "rate", "--usage", "usage.json", "--plan", "tcmpp/pro"}, []string{"usage.json: line 2: usage[0].meters[0].meter", `did you mean "mau"`}, false},
		{"accounts file over its limit", func(s *site) {
			s.write("usage.json", `{"month":"2025-03","usage":[]}`)
			s.write("accounts.yaml", oneAccount+strings.Repeat("#", 64<<20))
		}, []string{"rollup", "rate", "--usage", "usage.json", "--accounts", "accounts.yaml"}, []string{"accounts.yaml: ", "64 MiB"}, false},
		{"plan to rate by", nil, []string{"rollup", "rate", "--usage", "accounts.yaml"}, []string{"--plan"}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := bareSite(t, oneAccount, nil)
			if row.broker {
				s.startBroker()
				s.ok("ingest", "init")
			}
			if row.spoil != nil {
				row.spoil(s)
			}
			s.want(2, row.args...).says(t, row.says...)
		})
	}
}

// A broker that cannot be reached is exit code 3, soon, and names the address.
func TestNoBroker(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, nil)
	s.stopBroker()
	s.addr = freeAddr(t)
	s.config["kafka"] = "{brokers: [\"" + s.addr + "\"], topic: " + s.topic + "}"
	s.configure()
	s.write("x.ndjson", "{}\n")
	var all []*process
	for _, args := range [][]string{
		{"ingest", "run"}, {"ingest", "run", "--until-end"}, {"ingest", "load", "x.ndjson"}, {"rollup", "close", "--month", "2025-03"}, {"ingest", "init"},
	} {
		all = append(all, s.start(args...)) // at once: each waits a while for the broker
	}
	for _, p := range all {
		r := p.wait()
		if r.code != 3 {
			t.Errorf("%s: exit code %d, want 3: %s", r.line, r.code, cut(r.stderr))
		}
		r.says(t, s.addr)
	}
}

// A month is closed when it is over, when its grace has passed and when the one before is closed: else exit code 1.
func TestCloseTooSoon(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, nil)
	s.send(nil, []record{event("minigame.open", "one", "g", "2025-03-02T00:00:00Z")})
	s.ok("ingest", "run", "--until-end")
	now := time.Now().UTC().AddDate(0, 0, 1).Format("2006-01") // which is not over before the test is
	s.want(1, "rollup", "close", "--month", now).says(t, now, "not over")
	s.config["billing"] = "{grace: 200000h}"
	s.configure()
	s.want(1, "rollup", "close", "--month", "2025-03").says(t, "2025-03", "grace")
	delete(s.config, "billing")
	s.configure()
	s.want(1, "rollup", "usage", "--month", "2025-03").says(t, "closed")
	s.want(1, "rollup", "invoices", "--month", "2025-03")
	s.ok("rollup", "close", "--month", "2025-03")
	s.want(1, "rollup", "close", "--month", "2025-05").says(t, "2025-04")
	s.want(1, "rollup", "close", "--month", "2025-02").says(t, "2025-02")
	s.want(1, "rollup", "usage", "--month", "2025-04")
}

// Another key would count every device again: refused, wherever it turns up.
func TestOtherKey(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, nil)
	s.send(nil, []record{event("minigame.open", "one", "g", "2025-03-02T00:00:00Z")})
	s.ok("ingest", "run", "--until-end")
	key, err := os.ReadFile(s.path("data/guid.key"))
	if err != nil {
		t.Fatal(err)
	}
	replace := func(text string) {
		if err := os.WriteFile(s.path("data/guid.key"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replace("00112233445566778899aabbccddeeff\n")
	s.want(2, "ingest", "run", "--until-end").says(t, "key")
	s.want(2, "rollup", "close", "--month", "2025-03").says(t, "key")
	os.Remove(s.path("data/guid.key"))
	s.want(2, "ingest", "init").says(t, "guid.key", "backup")
	if _, err := os.Stat(s.path("data/guid.key")); err == nil {
		t.Error("init made a new key beside state that hangs on the old one")
	}
	replace("no key at all\n")
	s.want(2, "ingest", "run", "--until-end").says(t, "guid.key", "line 1")
	replace(string(key))
	s.ok("rollup", "close", "--month", "2025-03")
}

// What an open month's rules say cannot be changed under it: refused by name.
func TestRulesThatDiffer(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, nil)
	s.send(nil, []record{event("minigame.open", "one", "g", "2025-03-02T00:00:00Z")})
	s.ok("ingest", "run", "--until-end")
	s.config["billing"] = "{time_zone: Asia/Tokyo}"
	s.configure()
	s.want(2, "ingest", "run", "--until-end").says(t, "time_zone")
	delete(s.config, "billing")
	s.config["events"] = "{types: {shop.opened: open}}"
	s.configure()
	s.want(2, "ingest", "run", "--until-end").says(t, "types")
}

// State that is lost is counted again from the log; a ledger or a topic that is lost is an error.
func TestLostState(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, nil)
	l := naive.New(time.UTC)
	s.send(l, generate(t, month.Config{Month: "2025-03", Events: 20_000, Devices: 2000, Apps: 3}))
	s.ok("ingest", "run", "--until-end")
	before := decode[usage](t, s.ok("rollup", "status", "--month", "2025-03", "--json"))
	if err := os.RemoveAll(s.path("data/state")); err != nil {
		t.Fatal(err)
	}
	s.ok("ingest", "run", "--until-end")
	after := decode[usage](t, s.ok("rollup", "status", "--month", "2025-03", "--json"))
	if before.settled() != after.settled() {
		t.Error("counted again from the log, the month is another")
	}
	s.ok("rollup", "close", "--month", "2025-03")
	compare(t, decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json")), l.Close("2025-03"), nil)

	if kafkaAddr == "" {
		return // where the broker is embedded, a topic that is missing is made
	}
	s.config["kafka"] = strings.Replace(s.config["kafka"], "topic: events-", "topic: gone-", 1)
	s.configure()
	s.want(2, "ingest", "run", "--until-end").says(t, "gone-", "init")
}

// load warns with file and line of each dead letter; --strict sends nothing then.
func TestLoadWarns(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, nil)
	good := event("minigame.open", "one", "g", "2025-03-02T00:00:00Z")
	s.write("in.ndjson", string(good.Value)+"\n{\"type\":1}\n\n"+string(good.Value)+"\nnonsense\n")
	s.want(1, "ingest", "load", "--strict", "in.ndjson").says(t, "in.ndjson:2", "in.ndjson:5")
	s.ok("ingest", "run", "--until-end")
	sent := func() (n int) {
		for _, p := range decode[usage](t, s.ok("rollup", "status", "--month", "2025-03", "--json")).Partitions {
			n += p.Offset
		}
		return n
	}
	if n := sent(); n != 0 {
		t.Errorf("--strict sent %d records", n)
	}
	s.want(0, "ingest", "load", "in.ndjson").says(t, "in.ndjson:2", "in.ndjson:5")
	s.ok("ingest", "run", "--until-end")
	if n := sent(); n != 4 {
		t.Errorf("%d records, want 4", n)
	}
}
