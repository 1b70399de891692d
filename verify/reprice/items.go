package reprice

import (
	"math/big"
	"time"
)

// fee adds the plan fee of an app's month, where it is paid after the month.
func (m *monthly) fee(app string) {
	if m.book.Rules.Fee == "ahead" {
		return
	}
	var best *plan
	for _, x := range m.served {
		if x.grace {
			continue
		}
		for i, s := range m.life.steps {
			until := m.life.end
			if i+1 < len(m.life.steps) {
				until = m.life.steps[i+1].at
			}
			if _, _, ok := meet(s.at, until, x.from, x.until); !ok || s.plan.book != m.book || s.plan.Fee == "" || s.plan.Reported {
				continue
			}
			if m.book.Rules.ChangeFee != "dearest" && s.plan != m.plan {
				continue
			}
			if best == nil || number(s.plan.Fee).Cmp(number(best.Fee)) > 0 {
				best = s.plan
			}
		}
	}
	if best == nil {
		return
	}
	line := Line{App: app, Item: best.id, Quantity: whole(1), Free: new(big.Rat), Billable: whole(1), UnitPrice: number(best.Fee)}
	amount := line.UnitPrice
	if m.book.Rules.FirstFee == "free" {
		for _, s := range m.life.steps {
			if s.plan.book == m.book && s.plan.Fee != "" && !s.plan.Reported {
				if m.has(s.at) {
					line.Free, line.Billable, amount = whole(1), new(big.Rat), new(big.Rat)
				}
				break
			}
		}
	}
	m.add(line, amount)
}

// use is an add-on that is on for an app in the month.
type use struct {
	*addon
	it   *item
	plan *plan // the last while it was on
}

// uses returns the add-ons of an item that are on for an app at some time of the month.
func (m *monthly) uses(name string, app string) (out []use) {
	for i := range m.life.Addons {
		a := &m.life.Addons[i]
		if a.Item != name || a.App != "" && a.App != app {
			continue
		}
		u := use{addon: a, it: m.book.Items[name]}
		from, until := m.s.span(a)
		for _, x := range m.served {
			if _, end, ok := meet(from, until, x.from, x.until); ok && !x.grace {
				u.plan = m.life.planAt(end.Add(-1))
			}
		}
		if u.plan != nil && u.plan.book == m.book {
			out = append(out, u)
		}
	}
	return out
}

func (s *Sheet) span(a *addon) (from, until time.Time) {
	from = s.moment(a.From)
	if a.Until != "" {
		until = s.moment(a.Until)
	}
	return from, until
}

func (u *use) unit() *big.Rat {
	if u.it.Promotion != nil {
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
		uses := m.uses(name, app)
		if it.Per == "day" {
			for _, u := range uses {
				m.item(app, name, u, false, m.daysOn(u.addon))
			}
			continue
		}
		var best *use
		var free bool
		for i := range uses {
			u := &uses[i]
			f := m.has(m.s.moment(u.From)) && (it.FirstMonth == "free" || it.FirstMonth == "free_in_change_month" && m.changed())
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
	from, until := m.s.span(a)
	for d := m.firstDay; d <= m.last; d++ {
		if d < m.s.day(from) || !until.IsZero() && d >= m.s.day(until) {
			continue
		}
		for _, x := range m.served {
			if _, _, ok := meet(m.s.start(d), m.s.start(d+1), x.from, x.until); ok && !x.grace {
				n++
				break
			}
		}
	}
	return n
}
