package checkpoint

import (
	"errors"
	"testing"

	"headcount/events"
	"headcount/internal/durable/durabletest"
)

// TestForeseen: rules that are fixed are found, those that would be are made and not fixed, and the store is asked once for each month that
// has none, however many forged quantities name it.
func TestForeseen(t *testing.T) {
	d := inMemory(durabletest.NewMemory())
	r, err := openTopic(t, d).Rules(t.Context(), template())
	if err != nil {
		t.Fatal(err)
	}
	october := events.MonthOf(2026, 10)
	for range 3 {
		rules, err := r.Foreseen(october)
		if err != nil || rules == nil || rules.Month != october {
			t.Fatalf("foreseen: %+v, %v", rules, err)
		}
	}
	if _, err := r.Known(october); !errors.Is(err, ErrNoRules) {
		t.Errorf("it was fixed: %v", err)
	}
	if months, err := r.Months(t.Context()); err != nil || len(months) != 0 {
		t.Errorf("months with rules: %v, %v", months, err)
	}
	fixed, err := r.MonthRules(october)
	if err != nil {
		t.Fatal(err)
	}
	if rules, err := r.Foreseen(october); err != nil || rules != fixed {
		t.Errorf("fixed and foreseen differ: %v", err)
	}

	// Without a template nothing would be fixed. Rules of another configuration are what counts.
	other, err := openTopic(t, d).Rules(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if rules, err := other.Foreseen(october + 1); err != nil || rules != nil {
		t.Errorf("foreseen without a template: %+v, %v", rules, err)
	}
	if rules, err := other.Foreseen(october); err != nil || rules.Hash() != fixed.Hash() {
		t.Errorf("fixed: %v", err)
	}
}
