package load

import (
	"strings"
	"testing"

	"headcount/events"
)

// A file of a finished month, and lines without a time, are told: they are not billed where the file says.
func TestMonthsThatAreNotBilled(t *testing.T) {
	old := strings.Replace(event("device-1"), "2026-01-03", "2025-10-03", 1)
	late := strings.Replace(event("device-2"), "2026-01-03", "2025-12-03", 1)
	untimed := strings.Replace(event("device-3"), `"time":"2026-01-03T08:15:30Z",`, "", 1)
	in := write(t, "months.ndjson", []byte(strings.Join([]string{old, old, late, untimed, event("device-4")}, "\n")))
	for floor, want := range map[events.Month]Result{
		0:                        {Sent: 5, Events: 5, Untimed: 1},
		events.MonthOf(2025, 12): {Sent: 5, Events: 5, Untimed: 1, Finished: 2},
		events.MonthOf(2025, 10): {Sent: 5, Events: 5, Untimed: 1},
	} {
		var res Result
		var warned []string
		cfg := config(&taker{}, &warned)
		cfg.Decoder.SetFloor(floor)
		if err := File(t.Context(), cfg, in, nil, &res); err != nil || res != want || len(warned) > 0 {
			t.Errorf("floor %s: %+v, %v, %q; want %+v", floor, res, err, warned, want)
		}
	}
}
