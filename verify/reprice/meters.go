package reprice

import (
	"math/big"
	"slices"
	"sort"
)

// Quantity is an app's usage of a meter in the month. Days are by day of the month, from 1; what they lack has no day.
type Quantity struct {
	Value *big.Rat
	Days  map[int]*big.Rat
}

// pot covers usage before it is charged.
type pot struct {
	kind        string
	from, until day // until 0: always
	bought      day
	left, drawn *big.Rat
	app         string // whose usage alone it covers; empty: any app's
}

// Left is what is left of a resource package at the month's end.
type Left struct {
	Package, Item              string
	From, Until                string
	Quantity, Drawn, Remaining *big.Rat

	pot   *pot
	meter string
	app   string
	book  *book
}

// part is usage of one day; day 0: of no known day of the month.
type part struct {
	day day
	n   *big.Rat
	of  map[string]*big.Rat // n by app
}

// measure adds up a meter's usage over apps: of the month, and by day where its days are known.
func (m *monthly) measure(name string, apps []string) (total *big.Rat, parts []part) {
	total, undated := new(big.Rat), new(big.Rat)
	days := make([]part, m.last-m.firstDay+1)
	none := part{0, undated, map[string]*big.Rat{}}
	dated := false
	aggregate := m.book.Meters[name].Aggregate
	for _, app := range apps {
		q := m.usage(app, name)
		if q.Value == nil {
			continue
		}
		total = plus(total, q.Value)
		rest := q.Value
		if aggregate == "unique" || aggregate == "counter" {
			for d, n := range q.Days {
				dated = true
				x := &days[d-1]
				if x.n == nil {
					*x = part{m.firstDay + day(d-1), new(big.Rat), map[string]*big.Rat{}}
				}
				x.n, x.of[app], rest = plus(x.n, n), n, less(rest, n)
			}
		}
		none.n, none.of[app] = plus(none.n, rest), rest
	}
	if !dated {
		return total, []part{none}
	}
	for _, x := range days {
		if x.n != nil {
			parts = append(parts, x)
		}
	}
	return total, append(parts, none)
}

// covers says whether a pot is in force for a part of the usage: on its day, or, without one, at some time of the month.
func (m *monthly) covers(p *pot, u part) bool {
	switch {
	case p.until == 0:
		return true
	case u.day == 0:
		return p.from <= m.last && p.until > m.firstDay
	}
	return p.from <= u.day && u.day < p.until
}

// charged adds the line of one meter; on are the uses of the item that charges it, nil where the plan does.
func (m *monthly) charged(name string, c charge, app string, apps []string, on []use) {
	overrides := m.life.Overrides
	for field, to := range map[string]*string{"free": &c.Free, "unit_price": &c.UnitPrice, "block": &c.Block, "commitment": &c.Commitment} {
		if o, ok := overrides[name+"."+field]; ok {
			*to = o
		}
	}
	total, parts := m.measure(name, apps)
	line := Line{App: app, Meter: name, Quantity: total, Free: number(c.Free), Billable: new(big.Rat), UnitPrice: new(big.Rat)}
	switch {
	case m.plan.Reported:
		m.add(line, new(big.Rat))
	case c.Model == "daily_unit":
		m.add(m.eachDay(line, c, parts, on))
	default:
		m.add(m.above(line, c, parts))
	}
}

// eachDay charges what is above a quota that every day has anew; what an item charges, on the days on which it is on.
func (m *monthly) eachDay(line Line, c charge, parts []part, on []use) (Line, *big.Rat) {
	over := make([]*big.Rat, len(parts))
	for i, u := range parts {
		if over[i] = new(big.Rat); u.day != 0 {
			if on == nil || slices.ContainsFunc(on, func(x use) bool { return m.onDay(x, u.day) }) {
				over[i] = above(u.n, line.Free)
			}
			line.Billable = plus(line.Billable, over[i])
		} else if u.n.Sign() > 0 && line.Quantity.Cmp(line.Free) > 0 {
			m.held = true // its price needs days that are not known
		}
	}
	line.UnitPrice = number(c.UnitPrice)
	amount := times(line.Billable, line.UnitPrice)
	if floor := number(c.Commitment); amount.Cmp(floor) < 0 {
		amount = floor
	}
	m.spread(c, parts, over, amount)
	return line, amount
}

// above charges what neither the quota nor a package covers.
func (m *monthly) above(line Line, c charge, parts []part) (Line, *big.Rat) {
	pots := m.pots(&line)
	if m.book.Rules.Draw == "by_month" {
		whole := part{0, line.Quantity, map[string]*big.Rat{}}
		for _, u := range parts {
			for app, n := range u.of {
				if whole.of[app] == nil {
					whole.of[app] = new(big.Rat)
				}
				whole.of[app] = plus(whole.of[app], n)
			}
		}
		parts = []part{whole}
	}
	over := m.draw(parts, pots)
	for _, n := range over {
		line.Billable = plus(line.Billable, n)
	}
	amount, unit := c.of(line.Billable, m.book)
	line.UnitPrice = unit
	if m.shared {
		amount = share(amount, m.inUse, int(m.last-m.firstDay)+1)
	}
	if floor := number(c.Commitment); amount.Cmp(floor) < 0 {
		amount = floor
	}
	m.spread(c, parts, over, amount)
	return line, amount
}

