package counter

import (
	"cmp"
	"slices"

	"headcount/events"
)

// quantities are what the sources of an app reported in a month: by meter and source, the standing of each day, sorted.
type quantities map[string]map[string][]Total

// report takes a report. It says whether it changed what stands, and false for ok where the meter has limit sources already and
// this would be another; limit 0: none.
func (q *quantities) report(r *events.Quantity, limit int) (changed, ok bool) {
	sources := (*q)[r.Meter]
	days, known := sources[r.Source]
	if !known {
		if limit > 0 && len(sources) >= limit {
			return false, false
		}
		if sources == nil {
			if *q == nil {
				*q = quantities{}
			}
			sources = map[string][]Total{}
			(*q)[r.Meter] = sources
		}
	}
	i, found := slices.BinarySearchFunc(days, r.Day, func(t Total, d events.Day) int { return cmp.Compare(t.Day, d) })
	if !found {
		sources[r.Source] = slices.Insert(days, i, Total{*r})
		return true, true
	}
	if !supersedes(r, &days[i].Quantity) {
		return false, true
	}
	days[i].Quantity = *r
	return true, true
}

// reportAll gathers reports of several partitions.
func (q *quantities) reportAll(totals []Total) {
	for _, t := range totals {
		q.report(&t.Quantity, 0)
	}
}

// supersedes says whether of two reports of one source, meter and day a stands above b.
func supersedes(a, b *events.Quantity) bool {
	if a.Revision != b.Revision {
		return a.Revision > b.Revision
	}
	return a.Value > b.Value
}

// standing returns what stands of one source and day.
func (q quantities) standing(meter, source string, day events.Day) Total {
	for _, t := range q[meter][source] {
		if t.Day == day {
			return t
		}
	}
	return Total{}
}

// totals returns all, sorted by meter, source and day.
func (q quantities) totals() []Total {
	var all []Total
	for _, sources := range q {
		for _, days := range sources {
			all = append(all, days...)
		}
	}
	slices.SortFunc(all, compareTotals)
	return all
}

func compareTotals(a, b Total) int {
	return cmp.Or(cmp.Compare(a.Meter, b.Meter), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Day, b.Day))
}
