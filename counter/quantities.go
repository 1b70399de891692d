package counter

import (
	"cmp"
	"slices"

	"headcount/events"
)

// quantities are what the sources of an app reported in a month: by meter and source, the standing of each day, sorted.
type quantities map[string]map[string][]Total

// report takes a report and says whether it changed what stands; or why it is not taken: the meter has limit sources already and this would
// be another, or the source has reported days where this is the month's total, or the other way round. What a source reported first
// says which of the two it reports.
func (q *quantities) report(r *events.Quantity, limit int) (changed bool, why events.Reason) {
	days, known := (*q)[r.Meter][r.Source]
	switch {
	case !known && len((*q)[r.Meter]) >= limit:
		return false, events.OverLimit
	case known && (days[0].Day == 0) != (r.Day == 0):
		return false, events.MixedTotals
	}
	return q.take(r), ""
}

// take takes a report, whatever the source reported before, and says whether it changed what stands.
func (q *quantities) take(r *events.Quantity) (changed bool) {
	sources := (*q)[r.Meter]
	if sources == nil {
		if *q == nil {
			*q = quantities{}
		}
		sources = map[string][]Total{}
		(*q)[r.Meter] = sources
	}
	days := sources[r.Source]
	i, found := slices.BinarySearchFunc(days, r.Day, func(t Total, d events.Day) int { return cmp.Compare(t.Day, d) })
	if !found {
		sources[r.Source] = slices.Insert(days, i, Total{*r})
		return true
	}
	if !supersedes(r, &days[i].Quantity) {
		return false
	}
	days[i].Quantity = *r
	return true
}

// takeAll gathers reports of several partitions. A source may have reported days in one and the month's total in another: both stand,
// and whoever adds up sees it.
func (q *quantities) takeAll(totals []Total) {
	for _, t := range totals {
		q.take(&t.Quantity)
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
