package endtoend

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// joined is what a process says each time that the group has shared out.
var joined = regexp.MustCompile(`(?m)^time=(\S+) .*msg="in the group" .*generation=(\d+) partitions="?(\[[\d ]*\])`)

// A process that is killed and started again under its name has its partitions back without a rebalance: the group stays in the
// generation that it was in, and nobody else is touched.
func TestKilledMemberComesBack(t *testing.T) {
	t.Parallel()
	s := bareSite(t, oneAccount, nil)
	// Nobody is silent for so long, however slow the machine is: whoever has partitions again has them by its name.
	s.config["kafka"] = strings.Replace(s.config["kafka"], "session_timeout: 6s", "session_timeout: 4m", 1)
	s.configure()
	s.startBroker()
	s.ok("ingest", "init")
	state := func() (owners map[string]int, lag int) {
		owners = map[string]int{}
		for _, p := range decode[usage](t, s.ok("rollup", "status", "--month", "2025-03", "--json")).Partitions {
			owners[p.Owner]++
			lag += p.Lag
		}
		return owners, lag
	}
	// The second to come is killed. The broker of this test, other than Apache Kafka, shares out anew where a member comes back with
	// other words than its last: that one's were of a member that has nothing yet.
	b := s.start("ingest", "run", "--instance", "b")
	s.waitFor("the first to have all", func() bool {
		owners, _ := state()
		return owners["b"] == 4
	})
	a := s.start("ingest", "run", "--instance", "a")
	s.send(nil, opens("one", "2025-03-02T00:00:00Z", 0, 100))
	s.waitFor("both with two partitions, and all read", func() bool {
		owners, lag := state()
		return owners["a"] == 2 && owners["b"] == 2 && lag == 0
	})
	a.kill()
	<-a.ended
	started := time.Now()
	again := s.start("ingest", "run", "--instance", "a")
	s.send(nil, opens("one", "2025-03-03T00:00:00Z", 50, 150))
	s.waitFor("all read again", func() bool {
		_, lag := state()
		return lag == 0
	})
	var last [3][]string // time, generation, partitions
	for i, r := range []result{{stderr: a.stderr.String()}, again.terminate(), b.terminate()} {
		all := joined.FindAllStringSubmatch(r.stderr, -1)
		if len(all) == 0 {
			t.Fatalf("process %d never says that it is in the group: %s", i, cut(r.stderr))
		}
		last[i] = all[len(all)-1][1:]
		if i == 1 && len(all) != 1 {
			t.Errorf("the one that came back was in %d generations, want one", len(all))
		}
	}
	if fmt.Sprint(last[0][1:]) != fmt.Sprint(last[1][1:]) || last[2][1] != last[0][1] {
		t.Errorf("generation and partitions: %v before, %v after, the other %v", last[0][1:], last[1][1:], last[2][1:])
	}
	if at, err := time.Parse(time.RFC3339, last[1][0]); err != nil {
		t.Error(err)
	} else {
		t.Logf("back %v after the start of the process", at.Sub(started).Round(time.Millisecond))
	}
}
