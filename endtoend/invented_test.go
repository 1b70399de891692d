package endtoend

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// Somebody with an SDK key invents apps: beyond a thousand of those that nobody is billed for, a closed month records them together, with
// sums and a digest that verify computes too; whoever is billed is listed, and the ledger and its log stay small.
func TestInventedAppsAreRecordedTogether(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	var records []record
	for i := range 1300 {
		records = append(records, opens(fmt.Sprintf("invented-%04d", i), "2025-03-10T10:00:00Z", i, i+1)...)
	}
	records = append(records, opens("invented-1299", "2025-03-11T10:00:00Z", 0, 1)...) // listed, for its two events
	s.send(nil, append(records, opens("a1", "2025-03-10T10:00:00Z", 0, 3)...))
	s.ok("rollup", "close", "--month", "2025-03")
	type document struct {
		Usage  []struct{ App string }
		Others struct {
			Apps, Events int
			Digest       string
		}
	}
	d := decode[document](t, s.ok("rollup", "usage", "--json", "--month", "2025-03"))
	if len(d.Usage) != 1001 || d.Usage[0].App != "a1" || d.Usage[1000].App != "invented-1299" || d.Others.Apps != 300 || d.Others.Events != 300 || !strings.HasPrefix(d.Others.Digest, "sha256:") {
		t.Errorf("%d apps, the last is %s, others %+v", len(d.Usage), d.Usage[len(d.Usage)-1].App, d.Others)
	}
	if text := s.ok("rollup", "usage", "--month", "2025-03"); !strings.Contains(text, "Not listed are 300 further apps") {
		t.Error("the table does not say what it leaves out")
	}
	if text := s.ok("rollup", "usage", "--csv", "--month", "2025-03"); !strings.Contains(text, "(300 further apps)") {
		t.Error("the CSV does not say what it leaves out")
	}
	for _, name := range s.files("data/ledger.db*") {
		if info, err := os.Stat(name); err != nil || info.Size() > 8<<20 || strings.HasSuffix(name, "-wal") && info.Size() > 1<<20 {
			t.Errorf("%s has %d bytes, %v", name, info.Size(), err)
		}
	}
	// One of them turns out to be a customer's.
	s.write("right.yaml", openAccount+"  - {id: other, apps: [invented-0999], plan: tcsas/professional, from: 2025-01-01}\n")
	s.ok("rollup", "amend", "--month", "2025-03", "--accounts", "right.yaml", "--reason", "forgotten")
	s.send(nil, opens("invented-1250", "2025-03-30T10:00:00Z", 5000, 5001)) // late, of an app that is not listed
	s.ok("rollup", "close", "--month", "2025-04")
	s.ok("rollup", "export", "--month", "2025-03", "--out", "march.tar")
	for _, args := range [][]string{{"--month", "2025-03"}, {"--month", "2025-03", "--from-sealed"}, {"--month", "2025-03", "--from", "march.tar"}, {"--month", "2025-04"}} {
		s.verify(0, args...)
	}
}
