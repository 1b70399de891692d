package usage

import (
	"math"
	"testing"

	"headcount/counter"
	"headcount/events"
	"headcount/rating"
)

// A sum that no bill can hold stands at the highest number and says so; it does not wrap.
func TestQuantity(t *testing.T) {
	calls := rating.Meter{Name: "calls"}
	gauge := rating.Meter{Name: "calls", Aggregate: rating.Gauge}
	report := func(values ...int64) (totals []counter.Total) {
		for i, v := range values {
			var total counter.Total
			total.Meter, total.Source, total.Day, total.Value = "calls", string(rune('a'+i)), 1, v
			totals = append(totals, total)
		}
		return totals
	}
	for _, row := range []struct {
		name   string
		meter  rating.Meter
		totals []counter.Total
		want   uint64
		over   bool
	}{
		{"nothing", calls, nil, 0, false},
		{"a sum", calls, report(3, 4), 7, false},
		{"the highest sum", calls, report(math.MaxInt64-1, 1), math.MaxInt64, false},
		{"one more", calls, report(math.MaxInt64, 1), math.MaxInt64, true},
		{"three of the highest, which would wrap", calls, report(math.MaxInt64, math.MaxInt64, math.MaxInt64), math.MaxInt64, true},
		{"a gauge", gauge, report(math.MaxInt64, math.MaxInt64), math.MaxInt64, false},
	} {
		if q := quantityOf(row.totals, nil, row.meter); q.total != row.want || q.over != row.over || q.days[1] != row.want {
			t.Errorf("%s: %d, on the first %d, over %v; want %d, %v", row.name, q.total, q.days[1], q.over, row.want, row.over)
		}
	}
}

// Of a source that reported the month's total as well as days, in different partitions or late, the higher counts, in whichever order the
// two are met, and it is said; what an amendment says counts in the place of what was reported.
func TestMixedAndCorrected(t *testing.T) {
	calls, gauge := rating.Meter{Name: "calls"}, rating.Meter{Name: "calls", Aggregate: rating.Gauge}
	report := func(source string, day events.Day, value int64) counter.Total {
		return counter.Total{Quantity: events.Quantity{Meter: "calls", Source: source, Day: day, Value: value}}
	}
	correct := func(source string, day events.Day, value int64) Correction {
		return Correction{App: "a", Meter: "calls", Source: source, Day: day, Value: value}
	}
	for _, row := range []struct {
		name      string
		meter     rating.Meter
		totals    []counter.Total
		corrected Corrections
		want      uint64
		day3      uint64
		mixed     int
	}{
		{"days are more", calls, []counter.Total{report("s", 0, 10), report("s", 3, 8), report("s", 4, 4)}, nil, 12, 8, 1},
		{"the month is more", calls, []counter.Total{report("s", 0, 13), report("s", 3, 8), report("s", 4, 4)}, nil, 13, 0, 1},
		{"the same", calls, []counter.Total{report("s", 0, 12), report("s", 3, 8), report("s", 4, 4)}, nil, 12, 8, 1},
		{"each by a source of its own", calls, []counter.Total{report("s", 0, 10), report("u", 3, 8)}, nil, 18, 8, 0},
		{"a gauge", gauge, []counter.Total{report("s", 0, 10), report("s", 3, 8)}, nil, 10, 8, 1},
		{"another meter's", rating.Meter{Name: "other"}, []counter.Total{report("s", 0, 10)}, Corrections{correct("s", 0, 4)}, 0, 0, 0},
		{"corrected", calls, []counter.Total{report("s", 3, 60_000_000_000_000), report("s", 4, 4)}, Corrections{correct("s", 3, 8)}, 12, 8, 0},
		{"corrected as a whole", calls, []counter.Total{report("s", 3, 60_000_000_000_000), report("s", 4, 4), report("u", 3, 2)}, Corrections{correct("s", 0, 8)}, 10, 2, 0},
		{"a total corrected by a day", calls, []counter.Total{report("s", 0, 60_000_000_000_000)}, Corrections{correct("s", 3, 8)}, 8, 8, 0},
		{"mixed, and corrected", calls, []counter.Total{report("s", 0, 10), report("s", 3, 7), report("s", 4, 1)}, Corrections{correct("s", 3, 8)}, 9, 8, 0},
		{"corrected to nothing", calls, []counter.Total{report("s", 3, 9)}, Corrections{correct("s", 3, 0)}, 0, 0, 0},
		{"never reported", calls, nil, Corrections{correct("s", 3, 8), correct("u", 0, 5)}, 13, 8, 0},
	} {
		if q := quantityOf(row.totals, row.corrected, row.meter); q.total != row.want || q.days[3] != row.day3 || len(q.mixed) != row.mixed {
			t.Errorf("%s: %d, on the third %d, mixed %v; want %d, %d, %d", row.name, q.total, q.days[3], q.mixed, row.want, row.day3, row.mixed)
		}
	}
	all := Corrections{}.With(correct("s", 3, 8)).With(correct("a", 0, 1)).With(correct("s", 3, 9))
	if got := all.With(correct("s", 0, 5)); len(got) != 2 || got[1].Day != 0 || len(got.With(correct("s", 7, 1))) != 2 {
		t.Errorf("of the month, in the place of days: %+v", got)
	}
	if again, err := ParseCorrections(all.Document()); err != nil || len(again) != 2 || again[0].Source != "a" || again[1].Value != 9 {
		t.Errorf("%+v, %v", again, err)
	}
}

// TestJumps: a value far above the month before's holds; small ones, and those of a first month, do not.
func TestJumps(t *testing.T) {
	for _, row := range []struct {
		value, before uint64
		times, least  uint64
		want          bool
	}{
		{50_000, 5000, 10, 20, false}, {50_001, 5000, 10, 20, true}, {60_000_000_000_000, 5000, 10, 20, true}, {60_000_000_000_000, 0, 10, 20, false},
		{19, 1, 10, 20, false}, {20, 1, 10, 20, true}, {20, 2, 10, 20, false}, {20, 1, 10, 0, true}, {math.MaxInt64, math.MaxInt64, 10, 20, false},
		{math.MaxInt64, math.MaxInt64 / 10, 10, 20, true}, {math.MaxInt64, 1, 0, 20, false}, {2, 1, 1, 0, true}, {0, 5, 10, 0, false},
	} {
		l := Limits{QuantityJump: row.times, HoldLeast: row.least}
		if got := l.jumped(row.value, row.before); got != row.want {
			t.Errorf("%d after %d, %d times, %d at least: %v", row.value, row.before, row.times, row.least, got)
		}
	}
}
