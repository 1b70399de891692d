package counter

import (
	"cmp"
	"slices"

	"headcount/events"
)

// factReader reads the facts of what a cut took of a window: sorted by day, kind and ordinal.
type factReader struct {
	of   *fresh
	runs []run // still to come, sorted by day and kind

	current  run      // what is left of it, sorted
	ordinals []uint32 // scratch, which current lies in
	strays   []uint32 // scratch, which runs lie in
	facts    []Fact   // scratch, that was returned
}

// groups is how many days and kinds there are.
const groups = 32 * events.MaxKinds

func groupOf(day events.Day, kind events.Kind) int { return int(day)*events.MaxKinds + int(kind) }

func (r *factReader) begin(f *fresh) {
	r.of, r.current = f, run{}
	r.runs = append(r.runs[:0], f.runs...)
	r.deal(f.facts)
	slices.SortFunc(r.runs, func(a, b run) int { return cmp.Compare(groupOf(a.day, a.kind), groupOf(b.day, b.kind)) })
}

// deal makes runs of facts that are in none.
func (r *factReader) deal(blocks [][]Fact) {
	var ends [groups]int
	for _, facts := range blocks {
		for _, f := range facts {
			ends[groupOf(f.Day, f.Kind)]++
		}
	}
	sum := 0
	for g, n := range ends {
		ends[g], sum = sum, sum+n
	}
	r.strays = slices.Grow(r.strays[:0], sum)[:sum]
	for _, facts := range blocks {
		for _, f := range facts {
			end := &ends[groupOf(f.Day, f.Kind)]
			r.strays[*end] = f.Ordinal
			*end++
		}
	}
	begin := 0
	for g, end := range ends {
		if begin < end {
			r.runs = append(r.runs, run{events.Day(g / events.MaxKinds), events.Kind(g % events.MaxKinds), r.strays[begin:end]})
		}
		begin = end
	}
}

// next returns facts of one day and kind, none after the last.
func (r *factReader) next() []Fact {
	if len(r.current.ordinals) == 0 {
		if len(r.runs) == 0 {
			return nil
		}
		day, kind := r.runs[0].day, r.runs[0].kind
		r.ordinals = r.ordinals[:0]
		for len(r.runs) > 0 && r.runs[0].day == day && r.runs[0].kind == kind {
			r.ordinals = append(r.ordinals, r.runs[0].ordinals...)
			r.runs = r.runs[1:]
		}
		r.current = run{day, kind, sortOrdinals(r.ordinals, r.of.all)}
	}
	n := min(len(r.current.ordinals), partFacts)
	r.facts = r.facts[:0]
	for _, o := range r.current.ordinals[:n] {
		r.facts = append(r.facts, Fact{Ordinal: o, Day: r.current.day, Kind: r.current.kind})
	}
	r.current.ordinals = r.current.ordinals[n:]
	return r.facts
}
