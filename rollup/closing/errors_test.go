package closing

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/signed"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// refused closes a month that must be refused with an error of a type, and returns it.
func refused[E error](s *testSite, m events.Month) E {
	s.t.Helper()
	_, err := s.close(m)
	e, ok := errors.AsType[E](err)
	if !ok {
		s.t.Fatalf("close %s: got %T %v, want %T", m, err, err, e)
	}
	return e
}

// broken closes a month while one call of a port does nothing but fail, and returns what with.
func (s *testSite) broken(m events.Month, what string) error {
	s.t.Helper()
	s.faults = faults{name: what}
	_, err := s.close(m)
	if s.faults.hit == "" || err == nil {
		s.t.Fatalf("close %s with %s broken: %v", m, what, err)
	}
	return err
}

func TestTooEarly(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	zone, err := events.LoadZone(zoneName)
	if err != nil {
		t.Fatal(err)
	}
	ends := time.Date(2026, 11, 1, 0, 0, 0, 0, zone)
	s.now = ends.Add(-time.Millisecond)
	if e := refused[*NotOverError](s, october); !e.Ends.Equal(ends) || e.Error() != "month 2026-10 is not over: it ends at 2026-11-01T00:00:00+08:00 (Asia/Shanghai)" {
		t.Errorf("%v", e)
	}
	for _, now := range []time.Time{ends, ends.Add(24*time.Hour - time.Millisecond)} {
		s.now = now
		if e := refused[*GraceError](s, october); !e.Until.Equal(ends.Add(24 * time.Hour)) {
			t.Errorf("%v", e)
		}
	}
	if s.ledger != nil || len(s.files) > 0 || s.faults.calls != 3 {
		t.Errorf("a month that is not over: %d files, %d calls", len(s.files), s.faults.calls)
	}
	s.now = ends.Add(24 * time.Hour)
	s.mustClose(october)
}

func TestOrder(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.mustClose(october)
	if e := refused[*BooksOpenedLaterError](s, september); e.Last != october {
		t.Errorf("%v", e)
	}
	s.after(december, 3)
	if e := refused[*NotClosedBeforeError](s, december); e.Before != november {
		t.Errorf("%v", e)
	}
}

func TestPolicy(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	if err := s.count(t.Context(), 0); err != nil { // which fixes the rules
		t.Fatal(err)
	}
	right := *s.template
	s.template.Types = map[string]string{"scan": "scan"}
	if e := refused[*worker.MonthDiffersError](s, october); e.Month != october || !strings.HasPrefix(e.Error(), "the config: rules differ from those of open month 2026-10: ") {
		t.Errorf("%v", e)
	}
	*s.template = right

	other := identity.NewKeyring(identity.NewGUIDKey([16]byte([]byte("another 16 bytes"))))
	c := s.closer(october)
	c.Keys = other
	_, err := c.Close(t.Context(), october)
	if e, ok := errors.AsType[*worker.KeyMissingError](err); !ok || e.File != "the keys" || e.KeyID != keys.Newest().ID() || e.Newest != other.Newest().ID() {
		t.Errorf("%v", err)
	}

	s.topic.ID = "topic-2"
	if e := refused[*worker.SiblingError](s, october); e.Former != "topic-1" || !slices.Equal(e.Unsealed, []events.Month{october}) {
		t.Errorf("%v", e)
	}
}

func TestForeignLedger(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.mustClose(october)
	s.end() // its file is gone
	s.novemberEvents()
	if e := refused[*ForeignLedgerError](s, october); e.Month != october || !strings.Contains(e.Error(), "the ledger the ledger knows no closing of it") {
		t.Errorf("%v", e)
	}
	if s.ledger != nil {
		t.Error("a ledger was made")
	}
	// Another ledger that has closed the month too, with another seal.
	other := newTestSite(t)
	other.octoberEvents()
	other.template.Types = map[string]string{"scan": "scan"}
	c := other.closer(october)
	c.Random = strings.NewReader(strings.Repeat("other", 10))
	if _, err := c.Close(t.Context(), october); err != nil {
		t.Fatal(err)
	}
	s.ledger = other.ledger
	if e := refused[*closed.OlderLedgerError](s, november); e.Month != october { // the log knows which ledger closed it
		t.Errorf("%v", e)
	}
	if _, err := closed.Open(t.Context(), s.ledger, memory{s.files}, october); !is[*closed.ForeignSealError](err) {
		t.Errorf("open a month of another ledger: %v", err)
	}
	s.ledger = nil
}

