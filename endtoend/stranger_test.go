package endtoend

import (
	"os"
	"strings"
	"testing"
)

// TestAStrangersBrokerIsRefused: two installations that name one address never write into each other's log, or count it. Each command that
// connects says whose broker it is that answers.
func TestAStrangersBrokerIsRefused(t *testing.T) {
	t.Parallel()
	onEmbedded(t)
	first := newSite(t, oneAccount, nil)
	first.send(nil, devices(0, 10, "2025-03-05T10:00:00Z"))
	first.ok("ingest", "run", "--until-end")
	idOf := func(s *site) string {
		t.Helper()
		text, err := os.ReadFile(s.path("data/kafka/cluster.id"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	lines := [][]string{
		{"ingest", "init"}, {"ingest", "run", "--until-end"}, {"ingest", "load", "more.ndjson"}, {"ingest", "recount", "--month", "2025-03"}, {"ingest", "broker"},
		{"rollup", "status", "--month", "2025-03"}, {"rollup", "close", "--month", "2025-03"},
	}
	refuses := func(s *site, says ...string) {
		t.Helper()
		s.file("more.ndjson", devices(10, 5, "2025-03-05T10:00:00Z"))
		for _, line := range lines {
			s.want(2, line...).says(t, append(says, "a stranger's", s.addr, "kafka.embedded.data_dir "+s.path("data/kafka"))...)
		}
		if r := s.want(1, "ingest", "check"); !strings.Contains(r.stdout, "a stranger's") {
			t.Errorf("ingest check says %s", r.stdout)
		}
	}
	beside := func() *site {
		s := bareSite(t, oneAccount, nil)
		s.addr, s.topic, s.config["kafka"] = first.addr, first.topic, first.config["kafka"]
		s.configure()
		return s
	}

	// One that never had a broker.
	refuses(beside(), "no broker was ever started over our folder", idOf(first))

	// One whose own is down.
	second := bareSite(t, oneAccount, nil)
	second.startBroker()
	second.ok("ingest", "init")
	second.stopBroker()
	second.addr, second.config["kafka"] = first.addr, first.config["kafka"]
	second.configure()
	refuses(second, "it is of cluster "+idOf(first)+", ours is "+idOf(second))

	// A copy of the one that is up.
	copied := beside()
	if err := os.CopyFS(copied.path("data"), os.DirFS(first.path("data"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"data/guid.key", "data/seal.key"} {
		if err := os.Chmod(copied.path(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refuses(copied, "one is a copy of the other", idOf(first))

	// Two that count, from folders of their own.
	running := first.start("ingest", "run")
	first.waitFor("the counting", running.up)
	again := beside()
	again.want(2, "ingest", "run").says(t, "a stranger's")
	running.terminate()

	// The first is as it was, and whoever says that the broker is others' may use it.
	if got := decode[struct {
		Partitions []struct{ End int }
	}](t, first.ok("rollup", "status", "--month", "2025-03", "--json")); len(got.Partitions) != 4 || got.Partitions[0].End+got.Partitions[1].End+got.Partitions[2].End+got.Partitions[3].End != 10 {
		t.Errorf("the first one's log: %+v", got)
	}
	guest := beside()
	guest.config["kafka"], _, _ = strings.Cut(guest.config["kafka"], ", embedded")
	guest.config["kafka"] += ", producer_time: accept}"
	guest.configure()
	guest.ok("ingest", "init")
	guest.ok("ingest", "check")
}