// pots returns what covers a line's usage, in the order in which it is drawn on: the quota, what packages cover anew in the month,
// which adds to the line's quota, and what is left of resource packages.
func (m *monthly) pots(line *Line) []*pot {
	pots := []*pot{{kind: "free", left: line.Free, drawn: new(big.Rat)}}
	for i := range m.life.Packages {
		p := &m.life.Packages[i]
		t := m.book.Packages[p.Item]
		if t == nil || t.Covers[line.Meter] == "" || p.App != "" && line.App != "" && p.App != line.App {
			continue
		}
		x := m.effect(p, t, m.book)
		x.kind, x.left, x.app = "package", number(t.Covers[line.Meter]), p.App
		if t.Covers[line.Meter] == "mau" {
			x.left = whole(int64(p.MAU))
		}
		if m.covers(x, part{}) {
			line.Free = plus(line.Free, x.left)
			pots = append(pots, x)
		}
	}
	for i := range m.left {
		h := &m.left[i]
		if h.book == m.book && h.meter == line.Meter && (h.app == "" || line.App == "" || h.app == line.App) {
			pots = append(pots, h.pot)
		}
	}
	m.book.sort(pots)
	return pots
}

// sort puts pots into the order in which a book draws on them.
func (b *book) sort(pots []*pot) {
	order := b.Rules.Order
	if order == nil {
		order = []string{"free", "package", "resource_package"}
	}
	sort.SliceStable(pots, func(i, j int) bool {
		x, y := pots[i], pots[j]
		if x.kind != y.kind {
			return slices.Index(order, x.kind) < slices.Index(order, y.kind)
		}
		if b.Rules.Resources == "earliest_bought" {
			return x.bought < y.bought
		}
		return x.until < y.until
	})
}

// draw lets each part draw on the pots, and returns what no pot covers of it. What is for one app covers no more than that app used.
func (m *monthly) draw(parts []part, pots []*pot) []*big.Rat {
	over := make([]*big.Rat, len(parts))
	for i, u := range parts {
		over[i] = u.n
		covered := map[string]*big.Rat{}
		for _, p := range pots {
			if m.covers(p, u) {
				take := least(over[i], p.left)
				if p.app != "" {
					if covered[p.app] == nil {
						covered[p.app] = new(big.Rat)
					}
					own := u.of[p.app]
					if own == nil {
						own = new(big.Rat)
					}
					take = least(take, above(own, covered[p.app]))
					covered[p.app] = plus(covered[p.app], take)
				}
				over[i], p.left, p.drawn = less(over[i], take), less(p.left, take), plus(p.drawn, take)
			}
		}
	}
	return over
}

// spread charges a line's amount to the days, where it is billed daily: a day's charge is what the month costs up to it, less
// what it cost up to the day before. The last day has the rest.
func (m *monthly) spread(c charge, parts []part, over []*big.Rat, amount *big.Rat) {
	if m.book.Rules.Billed != "daily" && c.Billed != "daily" {
		return
	}
	used, charged := new(big.Rat), new(big.Rat)
	bill := func(d day, total *big.Rat) {
		total = Round(total, m.book.Digits)
		at := &m.daily[d-m.firstDay]
		*at, charged = plus(*at, less(total, charged)), total
	}
	if len(parts) > 1 {
		m.dated = true
		for i, u := range parts {
			used = plus(used, over[i])
			if u.day != 0 && u.day != m.last {
				total, _ := c.of(used, m.book)
				bill(u.day, total)
			}
		}
	}
	bill(m.last, amount)
}

// of makes money of what is above the quota, and says at which price the last of it is charged.
func (c *charge) of(over *big.Rat, b *book) (amount, unit *big.Rat) {
	unit = number(c.UnitPrice)
	switch c.Model {
	case "blocks":
		block := number(c.Block)
		if block.Sign() <= 0 {
			panic(bad("a block of %q", c.Block))
		}
		q := new(big.Rat).Quo(over, block)
		n := new(big.Int).Quo(q.Num(), q.Denom())
		if !q.IsInt() && b.Rules.Block != "free" {
			n.Add(n, big.NewInt(1))
		}
		return times(new(big.Rat).SetInt(n), unit), unit
	case "flat":
		if over.Sign() == 0 {
			return new(big.Rat), unit
		}
		return unit, unit
	case "graduated":
		if len(c.Tiers) == 0 {
			panic(bad("a graduated price without tiers"))
		}
		amount, unit = new(big.Rat), number(c.Tiers[0].UnitPrice)
		below := new(big.Rat)
		for _, t := range c.Tiers {
			top := over
			if t.UpTo != "" {
				top = least(over, number(t.UpTo))
			}
			if n := above(top, below); n.Sign() > 0 {
				unit = number(t.UnitPrice)
				amount, below = plus(amount, times(n, unit)), top
			}
		}
		return amount, unit
	}
	return times(over, unit), unit
}
