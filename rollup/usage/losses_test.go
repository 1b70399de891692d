package usage

import (
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
		from, to, after, seal events.Offset
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
