package sim

import (
	"testing"

	"headcount/events"
)

// Ten years, 120 closes, in three time zones whose clocks are set twice a year, with three leap days.
func TestYears(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and of one thread")
	}
	for i, zone := range []string{"America/New_York", "Europe/Berlin", "Australia/Lord_Howe"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			w := run(*first+uint64(i), shape{zone: zone, first: events.MonthOf(2023, 11), months: 120, budget: 400}, nil)
			if w.failed != nil {
				t.Fatal(w.failed)
			}
			if len(w.closed) != 120 || w.odd < 20 {
				t.Errorf("%d months closed, want 120; events on the edges of %d odd days", len(w.closed), w.odd)
			}
			t.Logf("%d months closed, %d records read, events on the edges of %d odd days, %d faults", len(w.closed), w.read, w.odd, w.budgetUsed())
		})
	}
}
