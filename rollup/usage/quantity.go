package usage

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"headcount/counter"
	"headcount/events"
	"headcount/internal/canonical"
	"headcount/rating"
)

// Former tells what meters of quantities of an app came to in the month before, as it was billed; a meter that is not there had none. It
// is asked where a quantity is large enough to hold an invoice.
type Former func(app string) (map[string]uint64, error)

// Correction says what a source should have reported of a quantity, as an amendment puts it on record. One of the month takes the place of all
// that the source reported of the meter; one of a day that of the day, and of a total of the month.
type Correction struct {
	App    string     `json:"app"`
	Meter  string     `json:"meter"`
	Source string     `json:"source"`
	Day    events.Day `json:"day"` // 0: of the month as a whole
	Value  int64      `json:"value"`
}

// Corrections are those of a month, sorted, each of something else.
type Corrections []Correction

func (c *Correction) compare(o *Correction) int {
	return cmp.Or(cmp.Compare(c.App, o.App), cmp.Compare(c.Meter, o.Meter), cmp.Compare(c.Source, o.Source), cmp.Compare(c.Day, o.Day))
}

// Document returns the corrections as an amendment has them, canonical JSON; nil where there are none.
func (c Corrections) Document() []byte {
	if len(c) == 0 {
		return nil
	}
	return canonical.MustMarshal(c)
}

// ParseCorrections reads what Document wrote.
func ParseCorrections(document []byte) (c Corrections, err error) {
	if len(document) == 0 {
		return nil, nil
	}
	if err := canonical.Unmarshal(document, &c); err != nil {
		return nil, fmt.Errorf("corrections of quantities: %w", err)
	}
	return c, nil
}

// With returns the corrections with a further one, in the place of what was said of the same before: of the month by days, or the other way
// round.
func (c Corrections) With(further Correction) Corrections {
	all := slices.DeleteFunc(slices.Clone(c), func(x Correction) bool {
		return x.App == further.App && x.Meter == further.Meter && x.Source == further.Source && (x.Day == further.Day || x.Day == 0 || further.Day == 0)
	})
	all = append(all, further)
	slices.SortFunc(all, func(a, b Correction) int { return a.compare(&b) })
	return all
}

func (c Corrections) apps() (apps []string) {
	for i := range c {
		if i == 0 || c[i-1].App != c[i].App {
			apps = append(apps, c[i].App)
		}
	}
	return apps
}

// quantity is what the reports of a meter come to.
type quantity struct {
	total uint64
	days  [32]uint64 // index 0 is unused
	over  bool       // a counter's sum that no bill can hold: it stands at the highest number there is
	mixed []string   // sources that reported the month's total and days, in different partitions or late
}

// quantityOf sums a counter over its sources and days, or takes a gauge's highest value. Of a source that reported a counter's total of the
// month as well as days, the higher of the two counts: what is reported further never makes less of a month.
func quantityOf(totals []counter.Total, corrected Corrections, m rating.Meter) (q quantity) {
	if len(totals)+len(corrected) == 0 {
		return q
	}
	sources := map[string]map[events.Day]uint64{}
	put := func(source string, day events.Day, v int64) {
		if sources[source] == nil {
			sources[source] = map[events.Day]uint64{}
		}
		sources[source][day] = uint64(v)
	}
	for _, t := range totals {
		if t.Meter == m.Name {
			put(t.Source, t.Day, t.Value)
		}
	}
	for _, c := range corrected {
		if c.Meter == m.Name {
			if c.Day == 0 {
				clear(sources[c.Source])
			} else {
				delete(sources[c.Source], 0)
			}
			put(c.Source, c.Day, c.Value)
		}
	}
	for _, source := range slices.Sorted(maps.Keys(sources)) {
		of := sources[source]
		if month, ok := of[0]; ok && len(of) > 1 {
			q.mixed = append(q.mixed, source)
			if delete(of, 0); m.Aggregate != rating.Gauge && month > sum(of) {
				clear(of)
			}
			if m.Aggregate == rating.Gauge || len(of) == 0 {
				of[0] = month
			}
		}
		for day, v := range of {
			q.add(m, day, v)
		}
	}
	return q
}

func (q *quantity) add(m rating.Meter, day events.Day, v uint64) {
	if m.Aggregate == rating.Gauge {
		q.total, q.days[day] = max(q.total, v), max(q.days[day], v)
		return
	}
	var over bool
	q.total, over = plus(q.total, v)
	q.days[day], _ = plus(q.days[day], v)
	q.over = q.over || over
}

func sum(of map[events.Day]uint64) (all uint64) {
	for _, v := range of {
		all, _ = plus(all, v)
	}
	return all
}

// plus adds up to the highest number that a bill holds, and says whether that was passed. Two of these do not wrap.
func plus(a, b uint64) (uint64, bool) {
	if a+b > math.MaxInt64 {
		return math.MaxInt64, true
	}
	return a + b, false
}

// reported returns a meter of quantities, and notes what must not be billed unseen.
func (g *gatherer) reported(u *counter.AppUnion, m rating.Meter) (Meter, error) {
	q := quantityOf(u.Totals, g.corrected.of(u.App), m)
	out := Meter{Meter: m.Name, Exact: q.total, Verdict: None}
	for d := 1; d < len(q.days); d++ {
		out.Days = g.appendDay(out.Days, d, q.days[d])
	}
	note := func(format string, args ...any) {
		g.noteQuantity(u.App, "quantities: meter %s: "+format, append([]any{m.Name}, args...)...)
	}
	if q.over {
		note("what was reported adds up to more than %d", int64(math.MaxInt64))
	}
	for _, source := range q.mixed {
		note("%s reported a total of the month as well as days of it", source)
	}
	if g.former == nil || !g.limits.mayJump(q.total) {
		return out, nil
	}
	former, err := g.former(u.App)
	if err != nil {
		return out, err
	}
	if was := former[m.Name]; g.limits.jumped(q.total, was) {
		note("%d is more than %d times the %d of the month before", q.total, g.limits.QuantityJump, was)
	}
	return out, nil
}

// of returns the corrections of an app.
func (c Corrections) of(app string) Corrections {
	first, _ := slices.BinarySearchFunc(c, app, func(x Correction, app string) int { return cmp.Compare(x.App, app) })
	last := first
	for last < len(c) && c[last].App == app {
		last++
	}
	return c[first:last]
}

// mayJump says whether a value is large enough that how it compares with the month before matters.
func (l *Limits) mayJump(value uint64) bool {
	return l.QuantityJump > 0 && value > 0 && value >= l.HoldLeast
}

// jumped says whether a value is implausible after that of the month before; after none everything is plausible.
func (l *Limits) jumped(value, before uint64) bool {
	if before == 0 || !l.mayJump(value) {
		return false
	}
	times, rest := value/l.QuantityJump, value%l.QuantityJump
	return times > before || times == before && rest > 0
}
