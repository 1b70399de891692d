package rating

import (
	"fmt"
	"sort"
	"strings"

	"github.com/shopspring/decimal"
)

// source covers usage before it is charged: the free tier, a package's month, a resource package.
type source struct {
	kind        string
	label       string
	left, taken decimal.Decimal
	from, until Date // in force; a zero until: always
	bought      Date
	app         string // "": whichever app's usage it is
}

// portion is usage of one day, or, with a zero day, of no known day of the month.
type portion struct {
	day Date
	n   decimal.Decimal
	own map[string]decimal.Decimal // of that each app's; nil: no source is for one app alone
}

func (s *source) covers(p portion, m Month) bool {
	if s.until == (Date{}) {
		return true
	}
	if p.day == (Date{}) {
		return s.from.Before((m + 1).First()) && m.First().Before(s.until)
	}
	return !p.day.Before(s.from) && p.day.Before(s.until)
}

// arrange sorts sources into the order in which a book draws on them.
func arrange(sources []*source, r *Rules) {
	rank := make(map[string]int)
	for i, kind := range r.DrawOrder {
		rank[kind] = i + 1
	}
	key := func(s *source) Date {
		if r.ResourceOrder == earliestBy {
			return s.bought
		}
		return s.until
	}
	sort.SliceStable(sources, func(i, j int) bool {
		a, b := sources[i], sources[j]
		if a.kind != b.kind {
			return rank[a.kind] < rank[b.kind]
		}
		return key(a).Before(key(b))
	})
}

// drawDown lets each portion, in order, draw on the sources and returns what is left over of each.
func drawDown(portions []portion, sources []*source, m Month) []decimal.Decimal {
	over := make([]decimal.Decimal, len(portions))
	for i, p := range portions {
		n := p.n
		for _, s := range sources {
			if !n.IsPositive() {
				break
			}
			if !s.left.IsPositive() || !s.covers(p, m) {
				continue
			}
			take := n
			if p.own != nil && s.app != "" { // no more than is left of that app's own
				take = decimal.Min(n, s.left, p.own[s.app])
				p.own[s.app] = p.own[s.app].Sub(take)
			}
			if take.GreaterThan(s.left) {
				n, s.taken, s.left = n.Sub(s.left), sum(s.taken, s.left), decimal.Zero
				continue
			}
			s.left, s.taken, n = s.left.Sub(take), sum(s.taken, take), n.Sub(take)
		}
		over[i] = n
	}
	return over
}

// terms says what was taken off a quantity, as a difference.
func terms(quantity decimal.Decimal, sources []*source) string {
	var b strings.Builder
	b.WriteString(text(quantity))
	for _, s := range sources {
		if s.taken.IsPositive() {
			b.WriteString(minus)
			b.WriteString(text(s.taken))
			if s.kind != sourceFree {
				b.WriteString(" of ")
				b.WriteString(s.label)
			}
		}
	}
	return b.String()
}

// covered says by what a quantity was covered wholly.
func covered(quantity decimal.Decimal, sources []*source) string {
	if quantity.IsZero() {
		return "nothing used"
	}
	var parts []string
	for _, s := range sources {
		switch {
		case s.taken.IsPositive() && s.kind == sourceFree:
			parts = append(parts, text(s.left.Add(s.taken))+" free")
		case s.taken.IsPositive():
			parts = append(parts, text(s.taken)+" of "+s.label)
		}
	}
	return text(quantity) + " within " + strings.Join(parts, " and ")
}

// effect returns when a package is in force.
func (p *pack) effect(t *PackageType, b *Book, c *contract) (bought, from, until Date) {
	bought = p.bought.day(c.zone)
	from = bought
	if b.Rules.PackageEffect == nextDay {
		from = bought.AddDays(1)
	}
	return bought, from, from.AddMonths(int(firstTerm(p.term, t.Term)))
}

// holding is a resource package of an account in a month.
type holding struct {
	source
	id       string
	item     string
	quantity decimal.Decimal
	meter    *Meter
}

// packageType finds what is bought under a name in the books of the account's plans; of several, in the first.
func (c *contract) packageType(item string) (*PackageType, *Book) {
	for _, b := range c.books() {
		if t := b.packageType(item); t != nil {
			return t, b
		}
	}
	return nil, nil
}

// holdings returns the resource packages bought by the month's end and not expired before it, with what is left of them; also
// those of a book that the account's plan of the month is not of: nothing draws on them.
func (r *rater) holdings() (out []*holding) {
	times := make(map[string]int)
	for i := range r.c.acc.packages {
		p := &r.c.acc.packages[i]
		t, book := r.c.packageType(p.item)
		if t == nil || t.Meter == nil {
			continue
		}
		h := &holding{id: p.item + "/" + p.bought.day(r.c.zone).String(), item: p.item, quantity: *p.quantity, meter: t.Meter}
		if times[h.id]++; times[h.id] > 1 {
			h.id += fmt.Sprintf("/%d", times[h.id])
		}
		h.kind, h.label, h.app = sourceResource, h.id, p.app
		h.bought, h.from, h.until = p.effect(t, book, r.c)
		if !h.bought.Before((r.Month + 1).First()) || !r.Month.First().Before(h.until) {
			continue
		}
		h.left = *p.quantity
		if p.remaining != nil {
			h.left = *p.remaining
		}
		if carried, ok := r.carried[h.id]; ok {
			h.left = carried
		}
		out = append(out, h)
	}
	return out
}

// monthly returns what packages cover of a meter anew each month.
func (r *rater) monthly(m *Meter, app string) (out []*source) {
	for i := range r.c.acc.packages {
		p := &r.c.acc.packages[i]
		t := r.book.packageType(p.item)
		if t == nil || p.app != "" && app != "" && p.app != app {
			continue
		}
		for _, c := range t.Covers {
			if c.Meter != m {
				continue
			}
			s := &source{kind: sourcePackage, label: p.item, left: c.Quantity, app: p.app}
			if c.BySize {
				s.left = decimal.NewFromInt(int64(p.mau))
			}
			s.bought, s.from, s.until = p.effect(t, r.book, r.c)
			if s.covers(portion{}, r.Month) {
				out = append(out, s)
			}
		}
	}
	return out
}
