package endtoend

import (
	"os"
	"strings"
	"testing"
)

// Where the state is older than what the group knows, or gone, `ingest run` says so, once, and counts again what lies between; nobody is
// told of it who goes on from the newest checkpoint, whose group is another, or who had a month counted again.
func TestOlderStateIsSaid(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	run := func(warned bool) {
		t.Helper()
		r := s.want(0, "ingest", "run", "--until-end")
		if got := strings.Contains(r.stderr, "the group's offset lies beyond the state"); got != warned {
			t.Errorf("warned: %v, want %v:\n%s", got, warned, cut(r.stderr))
		}
	}
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	run(false)
	if err := os.CopyFS(s.path("older"), os.DirFS(s.path("data/state"))); err != nil {
		t.Fatal(err)
	}
	s.send(nil, devices(100, 100, "2025-03-10T10:00:00Z"))
	run(false)
	run(false)
	s.remove("data/state")
	if err := os.Rename(s.path("older"), s.path("data/state")); err != nil {
		t.Fatal(err)
	}
	run(true)
	run(false)
	s.remove("data/state/*/*/[0-9]")
	run(true)
	run(false)
	s.ok("ingest", "recount", "--month", "2025-03")
	run(false)
	s.remove("data/state/*/*/[0-9]")
	s.config["kafka"] = strings.Replace(s.config["kafka"], "group: g-", "group: other-", 1)
	s.configure()
	run(false)
	wantMAU(t, decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json")), 200)
}
