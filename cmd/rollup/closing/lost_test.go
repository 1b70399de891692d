package closing

import (
	"strings"
	"testing"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
)

func TestMayConcern(t *testing.T) {
	const november = events.Month(2026*12 + 10)
	day := func(m time.Month, d int) time.Time { return time.Date(2026, m, d, 12, 0, 0, 0, time.UTC) }
	october, begun, began, closed := day(time.October, 20), day(time.November, 15), day(time.December, 2), day(time.December, 3)
	for _, c := range []struct {
		from, to, after, seal int64
		accepted              time.Time
		want                  bool
	}{
		{10, 20, -1, 30, october, true},
		{10, 20, 19, 30, october, true},
		{10, 20, 20, 30, october, false}, // before the seal of the month before the last
		{31, 40, -1, 30, closed, false},  // after the month's seal
		{31, 40, -1, 30, begun, true},    // of a longer log, before the close began
		{31, 40, -1, 30, october, false},
		{30, 40, -1, 30, october, true}, // cut off at 30, where the seal came to lie
		{-1, 0, -1, 5, october, true},   // a former topic
		{10, 20, 20, 30, begun, true},   // September was not closed yet in November
		{-1, 0, 20, 30, begun, true},
		{10, 20, 20, 30, day(time.October, 31), true}, // where it is the 1st already
		{10, 20, 20, 30, day(time.October, 29), false},
	} {
		l := checkpoint.Loss{Gap: counter.Gap{From: c.from, To: c.to}, Accepted: c.accepted}
		if got := mayConcern(l, november, c.after, c.seal, began); got != c.want {
			t.Errorf("gap %d to %d, accepted on %s, seals at %d and %d: %v, want %v", c.from, c.to, c.accepted, c.after, c.seal, got, c.want)
		}
	}
}

func TestSome(t *testing.T) {
	all := strings.Fields("a b c d e f g h i j")
	for n, want := range map[int]string{0: "", 1: "a", 8: "a; b; c; d; e; f; g; h", 10: "a; b; c; d; e; f; g; h … and 2 more"} {
		if got := some(all[:n]); got != want {
			t.Errorf("some of %d: %q, want %q", n, got, want)
		}
	}
}

// Accepted losses hold every invoice of the month, and what came late.
func TestLossHolds(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	part := s.state().Partition(counter.Identity{Cluster: "cluster", TopicID: "topic-1", Partition: 1})
	if err := part.Accept(t.Context(), counter.Gap{From: 0, To: 2, Reason: "retention"}, s.now.AddDate(0, 0, -10)); err != nil {
		t.Fatal(err)
	}
	r := s.mustClose(october)
	if !r.Held() {
		t.Fatal("no invoice is held")
	}
	invoices, err := Decode(r.Invoices)
	if err != nil || invoices[1].Reason != "partition 1: records were lost (retention), and the loss was accepted" {
		t.Errorf("%v, %v", invoices, err)
	}
}

// A log that lacks the seal by which a month was counted holds its invoices.
func TestCutHolds(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	c := s.closer(october)
	c.Progress = func(done, total int64) {
		if done == total {
			s.log[0] = s.log[0][:1]
		}
	}
	r, err := c.Close(t.Context(), october)
	if err != nil || !r.Held() {
		t.Fatalf("%v, held: %v", err, r != nil && r.Held())
	}
}
