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
	g := gatherer{rules: &events.MonthRules{Month: events.MonthOf(2026, 8)}}
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
		got, days, over := g.quantity(row.totals, row.meter)
		if got != row.want || over != row.over || row.want > 0 && (len(days) != 1 || days[0].Value != row.want) {
			t.Errorf("%s: %d on %v, over %v; want %d, %v", row.name, got, days, over, row.want, row.over)
		}
	}
}
