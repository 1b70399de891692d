package endtoend

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// monthsAgo is the first instant of a month so many before the present one, and the month.
func monthsAgo(n int) (time.Time, string) {
	now := time.Now().UTC()
	at := time.Date(now.Year(), now.Month()-time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	return at, at.Format("2006-01")
}

const since2000 = "accounts:\n  - {id: a, apps: [one], plan: tcsas/professional, from: 2000-01-01}\n"

// One event dated seven months back has nothing invoiced but what was asked for: without billing.from the first close says which months
// have events, and with it that event is counted as before the books.
func TestOneOldEvent(t *testing.T) {
	t.Parallel()
	old, oldName := monthsAgo(7)
	last, lastName := monthsAgo(2)
	_, newName := monthsAgo(1)
	s := newSite(t, since2000, map[string]string{"billing": "{grace: 0s}"})
	s.asks = true
	s.send(nil, opens("one", old.Format(time.RFC3339), 77, 78))
	s.send(nil, opens("one", last.Format(time.RFC3339), 0, 20))
	for range 2 { // not counted yet, and counted
		s.want(1, "rollup", "close", "--due").says(t, oldName+" has 1 events", lastName+" has 20 events", "billing.from", "--open-books")
		s.want(1, "rollup", "close", "--month", lastName).says(t, oldName+" has 1 events", "--open-books", "billing.from")
		s.ok("ingest", "run", "--until-end")
	}
	if _, err := os.Stat(s.path("data/ledger.db")); err == nil {
		t.Error("a ledger was made")
	}

	// The configuration says it: then that is a rule of the topic, which counts all of it again.
	s.config["billing"] = "{grace: 0s, from: " + lastName + "}"
	s.configure()
	for _, args := range [][]string{{"ingest", "run", "--until-end"}, {"rollup", "close", "--due"}} {
		s.want(2, args...).says(t, "from is none, the configuration says "+lastName, "billing.from", "ingest recount")
	}
	if out := s.run("ingest", "check").stdout; !strings.Contains(out, "billing.from") {
		t.Errorf("check does not name it:\n%s", out)
	}
	s.ok("ingest", "recount", "--month", lastName)
	status := decode[usage](t, s.ok("rollup", "status", "--month", lastName, "--json"))
	if n := status.Usage[0].Before; n != 1 || status.Usage[0].Events != 20 {
		t.Errorf("status: %d before the books, %d events", n, status.Usage[0].Events)
	}
	if out := s.ok("rollup", "close", "--due", "--yes"); !strings.Contains(out, "before the books, which are not counted: 1") {
		t.Errorf("the close does not say what was before the books:\n%s", out)
	}
	if got := decode[usage](t, s.ok("rollup", "usage", "--month", lastName, "--json")); got.Usage[0].Before != 1 || got.Usage[0].Kinds["open"].Exact != 20 {
		t.Errorf("usage: %+v", got.Usage[0])
	}
	for m, closed := range map[string]int{oldName: 1, lastName: 0, newName: 0} {
		s.want(closed, "rollup", "invoices", "--month", m)
	}
	s.want(1, "rollup", "close", "--month", oldName)
	s.ok("rollup", "verify", "--month", lastName)
	s.ok("rollup", "verify", "--month", lastName, "--from-sealed")

	// The books are open.
	s.config["billing"] = "{grace: 0s, from: " + newName + "}"
	s.configure()
	s.want(2, "ingest", "run", "--until-end").says(t, "from is "+lastName, "billing.from")
	_, present := monthsAgo(0)
	s.want(2, "ingest", "recount", "--month", present).says(t, "billing.from")
}

// Told to, the first close opens the books past what is older; the next ones ask nothing.
func TestBooksAreOpened(t *testing.T) {
	t.Parallel()
	old, oldName := monthsAgo(7)
	last, lastName := monthsAgo(2)
	s := newSite(t, since2000, map[string]string{"billing": "{grace: 0s}"})
	s.asks = true
	s.send(nil, opens("one", old.Format(time.RFC3339), 77, 78))
	s.send(nil, opens("one", last.Format(time.RFC3339), 0, 20))
	s.ok("rollup", "close", "--month", lastName, "--open-books")
	s.want(1, "rollup", "close", "--due").says(t, "has no event", "--yes", "billing.auto_close")
	s.ok("rollup", "close", "--due", "--yes")
	s.want(1, "rollup", "usage", "--month", oldName)
	s.ok("rollup", "verify", "--month", lastName)
}

// The configuration that init writes opens the books with the month before the present one, or with the one that it is told.
func TestInitOpensTheBooks(t *testing.T) {
	t.Parallel()
	onEmbedded(t)
	_, before := monthsAgo(1)
	for asked, want := range map[string]string{"": before, "2024-05": "2024-05"} {
		s := &site{T: t, dir: folder(t)}
		args := []string{"ingest", "init", "--config", "new.yaml"}
		if asked != "" {
			args = append(args, "--from", asked)
		}
		s.run(args...) // the broker's port may be taken: the files are made before
		text, err := os.ReadFile(s.path("new.yaml"))
		if err != nil || !strings.Contains(string(text), "  from: "+want+"\n") {
			t.Errorf("--from %q: %v\n%s", asked, err, text)
		}
		s.want(2, "ingest", "init", "--config", "new.yaml", "--from", "2019-01").says(t, "--from 2019-01", "billing.from")
		if again, err := os.ReadFile(s.path("new.yaml")); err != nil || string(again) != string(text) {
			t.Errorf("the configuration was changed: %v\n%s", err, again)
		}
		s.want(2, "ingest", "init", "--from", "May").says(t, "--from", "2026-10")
	}
}

// Whatever clocks a producer has, or pretends to have, it opens few months, has none invoiced, and keeps none from being closed.
func TestClocks(t *testing.T) {
	t.Parallel()
	onEmbedded(t) // it takes the producers' timestamps
	last, lastName := monthsAgo(1)
	s := newSite(t, since2000, map[string]string{"billing": "{grace: 0s, from: " + lastName + `, reject_limit: "1"}`, "limits": "{months_back: 12}"})
	s.asks = true
	at := last.Add(36 * time.Hour)
	var records []record
	send := func(device int, at, stamp time.Time) {
		r := event("minigame.open", "one", fmt.Sprintf("device-%d", device), at.Format(time.RFC3339))
		r.Timestamp = stamp.UnixMilli()
		records = append(records, r)
	}
	for device := range 1000 { // seconds, where milliseconds are wanted
		stamp := at
		if device < 800 {
			stamp = time.UnixMilli(at.Unix())
		}
		send(device, at, stamp)
	}
	for year := range 100 { // 1,200 months to come
		for month := range 12 {
			ahead := time.Date(at.Year()+2+year, time.Month(month+1), 5, 0, 0, 0, 0, time.UTC)
			send(5000, ahead, ahead)
			send(5000, ahead, time.UnixMilli(1))
		}
	}
	send(6000, at.AddDate(-3, 0, 0), at)
	send(6000, at.AddDate(0, -2, 0), at)
	s.send(nil, records)
	s.ok("ingest", "run", "--until-end")
	var months []string
	for _, name := range s.files("data/state/*/*/rules/2*.json") {
		months = append(months, filepath.Base(name))
	}
	if !slices.Equal(months, []string{lastName + ".json"}) {
		t.Errorf("months with rules: %v", months)
	}
	s.ok("rollup", "close", "--due")
	got := decode[usage](t, s.ok("rollup", "usage", "--month", lastName, "--json"))
	if a := got.Usage[0]; a.Kinds["open"].Exact != 1000 || a.Skewed != 0 || a.Rejected != 2401 || a.Before != 1 {
		t.Errorf("usage: %+v", a)
	}
	for _, v := range got.Invoices {
		if v.Status != "final" {
			t.Errorf("held: %s", v.Reason)
		}
	}
	s.ok("rollup", "verify", "--month", lastName)
}

// On brokers that stamp records `init` makes the topics so; a topic that leaves it to the producers fails `check`, by its remedy, unless that is
// accepted. The embedded broker, which stands in for those brokers here, keeps what the topic says without doing it.
func TestWhoseClock(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, nil)
	kafka := func(topic, more string) {
		s.config["kafka"] = fmt.Sprintf("{brokers: [%q], topic: %s, group: g-%s%s}", s.addr, topic, s.topic, more)
		s.configure()
	}
	timestamps := func() (verdict, line string) {
		for line := range strings.SplitSeq(s.run("ingest", "check").stdout, "\n") {
			if words := strings.Fields(line); len(words) > 1 && words[1] == "timestamps" {
				return words[0], line
			}
		}
		t.Fatal("check does not look at timestamps")
		return "", ""
	}
	if verdict, line := timestamps(); kafkaAddr == "" && verdict != "ok" {
		t.Errorf("the embedded broker: %s", line)
	}
	made := s.topic + "-stamped"
	kafka(made, "")
	s.ok("ingest", "init")
	if verdict, line := timestamps(); verdict != "ok" || !strings.Contains(line, "LogAppendTime") {
		t.Errorf("a topic of init's: %s", line)
	}
	kafka(s.topic+"-plain", ", producer_time: accept")
	s.ok("ingest", "init")
	if verdict, line := timestamps(); verdict == "fail" || !strings.Contains(line, "CreateTime") {
		t.Errorf("accepted: %s", line)
	}
	kafka(s.topic+"-plain", "")
	verdict, line := timestamps()
	for _, text := range []string{"CreateTime", "kafka-configs --bootstrap-server " + s.addr, "--entity-name " + s.topic + "-plain --add-config message.timestamp.type=LogAppendTime", "kafka.producer_time: accept"} {
		if verdict != "fail" || !strings.Contains(line, text) {
			t.Errorf("check does not say %q: %s", text, line)
		}
	}
	s.want(1, "ingest", "check")
}
