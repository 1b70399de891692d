package usage

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"headcount/counter"
	"headcount/events"
	"headcount/internal/canonical"
	"headcount/rating"
)

// Facts are the facts of a month, a reader for each partition.
type Facts struct {
	Rules  *events.MonthRules
	OnTime []counter.RowReader
	Late   []counter.RowReader // after the month's seal
}

// Alarms are what holds invoices, by app.
type Alarms map[string][]string

// Gather unites the month's facts, and the late ones of the month before (before may be nil), into the usage of every app.
func Gather(doc *Document, month, before *Facts, bill Biller, limits Limits) (Alarms, error) {
	kinds := kindIndex(month.Rules)
	g := gatherer{doc: doc, rules: month.Rules, kinds: kinds, bill: bill, limits: limits, alarms: Alarms{}, late: map[string]uint64{}}
	for d := 1; d <= month.Rules.Month.Days(); d++ {
		g.days[d] = fmt.Sprintf("%s-%02d", month.Rules.Month, d)
	}
	if before != nil {
		err := counter.Unite(counter.UnionConfig{Month: before.Rules.Month, Precision: before.Rules.Precision}, before.OnTime, before.Late,
			func(u *counter.AppUnion) error {
				if u.LateDevices > 0 {
					g.late[u.App] = u.LateDevices
				}
				return nil
			})
		if err != nil {
			return nil, fmt.Errorf("late facts of %s: %w", before.Rules.Month, err)
		}
	}
	cfg := counter.UnionConfig{Month: month.Rules.Month, Precision: month.Rules.Precision, Sets: g.sets}
	if err := counter.Unite(cfg, month.OnTime, month.Late, g.add); err != nil {
		return nil, fmt.Errorf("unite %s: %w", month.Rules.Month, err)
	}
	for app := range g.late { // of which the month has nothing but late devices of the month before
		if err := g.add(counter.Absent(cfg, app)); err != nil {
			return nil, err
		}
	}
	sort.Slice(doc.Usage, func(i, j int) bool { return doc.Usage[i].App < doc.Usage[j].App })
	g.judge()
	return g.alarms, nil
}

type gatherer struct {
	doc    *Document
	rules  *events.MonthRules
	kinds  map[string]events.Kind
	days   [32]string // of the month, as they are printed
	bill   Biller
	limits Limits
	alarms Alarms
	late   map[string]uint64 // devices of the month before that came late only, by app; taken out as apps are met
}

func kindIndex(r *events.MonthRules) map[string]events.Kind {
	m := map[string]events.Kind{}
	for i, name := range r.Kinds {
		m[name] = events.Kind(i)
	}
	return m
}

// set returns the meter's kinds as a set; kinds that the month's rules do not have never happened.
func (g *gatherer) set(m rating.Meter) events.KindSet {
	var s events.KindSet
	for _, name := range m.Kinds {
		if k, ok := g.kinds[name]; ok {
			s = s.With(k)
		}
	}
	return s
}

func (g *gatherer) sets(app string) []events.KindSet {
	_, meters := g.bill(app)
	var sets []events.KindSet
	for _, m := range meters {
		if m.People() {
			if s := g.set(m); !slices.Contains(sets, s) {
				sets = append(sets, s)
			}
		}
	}
	return sets
}

func (g *gatherer) add(u *counter.AppUnion) error {
	account, meters := g.bill(u.App)
	a := App{
		App: u.App, Events: u.Counters.Events, Duplicates: u.Counters.Events - u.Facts, Skewed: u.Counters.Skewed,
		Expired: u.Stretch.Expired, Rejected: u.Stretch.Rejected, BeforeBooks: u.Stretch.BeforeBooks,
		Kinds: map[string]Count{}, Meters: []Meter{},
		Late: g.lateOf(u.App, u.LateDevices), Digest: canonical.HashText(u.Digest[:]),
	}
	if account != "" {
		a.Account = &account
	}
	for i, name := range g.rules.Kinds {
		if c := u.Kinds[i]; i <= int(events.Predownload) || c.Exact > 0 {
			a.Kinds[name] = Count(c)
		}
	}
	for _, m := range meters {
		a.Meters = append(a.Meters, g.meter(u, m))
	}
	a.Daily = make([]Day, 0, g.rules.Month.Days())
	for d := 1; d <= g.rules.Month.Days(); d++ {
		a.Daily = append(a.Daily, Day{g.days[d], u.Active[d], u.New[d], u.Users[d]})
	}
	g.alarm(u, &a)
	g.doc.Usage = append(g.doc.Usage, a)
	return nil
}

func (g *gatherer) lateOf(app string, soFar uint64) []Late {
	before := g.late[app]
	delete(g.late, app)
	return []Late{{g.rules.Month - 1, before}, {g.rules.Month, soFar}}
}

func (g *gatherer) meter(u *counter.AppUnion, m rating.Meter) Meter {
	out := Meter{Meter: m.Name, Verdict: None}
	if !m.People() {
		var over bool
		if out.Exact, out.Days, over = g.quantity(u.Totals, m); over {
			g.note(u.App, "meter %s: what was reported adds up to more than %d", m.Name, int64(math.MaxInt64))
		}
		return out
	}
	want := g.set(m)
	i := slices.IndexFunc(u.Sets, func(s counter.SetCount) bool { return s.Kinds == want })
	if i < 0 {
		return out
	}
	s := u.Sets[i]
	if m.Aggregate == rating.PeakDaily {
		for d := 1; d <= g.rules.Month.Days(); d++ {
			out.Exact = max(out.Exact, s.ByDay[d])
			out.Days = g.appendDay(out.Days, d, s.ByDay[d])
		}
		return out
	}
	out.Exact, out.Estimate = s.Exact, &s.Estimate
	for d := 1; d <= g.rules.Month.Days(); d++ {
		out.Days = g.appendDay(out.Days, d, s.NewByDay[d])
	}
	return out
}

func (g *gatherer) appendDay(days []Value, d int, v uint64) []Value {
	if v == 0 {
		return days
	}
	return append(days, Value{g.days[d], v})
}

// quantity sums a counter over its sources and days, or takes a gauge's highest value. A sum that no bill can hold stands at the
// highest number there is; over says so.
func (g *gatherer) quantity(totals []counter.Total, m rating.Meter) (total uint64, list []Value, over bool) {
	var days [32]uint64
	add := func(to *uint64, v uint64) {
		if *to += v; *to > math.MaxInt64 { // two of these do not overflow
			*to, over = math.MaxInt64, true
		}
	}
	for _, t := range totals {
		if t.Meter != m.Name {
			continue
		}
		v := uint64(t.Value)
		if m.Aggregate == rating.Gauge {
			total, days[t.Day] = max(total, v), max(days[t.Day], v)
			continue
		}
		add(&total, v)
		add(&days[t.Day], v)
	}
	for d := 1; d < len(days); d++ {
		list = g.appendDay(list, d, days[d])
	}
	return total, list, over
}
