package closing

import (
	"slices"
	"testing"

	"headcount/events"
	"headcount/rollup/closed"
)

func TestDue(t *testing.T) {
	due := func(s *testSite) []events.Month {
		t.Helper()
		c := s.closer(0)
		c.OpenBooks, c.Yes = true, true
		months, err := c.Due(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return months
	}
	s := newTestSite(t)
	s.template.From = 0
	s.after(november, 3)
	if got := due(s); !slices.Equal(got, []events.Month{november}) { // no events: only the newest
		t.Errorf("without rules: %v", got)
	}
	s.octoberEvents()
	if err := s.count(t.Context(), 0); err != nil { // which fixes October's rules
		t.Fatal(err)
	}
	s.after(november, 1) // November's grace goes on
	if got := due(s); !slices.Equal(got, []events.Month{october}) {
		t.Errorf("with events of October: %v", got)
	}
	s.after(november, 3)
	if got := due(s); !slices.Equal(got, []events.Month{october, november}) {
		t.Errorf("with events of October, November over: %v", got)
	}
	accounts := s.accounts
	s.accounts = "accounts: []\n"
	if got := due(s); !slices.Equal(got, []events.Month{november}) {
		t.Errorf("with nobody to bill: %v", got)
	}
	s.accounts = accounts
	s.mustClose(october)
	if got := due(s); !slices.Equal(got, []events.Month{november}) {
		t.Errorf("with October closed: %v", got)
	}
	s.after(october, 20)
	if got := due(s); len(got) != 0 {
		t.Errorf("nothing is over: %v", got)
	}
	s.faults = faults{name: "LastClosed"}
	if _, err := s.closer(0).Due(t.Context()); !is[*closed.UnreachableError](err) {
		t.Errorf("ledger down: %v", err)
	}
}
