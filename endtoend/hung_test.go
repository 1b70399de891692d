//go:build unix

package endtoend

import (
	"syscall"
	"testing"
	"time"

	"headcount/endtoend/naive"
)

// A process that hangs loses its partitions to the other. When it wakes it goes on for a moment with what is no longer its own, in
// the middle of a batch perhaps, and changes no number.
func TestHungProcess(t *testing.T) {
	t.Parallel()
	s := newSite(t, mixedAccounts, map[string]string{"billing": allOdd})
	l := naive.New(time.UTC)
	records := generate(t, s.oddMonth("2025-03", 40_000))
	a, b := s.start("ingest", "run"), s.start("ingest", "run")
	state := func() (owners map[string]int, lag int) {
		owners = map[string]int{}
		for _, p := range decode[usage](t, s.ok("rollup", "status", "--month", "2025-03", "--json")).Partitions {
			owners[p.Owner]++
			lag += p.Lag
		}
		return owners, lag
	}
	s.waitFor("both with partitions", func() bool {
		owners, _ := state()
		return len(owners) == 2 && owners[""] == 0
	})
	s.send(l, records[:20_000])
	if err := a.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	s.send(l, records[20_000:])
	s.waitFor("one that has and has read all", func() bool {
		owners, lag := state()
		return len(owners) == 1 && owners[""] == 0 && lag == 0
	})
	if err := a.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	s.ok("rollup", "close", "--month", "2025-03")
	compareListed(t, decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json")), l.Close("2025-03"), mixedPlans)
	for _, p := range []*process{a, b} {
		if r := p.terminate(); r.code != 0 {
			t.Errorf("ended with %d: %s", r.code, cut(r.stderr))
		}
	}
}
