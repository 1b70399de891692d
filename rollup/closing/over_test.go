package closing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"headcount/events"
)

// ahead is a host's clock that is 400 days ahead of the log's.
func (s *testSite) ahead() { s.now = s.now.Add(400 * 24 * time.Hour) }

// octoberGoesOn are events up to a day in October, by producers' clocks.
func (s *testSite) octoberGoesOn() {
	for day := 1; day <= 15; day++ {
		s.open(day%2, "app-a", day, october, day)
	}
}

// A host's clock that is ahead closes no month that goes on: the brokers' time tells, or what comes in meanwhile.
func TestHostClockAhead(t *testing.T) {
	for _, brokers := range []bool{true, false} {
		s := newTestSite(t)
		s.octoberGoesOn()
		s.brokersTime = brokers
		s.ahead()
		s.slept = func(context.Context) error { // the stream goes on
			now := s.now
			s.open(1, "app-b", 900+s.naps, october, 15)
			s.now = now
			return nil
		}
		e := refused[*GoesOnError](s, october)
		if e.BrokersTime != brokers || e.Newest.UTC().Format("2006-01-02") != "2026-10-15" || !strings.Contains(e.Error(), "2026-10-15") {
			t.Errorf("brokers' time %v: %v", brokers, e)
		}
		if s.ledger != nil {
			t.Error("it is refused, and begun")
		}
		c := s.closer(october)
		c.Yes = true
		if _, err := c.Close(t.Context(), october); err != nil {
			t.Errorf("said aloud: %v", err)
		}
	}
}

// A load of history, whose records have the events' own times, is closed unasked once nothing comes in; that is said. One record of after
// the month says all. A forged one ahead of the host's clock says nothing, nor does what a close wrote.
func TestOverByTheLog(t *testing.T) {
	s := newTestSite(t)
	s.octoberGoesOn()
	s.ahead()
	var said strings.Builder
	c := s.closer(october)
	c.Log = slog.New(slog.NewTextHandler(&said, nil))
	if _, err := c.Close(t.Context(), october); err != nil || !strings.Contains(said.String(), "by this host's clock alone") {
		t.Errorf("%v, said %s", err, said.String())
	}
	for what, forged := range map[string]bool{"a record of after the month": false, "a forged one": true} {
		s := newTestSite(t)
		s.octoberGoesOn()
		s.brokersTime = true
		s.now = time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC)
		if forged {
			s.now = s.now.AddDate(9, 0, 0)
		}
		s.append(0, []byte("not JSON"))
		s.now = time.Date(2026, 11, 5, 0, 0, 0, 0, time.UTC)
		s.append(1, []byte(`{"type":"headcount.seal"}`))
		if _, err := s.close(october); is[*GoesOnError](err) != forged {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A month without events that nobody named is closed by word of mouth alone, or where the configuration says so and the log goes on after it.
func TestMonthWithoutEvents(t *testing.T) {
	nothing := func(*testSite) {}
	its := func(s *testSite) { s.open(0, "app-a", 1, november, 2) }
	later := func(s *testSite) { s.open(0, "app-a", 1, december, 2) }
	late := func(s *testSite) { s.open(0, "app-a", 99, october, 2) }
	for what, c := range map[string]struct {
		events          func(s *testSite)
		fromClock, auto bool
		want            bool
	}{
		"named":                   {nothing, false, false, true},
		"nothing":                 {nothing, true, false, false},
		"nothing, and always":     {nothing, true, true, false}, // the log has nothing of after November either
		"its own":                 {its, true, false, true},
		"a later month's":         {later, true, false, false},
		"a later month's, always": {later, true, true, true},
		"what came late":          {late, true, false, false},
		"what came late, named":   {late, false, false, true},
	} {
		s := newTestSite(t)
		s.octoberEvents()
		s.mustClose(october)
		c.events(s)
		s.after(november, 5)
		n := s.closer(november)
		n.FromClock, n.Terms.AutoClose = c.fromClock, c.auto
		_, err := n.Close(t.Context(), november)
		if e, no := errors.AsType[*NoEventsError](err); no == c.want || no && e.Month != november || !no && err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if c.want {
			continue
		}
		n = s.closer(november)
		n.Yes = true
		if _, err := n.Close(t.Context(), november); err != nil {
			t.Errorf("%s, said aloud: %v", what, err)
		}
	}
}

// More than one month is due by word of mouth alone, or where the configuration says so; those that are begun are gone on with.
func TestSeveralDue(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.novemberEvents()
	s.after(november, 5)
	_, err := s.closer(0).Due(t.Context())
	if e, ok := errors.AsType[*SeveralDueError](err); !ok || !slices.Equal(e.Months, []events.Month{october, november}) {
		t.Fatal(err)
	}
	for _, say := range []func(c *Closer){func(c *Closer) { c.Yes = true }, func(c *Closer) { c.Terms.AutoClose = true }} {
		c := s.closer(0)
		say(c)
		if months, err := c.Due(t.Context()); err != nil || fmt.Sprint(months) != "[2026-10 2026-11]" {
			t.Errorf("%v, %v", months, err)
		}
	}
	s.faults = faults{name: "Produce", killed: true}
	if _, err := s.close(october); !errors.Is(err, errFault) {
		t.Fatal(err)
	}
	s.faults = faults{}
	if months, err := s.closer(0).Due(t.Context()); err != nil || fmt.Sprint(months) != "[2026-10 2026-11]" {
		t.Errorf("October begun: %v, %v", months, err)
	}
}
