package reprice

import (
	"fmt"
	"math/big"
	"time"
)

// Usage says what an app used of a meter in the month; a nil value: nothing.
type Usage func(app, meter string) Quantity

// Invoice is what an account's invoice of the month must say.
type Invoice struct {
	Account, Plan, Currency string
	Digits                  int
	Lines                   []Line // in no order
	Total                   *big.Rat
	Prepaid                 []Prepaid // in no order
	Left                    []Left
	Daily                   []*big.Rat // by day of the month, where it is billed daily and the days are known
	BillWithin              int        // days, of a daily bill
	Held                    bool       // a price needs days that the usage lacks
	DeductFrom, DeductUntil string
	Late                    bool // what comes late is billed
	Version                 string
}

// Line is one position.
type Line struct {
	App, Meter, Item                            string
	Quantity, Free, Billable, UnitPrice, Amount *big.Rat

	Exact *big.Rat // before it was rounded; nil in Differences
}

// monthly is one account's month.
type monthly struct {
	s              *Sheet
	life           *life
	usage          Usage
	from, end      time.Time
	firstDay, last day
	served         []served
	plan           *plan
	book           *book
	grace          bool
	until          time.Time // until when it was in force
	shared         bool
	stood          bool // the service stood still from the first day to the last
	inUse          int
	left           []Left
	lines          []Line
	daily          []*big.Rat
	dated          bool
	held           bool
}

func (m *monthly) has(t time.Time) bool {
	d := m.s.day(t)
	return d >= m.firstDay && d <= m.last
}

// add ends a line: there it is rounded.
func (m *monthly) add(l Line, exact *big.Rat) {
	l.Exact, l.Amount = exact, Round(exact, m.book.Digits)
	m.lines = append(m.lines, l)
}

// Period is one month of a sheet, laid out.
type Period struct {
	all   []*monthly
	views map[string][]*monthly // by app
	of    map[string]*monthly   // by account
}

// Period lays out a month.
func (s *Sheet) Period(year int, month time.Month) (_ *Period, err error) {
	defer catch(&err)
	out := &Period{views: map[string][]*monthly{}, of: map[string]*monthly{}}
	for _, a := range s.accounts {
		m := s.view(s.lives[a], year, month)
		if m == nil {
			continue
		}
		out.all, out.of[a.ID] = append(out.all, m), m
		for _, app := range a.Apps {
			out.views[app] = append(out.views[app], m)
		}
	}
	return out, nil
}

// Plan is what an account is on in a month: the meters that it charges, and all that its book has.
type Plan struct {
	ID      string
	Charges []string
	Meters  map[string]Meter
}

// Meter is what is counted: unique, peak_daily (of kinds of events), counter or gauge.
type Meter struct {
	Aggregate string
	Kinds     []string
}

// Plans returns the plan of every account in force.
func (m *Period) Plans() map[string]Plan {
	out := map[string]Plan{}
	for _, x := range m.all {
		p := Plan{ID: x.plan.id, Meters: x.book.Meters}
		for name := range x.plan.Charges {
			p.Charges = append(p.Charges, name)
		}
		out[x.life.ID] = p
	}
	return out
}

// Owner returns who is billed for an app, "": nobody.
func (m *Period) Owner(app string) string {
	if x := owner(m.views[app]); x != nil {
		return x.life.ID
	}
	return ""
}

// Apps returns the apps that an account names; none where it is not in force.
func (m *Period) Apps(account string) []string {
	if view := m.of[account]; view != nil {
		return view.life.Apps
	}
	return nil
}

// Rate returns the month's invoices by account. left is what was left of packages at the end of the month before, by account and
// package; what is not in it is as the account says.
func (m *Period) Rate(usage Usage, left map[string]map[string]*big.Rat) (_ map[string]*Invoice, err error) {
	defer catch(&err)
	out := map[string]*Invoice{}
	for _, view := range m.all {
		var apps []string
		for _, app := range view.life.Apps {
			if owner(m.views[app]) == view {
				apps = append(apps, app)
			}
		}
		x := *view
		x.usage = usage
		out[x.life.ID] = x.invoice(apps, left[x.life.ID])
	}
	return out, nil
}

// owner returns the account that is billed for an app: the one in force last; one past its expiry gives way.
func owner(views []*monthly) (best *monthly) {
	for _, m := range views {
		switch {
		case best == nil, best.grace && !m.grace:
		case m.grace && !best.grace, !m.until.After(best.until):
			continue
		}
		best = m
	}
	return best
}

