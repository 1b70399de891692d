package reprice

import (
	"math/big"
	"time"
)

// Prepaid is something paid ahead, or back.
type Prepaid struct {
	Date, App, Item, From, Until string
	Quantity, Amount             *big.Rat
}

// ahead lists what was paid ahead in the month.
func (m *monthly) ahead() (out []Prepaid) {
	put := func(at, from, until day, app, item string, n, amount *big.Rat) {
		if at >= m.firstDay && at <= m.last {
			p := Prepaid{at.String(), app, item, from.String(), "", n, amount}
			if until != never {
				p.Until = until.String()
			}
			out = append(out, p)
		}
	}
	sold := func(at, from, until day, app, item string, n, amount *big.Rat) {
		if before(m.s.start(at), m.life.stop) {
			put(at, from, until, app, item, n, amount)
		}
	}
	for _, p := range m.life.all(m.end) {
		if p.months == 0 {
			continue
		}
		from, until, n := p.anchor.months(p.first), p.anchor.months(p.first+p.months), whole(int64(p.months))
		switch {
		case p.order.amounts():
			amount := plus(optional(p.order.Cash), optional(p.order.Credit))
			if m.life.stop.Equal(m.s.moment(p.order.At)) { // paid, though all ended then
				put(p.on, from, until, "", p.plan.id, n, amount)
			} else {
				sold(p.on, from, until, "", p.plan.id, n, amount)
			}
		case m.life.fee(p.plan) != "" && p.plan.book.Rules.Fee == "ahead" && !p.plan.Reported:
			for _, app := range m.life.Apps {
				sold(p.on, from, until, app, p.plan.id, n, times(number(m.life.fee(p.plan)), n))
			}
		}
	}
	for i := range m.life.Addons {
		m.aheadItem(&m.life.Addons[i], sold)
	}
	for i := range m.life.Packages {
		p := &m.life.Packages[i]
		t, b := m.life.packageType(p.Item)
		if t == nil {
			continue
		}
		x, n := m.effect(p, t, b), whole(1)
		if p.MAU != 0 {
			n = whole(int64(p.MAU))
		}
		if p.Quantity != "" {
			n = number(p.Quantity)
		}
		sold(x.bought, x.from, x.until, p.App, p.Item, n, number(p.Price))
	}
	for _, r := range m.life.runs() {
		at := soonest(r.until, m.life.stop)
		stopped := at.Equal(m.life.stop)
		if at.IsZero() || at.Before(r.from) || stopped && !m.life.paid && !at.Equal(r.until) {
			break
		}
		if amount, from, until := m.life.refund(r, at); amount.Sign() > 0 {
			put(m.s.day(at), from, until, "", r.plan.id, whole(1), new(big.Rat).Neg(amount))
		}
		if stopped {
			break
		}
	}
	return out
}

func (o *order) amounts() bool {
	return o != nil && (o.Cash != nil || o.Credit != nil || o.Voucher != nil)
}

func optional(s *string) *big.Rat {
	if s == nil {
		return new(big.Rat)
	}
	return number(*s)
}

// aheadItem lists the purchases of an add-on that is paid ahead, and what is paid back of one that ends with a change of plan.
func (m *monthly) aheadItem(a *addon, sold func(at, from, until day, app, item string, n, amount *big.Rat)) {
	apps := m.life.Apps
	if a.App != "" {
		apps = []string{a.App}
	}
	for _, p := range m.life.on(a, m.end) {
		if p.it.Paid != "ahead" {
			return
		}
		u := use{addon: a, it: p.it, plan: p.plan, on: p.first, l: m.life}
		amount := times(u.unit(), u.count())
		for _, app := range apps {
			sold(p.first, p.first, p.over, app, a.Item, u.count(), amount)
		}
		if p.over == never {
			continue
		}
		if back, ok := m.life.itemBack(p.first, p.over, m.life.endOf(a), amount, p.plan.book); ok {
			for _, app := range apps {
				sold(m.s.day(m.life.endOf(a)), p.first, p.over, app, a.Item, u.count(), new(big.Rat).Neg(back))
			}
		}
	}
}

// itemBack is what is paid back of an item's month that ends with a change of plan.
func (l *life) itemBack(on, next day, until time.Time, amount *big.Rat, b *book) (*big.Rat, bool) {
	if b.Rules.ItemRefund != "started_days" || amount.Sign() == 0 || until.IsZero() || !until.Before(l.s.start(next)) {
		return nil, false
	}
	at := l.s.day(until)
	for _, r := range l.runs()[1:] {
		if l.s.day(r.from) == at {
			return Round(share(amount, int(next-at)-1, int(next-on)), b.Digits), true
		}
	}
	return nil, false
}

// refund is what is paid back where a run is given up at a time, and the plan month it lies in: what was paid for months not
// over, less the used part of that month.
func (l *life) refund(r run, at time.Time) (amount *big.Rat, from, until day) {
	rules := r.plan.book.Rules
	none := new(big.Rat)
	if rules.Refund != "started_days" && rules.Refund != "elapsed_days" || l.fee(r.plan) == "" {
		return none, 0, 0
	}
	s := l.s
	month := times(number(l.fee(r.plan)), whole(int64(len(l.Apps))))
	today, paid, used, running := s.day(at), none, none, false
	for _, p := range l.bought(r, at.Add(1), l.end) {
		if p.months == 0 || p.order != nil && s.moment(p.order.At).After(at) {
			continue
		}
		if p.order == nil && p.from.Equal(at) { // at the instant of a renewal it is not paid yet
			continue
		}
		left := p.months
		if !p.from.After(at) {
			if today >= p.anchor.months(p.first+p.months) {
				continue
			}
			for left > 1 && today >= p.anchor.months(p.first+p.months-left+1) {
				left--
			}
			k := p.first + p.months - left
			from, until = p.anchor.months(k), p.anchor.months(k+1)
			days := int(today - from)
			if rules.Refund == "started_days" {
				days++
			}
			used, running = share(month, days, int(until-from)), true
		}
		if p.order.amounts() {
			paid = plus(paid, share(plus(optional(p.order.Cash), optional(p.order.Credit)), left, p.months))
		} else {
			paid = plus(paid, times(month, whole(int64(left))))
		}
	}
	if !running {
		return none, 0, 0
	}
	return Round(above(paid, used), r.plan.book.Digits), from, until
}
