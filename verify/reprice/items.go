package reprice

import (
	"math/big"
	"time"
)

// fee adds the plan fee of an app's month, where it is paid after the month: the dearest of the plans in force that month (or the
// last one's, by the book), of those activated in an earlier month if there are any. A plan's first month is free where the book says
// so, and so is a month in which the service stood still.
func (m *monthly) fee(app string) {
	rules := m.book.Rules
	if rules.Fee == "ahead" {
		return
	}
	var dearest [2]*plan // of those that go on from a month before; of those activated in this one
	for i, s := range m.life.steps {
		until := m.life.end
		if i+1 < len(m.life.steps) {
			until = m.life.steps[i+1].at
		}
		if !m.life.monthly(i, m.book) || rules.ChangeFee != "dearest" && s.plan != m.plan || !m.inForce(s.at, until) {
			continue
		}
		k := 0
		if rules.FirstFee == "free" && m.has(m.life.steps[m.life.activation(i, m.book)].at) {
			k = 1
		}
		if dearest[k] == nil || number(m.life.fee(s.plan)).Cmp(number(m.life.fee(dearest[k]))) > 0 {
			dearest[k] = s.plan
		}
	}
	p, free := dearest[0], rules.StillMonth == "free" && m.stood
	if p == nil {
		p, free = dearest[1], true
	}
	if p == nil {
		return
	}
	line := Line{App: app, Item: p.id, Quantity: whole(1), Free: new(big.Rat), Billable: whole(1), UnitPrice: number(m.life.fee(p))}
	amount := line.UnitPrice
	if free {
		line.Free, line.Billable, amount = whole(1), new(big.Rat), new(big.Rat)
	}
	m.add(line, amount)
}

// inForce says whether a stretch has a part in the month in which the account's plan was in force.
func (m *monthly) inForce(from, until time.Time) bool {
	for _, x := range m.served {
		if _, _, ok := meet(from, until, x.from, x.until); ok && !x.grace {
			return true
		}
	}
	return false
}

// monthly says whether step i is a plan of the book that costs a fee.
func (l *life) monthly(i int, b *book) bool {
	p := l.steps[i].plan
	return p.book == b && l.fee(p) != "" && !p.Reported
}

// activation returns the step with which a plan in force at step i was activated: the first with a fee there ever was, or, where every
// activation counts, the first of those that follow one another without a plan that has none.
func (l *life) activation(i int, b *book) int {
	first := i
	for ; i >= 0; i-- {
		switch {
		case l.monthly(i, b):
			first = i
		case b.Rules.Activation == "every":
			return first
		}
	}
	return first
}

// use is an add-on that is on for an app in the month.
type use struct {
	*addon
	it    *item
	plan  *plan // the last while it was on
	on    day   // by whose prices: the month's first day, or that of the purchase
	l     *life
	spans []owned
}

// uses returns the add-ons of an item that are on for an app at some time of the month.
func (m *monthly) uses(name string, app string) (out []use) {
	for i := range m.life.Addons {
		a := &m.life.Addons[i]
		if a.Item != name || a.App != "" && a.App != app {
			continue
		}
		u := use{addon: a, it: m.book.Items[name], on: m.firstDay, l: m.life}
		u.spans = m.life.on(a, m.end)
		for _, p := range u.spans {
			for _, x := range m.served {
				if _, end, ok := meet(p.from, p.until, x.from, x.until); ok && !x.grace {
					u.plan = m.life.planAt(end.Add(-1))
				}
			}
		}
		if u.plan != nil && u.plan.book == m.book {
			out = append(out, u)
		}
	}
	return out
}

// onDay says whether an add-on is on, and a plan in force, at some time of a day of the month.
func (m *monthly) onDay(u use, d day) bool {
	for _, p := range u.spans {
		from, until, ok := meet(p.from, p.until, m.s.start(d), m.s.start(d+1))
		if ok && m.inForce(from, until) {
			return true
		}
	}
	return false
}

func (s *Sheet) span(a *addon) (from, until time.Time) {
	from = s.moment(a.From)
	if a.Until != "" {
		until = s.moment(a.Until)
	}
	return from, until
}

// unit is what one costs: by contract, in a promotion that is not over, or by the list.
func (u *use) unit() *big.Rat {
	if agreed, ok := u.l.Overrides[u.Item+".fee"]; ok {
		return number(agreed)
	}
	if u.it.Promotion != nil && (u.it.LastDay == "" || u.on.String() <= u.it.LastDay) {
		return number(*u.it.Promotion)
	}
	return u.it.list(u.plan.name, u.Option)
}

func (i *item) list(plan string, option int) *big.Rat {
	if option != 0 {
		return number(i.Options[plan][whole(int64(option)).RatString()])
	}
	return number(i.Prices[plan])
}

func (u *use) count() *big.Rat {
	if u.Quantity == "" {
		return whole(1)
	}
	return number(u.Quantity)
}

// addons adds an app's lines of items that are paid after the month.
func (m *monthly) addons(app string) {
	for name, it := range m.book.Items {
		if it.Paid == "ahead" {
			continue
		}
		uses, still := m.uses(name, app), m.book.Rules.StillMonth == "free" && m.stood
		if it.Per == "day" {
			for _, u := range uses {
				m.item(app, name, u, still, m.daysOn(u.addon))
			}
			continue
		}
		var best *use
		var free bool
		for i := range uses {
			u := &uses[i]
			f := still || m.has(m.s.moment(u.From)) && (it.FirstMonth == "free" || it.FirstMonth == "free_in_change_month" && m.changed())
			switch {
			case best == nil, free && !f:
			case free || f || times(u.unit(), u.count()).Cmp(times(best.unit(), best.count())) <= 0:
				continue
			}
			best, free = u, f
		}
		if best != nil {
			m.item(app, name, *best, free, 1)
		}
	}
}

// changed says whether a plan began in the month.
func (m *monthly) changed() bool {
	for _, s := range m.life.steps {
		if m.has(s.at) {
			return true
		}
	}
	return false
}

func (m *monthly) item(app, name string, u use, free bool, days int) {
	line := Line{App: app, Item: name, Quantity: u.count(), Free: new(big.Rat), Billable: u.count(), UnitPrice: u.unit()}
	amount := times(times(line.UnitPrice, line.Quantity), whole(int64(days)))
	if free {
		line.Free, line.Billable, amount = line.Quantity, new(big.Rat), new(big.Rat)
	}
	m.add(line, amount)
}

// daysOn counts the days of the month on which an add-on is on: its first day counts, its last does not.
func (m *monthly) daysOn(a *addon) (n int) {
	from, _ := m.s.span(a)
	until := m.life.endOf(a)
	for d := m.firstDay; d <= m.last; d++ {
		if d < m.s.day(from) || !until.IsZero() && d >= m.s.day(until) {
			continue
		}
		if m.inForce(m.s.start(d), m.s.start(d+1)) {
			n++
		}
	}
	return n
}