// view returns an account's month without its lines; nil where it is not in force in it.
func (s *Sheet) view(l *life, year int, month time.Month) *monthly {
	m := &monthly{s: s, life: l, firstDay: dayOf(year, month, 1), last: dayOf(year, month+1, 1) - 1}
	m.from, m.end = s.start(m.firstDay), s.start(m.last+1)
	m.served = l.served(m.from, m.end)
	for _, x := range m.served {
		if x.grace && x.plan.book.Suspension.Grace != "billed" || x.grace && m.plan != nil && !m.grace {
			continue
		}
		p := l.planAt(x.until.Add(-1))
		if p.book.Rules.PlanOfMonth == "first" {
			if p = l.planAt(x.from); m.plan != nil && !m.grace {
				p = m.plan
			}
		}
		m.plan, m.grace, m.until = p, x.grace, x.until
	}
	if m.plan == nil {
		return nil
	}
	m.book = m.plan.book
	m.shared = m.book.Rules.Partial == "share_of_days"
	stills := l.stills(m.end)
	for _, h := range stills {
		if _, _, ok := meet(h.from, h.until, m.from, m.end); ok && m.book.Suspension != nil {
			word := m.book.Suspension.Month
			m.shared = m.shared || word == "share_of_days" || word == "share_of_days_in_arrears" && h.owed
		}
	}
	m.stood = true
	for d := m.firstDay; d <= m.last; d++ {
		used, stood := false, false
		for _, x := range m.served {
			if _, _, ok := meet(x.from, x.until, s.start(d), s.start(d+1)); ok {
				used = true
			}
		}
		for _, h := range stills { // the day of suspension is not in use, the day it ends is
			if d == s.day(h.from) || d > s.day(h.from) && (h.until.IsZero() || d < s.day(h.until)) {
				used, stood = false, true
			}
		}
		m.stood = m.stood && stood
		if used {
			m.inUse++
		}
	}
	return m
}

func (m *monthly) invoice(apps []string, carried map[string]*big.Rat) *Invoice {
	m.packages(carried)
	m.daily = make([]*big.Rat, m.last-m.firstDay+1)
	for i := range m.daily {
		m.daily[i] = new(big.Rat)
	}
	groups := map[string][]string{"": apps}
	if m.book.Rules.QuotaPer != "account" {
		groups = map[string][]string{}
		for _, app := range apps {
			groups[app] = []string{app}
		}
	}
	for app, of := range groups {
		for name, c := range m.plan.Charges {
			m.charged(name, c, app, of, nil)
		}
		for name, it := range m.book.Items {
			var on []use
			for _, a := range of {
				on = append(on, m.uses(name, a)...)
			}
			for meter, c := range it.Charges {
				if len(on) > 0 {
					m.charged(meter, c, app, of, on)
				}
			}
		}
	}
	for _, app := range apps {
		m.fee(app)
		m.addons(app)
	}
	next := m.last + 1
	v := &Invoice{
		Account: m.life.ID, Plan: m.plan.id, Currency: m.book.Currency, Digits: m.book.Digits, Version: m.book.Date, Lines: m.lines, Total: new(big.Rat),
		Prepaid: m.ahead(), BillWithin: m.book.Rules.BillWithin, Held: m.held, Late: m.life.account.Late != "report",
	}
	if m.book.Rules.DeductFrom != 0 {
		v.DeductFrom, v.DeductUntil = (next + day(m.book.Rules.DeductFrom) - 1).String(), (next + day(m.book.Rules.DeductUntil) - 1).String()
	}
	for _, l := range v.Lines {
		v.Total = plus(v.Total, l.Amount)
	}
	if m.dated {
		v.Daily = m.daily
	}
	for _, h := range m.left {
		h.Remaining, h.Drawn = h.pot.left, h.pot.drawn
		v.Left = append(v.Left, h)
	}
	return v
}

// packageType finds a package in the books of the account's plans.
func (l *life) packageType(name string) (*packageType, *book) {
	for _, s := range l.steps {
		if t := s.plan.book.Packages[name]; t != nil {
			return t, s.plan.book
		}
	}
	return nil, nil
}

// effect returns when a package was bought and when it is in force.
func (m *monthly) effect(p *pack, t *packageType, b *book) *pot {
	x := &pot{bought: m.s.day(m.s.moment(p.Bought)), drawn: new(big.Rat)}
	x.from = x.bought
	if b.Rules.Effect != "same_day" {
		x.from++
	}
	months := term(p.Term)
	if months == 0 {
		months = term(t.Term)
	}
	if months == 0 {
		months = 12
	}
	x.until = x.from.months(months)
	return x
}

// packages lays out the resource packages bought by the month's end and not expired before it.
func (m *monthly) packages(carried map[string]*big.Rat) {
	seen := map[string]int{}
	for i := range m.life.Packages {
		p := &m.life.Packages[i]
		t, b := m.life.packageType(p.Item)
		if t == nil || t.Draws == "" {
			continue
		}
		x := m.effect(p, t, b)
		id := p.Item + "/" + x.bought.String()
		if seen[id]++; seen[id] > 1 {
			id += fmt.Sprintf("/%d", seen[id])
		}
		if x.bought > m.last || x.until <= m.firstDay {
			continue
		}
		x.kind, x.left, x.app = "resource_package", number(p.Quantity), p.App
		if p.Remaining != "" {
			x.left = number(p.Remaining)
		}
		if n := carried[id]; n != nil {
			x.left = n
		}
		m.left = append(m.left, Left{
			Package: id, Item: p.Item, From: x.from.String(), Until: x.until.String(), Quantity: number(p.Quantity), pot: x, meter: t.Draws, app: p.App, book: b,
		})
	}
}