// A closing that was begun is sealed by another: the ledger was put back to before.
func TestSealedByAnother(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.mustClose(october)
	s.end()
	s.ledger, s.folder = openEmpty(t.Context(), t)
	rules, err := closed.RulesOf(t.Context(), s.state(), nil, october)
	if err != nil {
		t.Fatal(err)
	}
	accounts, books, _ := s.Prices()
	_, _, err = s.ledger.Begin(t.Context(), ledger.Closing{
		Month: october, SealID: "other", Cluster: "cluster", TopicID: "topic-1", Topic: "sdk-events", Partitions: []events.Partition{0, 1},
		RulesHash: rules.Hash(), Zone: zoneName, Version: "test", At: s.now, Accounts: accounts, Books: books,
	})
	if err != nil {
		t.Fatal(err)
	}
	if e := refused[*closed.OlderLedgerError](s, october); e.Month != october {
		t.Errorf("%v", e)
	}
}

func TestForeignTopic(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.broken(october, "Commit") // everything is sealed
	s.topic.ID = "topic-2"
	if e := refused[*ForeignTopicError](s, october); !e.MadeAgain() || !strings.Contains(e.Error(), "its topic id was topic-1 and is topic-2 (partition 0 was sealed at offset ") {
		t.Errorf("%v", e)
	}
	s.topic.ID, s.topic.Cluster = "topic-1", "other"
	if e := refused[*ForeignTopicError](s, october); e.MadeAgain() || !strings.Contains(e.Error(), "of cluster cluster, but the configuration leads to topic-1 of other") {
		t.Errorf("%v", e)
	}
	s.topic.Cluster = "cluster"
	s.mustClose(october)
}

func TestRulesChanged(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.broken(october, "Produce") // the closing is begun
	s.template.Types = map[string]string{"scan": "scan"}
	if _, err := s.state().Recount(t.Context(), october, s.template); err != nil {
		t.Fatal(err)
	}
	if e := refused[*RulesChangedError](s, october); e.Begun == e.Now || !strings.Contains(e.Error(), "those of the month in the state hash to "+e.Now) {
		t.Errorf("%v", e)
	}
}

// passSeal leaves a checkpoint of partition 0 past the seal of a month, by a shard that follows no seal that its log has lost.
func (s *testSite) passSeal(m events.Month) {
	s.t.Helper()
	ctx := s.t.Context()
	id := counter.Identity{Cluster: s.topic.Cluster, TopicID: s.topic.ID, Partition: 0}
	rules, err := s.state().Rules(ctx, s.template)
	if err != nil {
		s.t.Fatal(err)
	}
	shard := counter.NewShard(id, rules, keys)
	if _, sealed, err := shard.Count(s.log[0]); err != nil || sealed != nil {
		s.t.Fatalf("count past the seal of %s: sealed %v, %v", m, sealed != nil, err)
	}
	end := events.Offset(len(s.log[0]))
	part := s.state().Partition(id)
	if _, _, err := part.Load(ctx, func() *counter.Shard { return counter.NewShard(id, rules, keys) }); !errors.Is(err, checkpoint.ErrNone) {
		s.t.Fatalf("checkpoints are left: %v", err)
	}
	if _, err := part.Save(ctx, shard.Cut(counter.Position{Next: end, BatchOffset: end - 1})); err != nil {
		s.t.Fatal(err)
	}
}

// loseSeal cuts the first seal out of partition 0's log, and removes what was counted of it.
func (s *testSite) loseSeal() {
	s.t.Helper()
	s.log[0] = slices.DeleteFunc(slices.Clone(s.log[0]), func(r events.Record) bool {
		_, _, err := signed.ParseSeal(r.Value)
		return err == nil
	})
	for i := range s.log[0] {
		s.log[0][i].Offset = events.Offset(i)
	}
	s.remove("/0/checkpoint/")
}

