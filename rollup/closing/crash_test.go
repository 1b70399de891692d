package closing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"headcount/events"
	"headcount/events/signed"
	"headcount/ingest/worker"
	"headcount/rollup/closed"
)

// TestCrash breaks every call that two closes make of ledger, log and state store, one in each run: it does nothing, it does its work
// and fails all the same, or the process is killed there. Whoever runs the close again comes to the same end.
func TestCrash(t *testing.T) {
	for _, c := range []struct {
		group string
		how   []faults
	}{
		{"", []faults{{}, {applied: true, killed: true}}},
		{"readers", []faults{{applied: true}, {killed: true}}},
	} {
		whole := newTestSite(t)
		whole.join(c.group)
		want := whole.live()
		calls := whole.faults.calls
		if calls < 100 {
			t.Fatalf("only %d calls: the faults do not see the ports", calls)
		}
		for _, how := range c.how {
			t.Run(fmt.Sprintf("group=%s,applied=%v,killed=%v", c.group, how.applied, how.killed), func(t *testing.T) {
				t.Parallel()
				crashEach(t, c.group, how, calls, want)
			})
		}
	}
}

// crashEach breaks one of the calls in each run.
func crashEach(t *testing.T, group string, how faults, calls int, want string) {
	step, told, runs := 1, 0, 0
	if testing.Short() {
		step = 7
	}
	for k := 1; k <= calls; k += step {
		s := newTestSite(t)
		s.join(group)
		s.faults = how
		s.faults.at = k
		got := s.live()
		s.end()
		if s.faults.hit == "" {
			t.Fatalf("call %d of %d was not made", k, calls)
		}
		if got != want {
			t.Errorf("call %d (%s) broken, then run again: got\n%s\nwant\n%s", k, s.faults.hit, got, want)
		}
		if runs++; s.told {
			told++
		}
	}
	if told < runs/2 {
		t.Errorf("only %d of %d broken calls failed a close", told, runs)
	}
}

// join gives partition 0 to a member of a group, which counts while a close sleeps; empty: nobody but the close counts.
func (s *testSite) join(group string) {
	if s.group = group; group == "" {
		return
	}
	s.owners = map[events.Partition]string{0: "member"}
	s.slept = func(ctx context.Context) error {
		own := *s // its calls do not break
		own.faults = faults{}
		return own.count(ctx, 0)
	}
}

// count counts a partition as a worker does, up to its end.
func (s *testSite) count(ctx context.Context, p events.Partition) error {
	w := worker.New(worker.Config{
		Log: testLog{s}, Topic: s.topic, State: s.state(), Template: s.template, Keys: keys, Interval: 1, DeadLetter: "dead",
		Until: func(events.Partition) bool { return true }, Logger: s.closer(0).Log, Clock: testClock{s}, Go: inline,
	}, p)
	return w.Run(ctx, testReader{s})
}

// live lives through two months, and returns what became of them.
func (s *testSite) live() string {
	s.t.Helper()
	s.octoberEvents()
	first := s.closeAtLast(october)
	s.novemberEvents()
	second := s.closeAtLast(november)
	if again := s.closeAtLast(november); string(again.Document) != string(second.Document) || len(again.Invoices) != len(second.Invoices) {
		s.t.Errorf("call %d (%s): closed again, with another result", s.faults.at, s.faults.hit)
	}
	var b strings.Builder
	for _, r := range []*closed.Result{first, second} {
		doc, err := r.Usage()
		if err != nil {
			s.t.Fatal(err)
		}
		for _, a := range doc.Usage {
			fmt.Fprintf(&b, "%s %s %+v %v %s\n", r.Month, a.App, a.Kinds, a.Late, a.Digest)
		}
		for _, v := range slices.Concat(r.Late, r.Invoices) {
			fmt.Fprintf(&b, "%s %s %s\n", r.Month, v.Status, v.Document)
		}
	}
	s.checkLog()
	if s.faults.at%5 == 0 { // it takes as long as a close
		if _, err := s.ledger.Verify(s.t.Context()); err != nil {
			s.t.Errorf("call %d (%s): %v", s.faults.at, s.faults.hit, err)
		}
	}
	if left, err := s.ledger.Outbox(s.t.Context()); err != nil || len(left) != 0 {
		s.t.Errorf("call %d (%s): outbox %v, %v", s.faults.at, s.faults.hit, left, err)
	}
	return b.String()
}

// closeAtLast closes a month, again where that fails; a month that is closed prints what is stored, and sends what was left.
func (s *testSite) closeAtLast(m events.Month) *closed.Result {
	s.t.Helper()
	records, files := len(s.log[0])+len(s.log[1]), slices.Sorted(maps.Keys(s.files))
	r, err := s.close(m)
	if err == nil {
		return r
	}
	if !errors.Is(err, errFault) {
		s.t.Errorf("call %d (%s): the error does not say what broke: %v", s.faults.at, s.faults.hit, err)
	}
	s.told = true
	s.checkNothingBegun(m, records, files)
	s.faults.mend()
	if r, err = s.close(m); err != nil {
		s.t.Fatalf("call %d (%s): close again: %v", s.faults.at, s.faults.hit, err)
	}
	return r
}

// checkNothingBegun checks that before the closing's row nothing was written but the month's rules, and what any worker would.
func (s *testSite) checkNothingBegun(m events.Month, records int, files []string) {
	s.t.Helper()
	if s.ledger != nil {
		if _, err := s.ledger.Closing(s.t.Context(), m); err == nil {
			return
		}
	}
	if n := len(s.log[0]) + len(s.log[1]); n != records {
		s.t.Errorf("call %d (%s): %d records were written before the closing's row", s.faults.at, s.faults.hit, n-records)
	}
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		if !slices.Contains(files, name) && !strings.Contains(name, "/rules/") && !strings.Contains(name, "/checkpoint/") {
			s.t.Errorf("call %d (%s): %s was written before the closing's row", s.faults.at, s.faults.hit, name)
		}
	}
}

// checkLog checks that every seal in the log is of a closing in the ledger, and that each month's closed record is there.
func (s *testSite) checkLog() {
	s.t.Helper()
	for p, records := range s.log {
		for _, r := range records {
			seal, _, err := signed.ParseSeal(r.Value)
			if err != nil {
				continue
			}
			if c, err := s.ledger.Closing(s.t.Context(), seal.Month); err != nil || c.SealID != seal.SealID {
				s.t.Errorf("call %d (%s): partition %d has a seal of %s with id %s, which the ledger does not have: %v", s.faults.at, s.faults.hit, p, seal.Month, seal.SealID, err)
			}
		}
	}
	if _, closed := s.signed(); closed < 2 {
		s.t.Errorf("call %d (%s): %d closed records in the log, want 2 at least", s.faults.at, s.faults.hit, closed)
	}
}
