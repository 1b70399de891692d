package usage

import (
	"fmt"
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

	Unattributed counter.Stretch  // what no app could be read of
	Remarks      []counter.Remark // of what is not in the facts, by why, of all partitions

	Judged bool // raise no alarms but of quantities: the others were raised when the month was closed

	Corrected Corrections // what amendments say of quantities
	Former    Former      // what they were in the month before; nil: it is not asked
}

// Alarms are what holds invoices, by app.
type Alarms map[string][]string

// Gather unites the month's facts, and the late ones of the month before (before may be nil), into the usage of every app.
func Gather(doc *Document, month, before *Facts, bill Biller, limits Limits) (Alarms, error) {
	kinds := kindIndex(month.Rules)
	g := gatherer{doc: doc, rules: month.Rules, kinds: kinds, bill: bill, limits: limits, alarms: Alarms{}, late: map[string]Late{}, remarked: addUp(month.Remarks),
		judged: month.Judged, corrected: month.Corrected, former: month.Former}
	if len(month.Corrected) > 0 {
		g.seen = map[string]bool{}
	}
	for d := 1; d <= month.Rules.Month.Days(); d++ {
		g.days[d] = fmt.Sprintf("%s-%02d", month.Rules.Month, d)
	}
	if before != nil {
		err := counter.Unite(counter.UnionConfig{Month: before.Rules.Month, Precision: before.Rules.Precision}, before.OnTime, before.Late,
			func(u *counter.AppUnion) error {
				if u.LateDevices+u.LateByKind[events.Login] > 0 {
					g.late[u.App] = Late{Devices: u.LateDevices, Users: u.LateByKind[events.Login]}
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
	g.unattributed(month)
	for app, r := range g.remarked { // of which nothing is in the facts
		if app == "" || !r.uncounted() {
			continue
		}
		if err := g.add(counter.Absent(cfg, app)); err != nil {
			return nil, err
		}
	}
	for app := range g.late { // of which the month has nothing but late devices of the month before
		if err := g.add(counter.Absent(cfg, app)); err != nil {
			return nil, err
		}
	}
	for _, app := range g.corrected.apps() { // or nothing but what an amendment says
		if !g.seen[app] {
			if err := g.add(counter.Absent(cfg, app)); err != nil {
				return nil, err
			}
		}
	}
	sort.Slice(doc.Usage, func(i, j int) bool { return doc.Usage[i].App < doc.Usage[j].App })
	g.judge()
	g.everyone()
	return g.alarms, nil
}

type gatherer struct {
	doc       *Document
	rules     *events.MonthRules
	kinds     map[string]events.Kind
	days      [32]string // of the month, as they are printed
	bill      Biller
	limits    Limits
	alarms    Alarms
	judged    bool
	corrected Corrections
	former    Former
	seen      map[string]bool      // apps that were added, where quantities are corrected
	late      map[string]Late      // of the month before what came late only, by app; taken out as apps are met
	remarked  map[string]*remarked // by app; taken out as apps are met
	overLimit uint64               // records of no known app
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
	if g.seen != nil {
		g.seen[u.App] = true
	}
	a := App{
		App: u.App, Events: u.Counters.Events, Duplicates: u.Counters.Events - u.Facts, Skewed: u.Counters.Skewed,
		Expired: u.Stretch.Expired, Rejected: u.Stretch.Rejected, BeforeBooks: u.Stretch.BeforeBooks,
		Kinds: map[string]Count{}, Meters: []Meter{},
		Late: g.lateOf(u), Digest: canonical.HashText(u.Digest[:]), overLimit: u.Stretch.OverLimit,
	}
	if account != "" {
		a.Account = &account
	}
	if r := g.remarked[u.App]; r != nil {
		delete(g.remarked, u.App)
		a.Uncounted = r.Uncounted
		a.Expired += r.finished
		a.BeforeBooks += r.unopened
	}
	for i, name := range g.rules.Kinds {
		if c := u.Kinds[i]; i <= int(events.Predownload) || c.Exact > 0 {
			a.Kinds[name] = Count(c)
		}
	}
	for _, m := range meters {
		counted, err := g.meter(u, m)
		if err != nil {
			return err
		}
		a.Meters = append(a.Meters, counted)
	}
	a.Daily = make([]Day, 0, g.rules.Month.Days())
	for d := 1; d <= g.rules.Month.Days(); d++ {
		a.Daily = append(a.Daily, Day{g.days[d], u.Active[d], u.New[d], u.Users[d]})
	}
	g.alarm(u, &a)
	g.doc.Usage = append(g.doc.Usage, a)
	return nil
}

func (g *gatherer) lateOf(u *counter.AppUnion) []Late {
	before := g.late[u.App]
	before.Month = g.rules.Month - 1
	delete(g.late, u.App)
	return []Late{before, {Month: g.rules.Month, Devices: u.LateDevices, Users: u.LateByKind[events.Login]}}
}

// unattributed takes what no app could be read of.
func (g *gatherer) unattributed(month *Facts) {
	g.doc.Rejected, g.doc.BeforeBooks = month.Unattributed.Rejected, month.Unattributed.BeforeBooks
	g.overLimit = month.Unattributed.OverLimit
	if r := g.remarked[""]; r != nil {
		g.doc.Uncounted = r.Uncounted
		g.doc.BeforeBooks += r.unopened
	}
}

func (g *gatherer) meter(u *counter.AppUnion, m rating.Meter) (Meter, error) {
	out := Meter{Meter: m.Name, Verdict: None}
	if !m.People() {
		return g.reported(u, m)
	}
	want := g.set(m)
	i := slices.IndexFunc(u.Sets, func(s counter.SetCount) bool { return s.Kinds == want })
	if i < 0 {
		return out, nil
	}
	s := u.Sets[i]
	if m.Aggregate == rating.PeakDaily {
		for d := 1; d <= g.rules.Month.Days(); d++ {
			out.Exact = max(out.Exact, s.ByDay[d])
			out.Days = g.appendDay(out.Days, d, s.ByDay[d])
		}
		return out, nil
	}
	out.Exact, out.Estimate = s.Exact, &s.Estimate
	for d := 1; d <= g.rules.Month.Days(); d++ {
		out.Days = g.appendDay(out.Days, d, s.NewByDay[d])
	}
	return out, nil
}

func (g *gatherer) appendDay(days []Value, d int, v uint64) []Value {
	if v == 0 {
		return days
	}
	return append(days, Value{g.days[d], v})
}