func TestNotFollowed(t *testing.T) {
	for _, lost := range []bool{false, true} {
		s := newTestSite(t)
		s.octoberEvents()
		s.mustClose(october)
		s.novemberEvents()
		s.loseSeal()
		if !lost {
			s.remove("/0/sealed/")
		}
		s.yes = true
		passed := false
		s.group, s.owners = "readers", map[events.Partition]string{0: "member", 1: "member"}
		s.slept = func(ctx context.Context) error {
			if !passed {
				s.passSeal(november)
			}
			passed = true
			return nil
		}
		e := refused[*NotFollowedError](s, november)
		if e.Lost != lost || e.Partition != 0 || e.Sealed != 0 || e.Previous != october {
			t.Errorf("lost %v: %+v", lost, e)
		}
		if got := strings.Contains(e.Error(), "and is lost now"); got != lost {
			t.Errorf("lost %v: %v", lost, e)
		}
	}
}

// A reader that knows of the sealed month halts before the seal; where the close itself counts, it says so.
func TestHalted(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.mustClose(october)
	s.novemberEvents()
	s.loseSeal()
	refused[*worker.Halted](s, november)
}

func TestSealedMonthLost(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.mustClose(october)
	s.remove("/1/sealed/")
	_, err := closed.Open(t.Context(), s.ledger, memory{s.files}, october)
	if e, ok := errors.AsType[*closed.SealedMonthLostError](err); !ok || e.Partition != 1 || e.Month != october || !errors.Is(err, checkpoint.ErrNotSealed) {
		t.Errorf("open a month with a lost file: %v", err)
	}
	// The next close counts it again from the log, and puts it back.
	s.novemberEvents()
	s.mustClose(november)
	m, err := closed.Open(t.Context(), s.ledger, memory{s.files}, october)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, _, err := m.Usage(t.Context(), nobody); err != nil { // which compares the digests
		t.Errorf("what was put back: %v", err)
	}
	// Of a former topic there is no log.
	s.topic.ID = "topic-2"
	s.log = make([][]events.Record, 2)
	s.remove("topic-1/0/sealed/2026-11-") // its data
	s.open(0, "app-a", 1, december, 5)
	s.after(december, 3)
	if e := refused[*closed.SealedMonthLostError](s, december); e.Former != "topic-1" || e.Month != november {
		t.Errorf("%v", e)
	}
}

func TestLogGone(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	c := s.closer(october)
	c.Progress = func(done, total int64) { s.gone = done == total }
	_, err := c.Close(t.Context(), october)
	if e, ok := errors.AsType[*LogGoneError](err); !ok || !is[*stream.RecreatedError](e) {
		t.Errorf("%v", err)
	}
}

func TestTimedOut(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.group, s.owners = "readers", map[events.Partition]string{1: "member-7"} // who does not count
	s.slept = func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	}
	s.yes = true
	s.ledger, s.folder = openEmpty(t.Context(), t) // which takes longer than the close waits
	c := s.closer(october)
	c.Timeout = time.Second
	_, err := c.Close(t.Context(), october)
	e, ok := errors.AsType[*TimedOutError](err)
	if !ok || !slices.Contains(e.Partitions, 1) || e.Waited != c.Timeout || e.Why != "being read: 1 by member-7 (client headcount at 10.0.0.7)" {
		t.Errorf("%v", err)
	}
	s.slept = func(context.Context) error { return nil }
	s.owners = nil
	s.mustClose(october)
}

func TestUnreachable(t *testing.T) {
	for what, want := range map[string]string{
		"LastClosed": "ledger: it broke",
		"Begin":      "ledger: it broke",
		"Produce":    "seal 2026-11: it broke; run the close again",
		"Commit":     "ledger: it broke; run the close again",
		"Amendments": "ledger: it broke",
	} {
		s := newTestSite(t)
		s.octoberEvents()
		s.mustClose(october)
		s.novemberEvents()
		err := s.broken(november, what)
		if e, ok := errors.AsType[*closed.UnreachableError](err); !ok || e.Error() != want || !errors.Is(err, errFault) {
			t.Errorf("%s broken: got %v, want %s", what, err, want)
		}
	}
}

// nobody is billed for anything.
func nobody(string) (string, []rating.Meter) { return "", nil }

// is says whether an error is of a type.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
