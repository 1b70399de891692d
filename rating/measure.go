package rating

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"headcount/internal/calendar"
)

// meters adds the lines of what the plan charges, and of items that are on.
func (r *rater) meters(app string, apps []string) error {
	for _, c := range r.charges {
		if err := r.meter(c, nil, app, apps); err != nil {
			return err
		}
	}
	for _, e := range r.extras {
		var uses []use
		for _, a := range apps {
			uses = append(uses, r.uses(e.item, a)...)
		}
		if len(uses) > 0 {
			if err := r.meter(e.charge, uses, app, apps); err != nil {
				return err
			}
		}
	}
	return nil
}

// measured is the usage of a meter that one line prices.
type measured struct {
	quantity decimal.Decimal
	days     []portion // by day, then what has no day
	dayless  decimal.Decimal
}

func (r *rater) measure(m *Meter, apps []string) (out measured, err error) {
	var days []decimal.Decimal
	for _, app := range apps {
		u := r.usage[app].meter(m.Name)
		if u == nil {
			continue
		}
		exact := decimal.NewFromInt(u.Exact)
		out.quantity = sum(out.quantity, exact)
		if m.Aggregate == PeakDaily || m.Aggregate == Gauge || len(u.Days) == 0 { // a peak is not made up of its days
			out.dayless = sum(out.dayless, exact)
			continue
		}
		if days == nil {
			days = make([]decimal.Decimal, r.Month.Days())
		}
		dated, err := r.addDays(days, app, u)
		if err != nil {
			return out, err
		}
		out.dayless = sum(out.dayless, exact.Sub(dated))
	}
	if days == nil {
		out.days = []portion{{n: out.quantity}}
		return out, nil
	}
	out.days = make([]portion, 0, len(days)+1)
	for i, n := range days {
		out.days = append(out.days, portion{day: r.Month.Date(calendar.Day(i + 1)), n: n})
	}
	out.days = append(out.days, portion{n: out.dayless})
	return out, nil
}

// splitByApp says of each portion of a meter's usage how much is which app's.
func (r *rater) splitByApp(portions []portion, m *Meter, apps []string) error {
	for i := range portions {
		portions[i].own = make(map[string]decimal.Decimal, len(apps))
	}
	for _, app := range apps {
		alone, err := r.measure(m, []string{app})
		if err != nil {
			return err
		}
		last := len(portions) - 1
		for i, p := range alone.days {
			if p.day == (Date{}) || last == 0 { // of no known day, or of days that do not matter
				i = last
			}
			portions[i].own[app] = sum(portions[i].own[app], p.n)
		}
	}
	return nil
}

// addDays adds an app's usage of each day to that of others, and returns how much of it has a day.
func (r *rater) addDays(days []decimal.Decimal, app string, u *MeterUsage) (dated decimal.Decimal, err error) {
	for _, d := range u.Days {
		day, err := ParseDate(d.Day)
		if err != nil || r.Month != day.Month {
			return dated, fmt.Errorf("%s: app %q, meter %s, days: %q is not in %s", r.Usage.at(u.line), app, u.Meter, d.Day, r.Month)
		}
		v := decimal.NewFromInt(d.Value)
		days[day.Day-1], dated = sum(days[day.Day-1], v), sum(dated, v)
	}
	if dated.GreaterThan(decimal.NewFromInt(u.Exact)) {
		return dated, fmt.Errorf("%s: app %q, meter %s, days: they sum up to %s, more than the month's %d", r.Usage.at(u.line), app, u.Meter, dated, u.Exact)
	}
	return dated, nil
}

// meter returns the app's usage of a meter, nil where there is none.
func (a *AppUsage) meter(name string) *MeterUsage {
	if a == nil {
		return nil
	}
	for i := range a.Meters {
		if a.Meters[i].Meter == name {
			return &a.Meters[i]
		}
	}
	return nil
}

// meter adds the line of one charge; uses are those of the item that it belongs to, if it does.
func (r *rater) meter(c *Charge, uses []use, app string, apps []string) error {
	u, err := r.measure(c.Meter, apps)
	if err != nil {
		return err
	}
	line := Line{App: app, Meter: c.Meter.Name, Quantity: text(u.quantity), Free: text(c.Free), UnitPrice: text(c.UnitPrice), Source: c.source}
	if r.plan.Reported {
		line.Billable, line.UnitPrice, line.How = "0", "0", "reported, never charged"
		r.endLine(line, exactly(decimal.Zero))
		return nil
	}
	if c.Model == modelDaily {
		r.dailyUnits(c, uses, line, u)
		return nil
	}
	if r.book.Rules.Draw == byMonth {
		u.days = []portion{{n: u.quantity}}
	}
	sources, quota := r.sources(c, app)
	if app == "" && slices.ContainsFunc(sources, func(s *source) bool { return s.app != "" }) {
		if err := r.splitByApp(u.days, c.Meter, apps); err != nil {
			return err
		}
	}
	overs := drawDown(u.days, sources, r.Month)
	over := overs[0]
	for _, o := range overs[1:] {
		over = sum(over, o)
	}
	p := c.price(over, r.book.Rules.PartialBlock)
	if over.IsZero() {
		p.how = covered(u.quantity, sources)
	} else {
		p.how = c.how(&p, terms(u.quantity, sources), r.book.Rules.PartialBlock)
	}
	if r.v.shared {
		p.exact = p.exact.share(r.v.inUse, r.v.of)
		p.how += fmt.Sprintf(" × %d/%d days in use", r.v.inUse, r.v.of)
	}
	p.atLeast(c.Commitment)
	r.chargeByDay(c, u, overs, p.exact)
	line.Free, line.Billable, line.UnitPrice, line.How = text(quota), text(p.billable), text(p.unit), p.how
	r.endLine(line, p.exact)
	return nil
}

// sources returns what covers usage before it is charged, in the order it is drawn on, and the month's quota.
func (r *rater) sources(c *Charge, app string) ([]*source, decimal.Decimal) {
	quota := c.Free
	sources := []*source{{kind: sourceFree, label: "free", left: c.Free}}
	for _, s := range r.monthly(c.Meter, app) {
		quota = quota.Add(s.left)
		sources = append(sources, s)
	}
	for _, h := range r.held {
		if h.meter == c.Meter && (h.app == "" || app == "" || h.app == app) {
			sources = append(sources, &h.source)
		}
	}
	if len(sources) > 1 {
		arrange(sources, &r.book.Rules)
	}
	return sources, quota
}

// dailyUnits charges what is above a quota that each day has anew; of an item, on days on which it is on.
func (r *rater) dailyUnits(c *Charge, uses []use, line Line, u measured) {
	billable := decimal.Zero
	var parts []string
	overs := make([]decimal.Decimal, len(u.days))
	for i, p := range u.days {
		on := func(u use) bool { return u.onDay(p.day) }
		if p.day == (Date{}) || !p.n.GreaterThan(c.Free) || uses != nil && !slices.ContainsFunc(uses, on) {
			continue
		}
		overs[i] = p.n.Sub(c.Free)
		billable = billable.Add(overs[i])
		parts = append(parts, text(overs[i]))
	}
	line.Billable = text(billable)
	line.How = strings.Join(parts, " + ")
	if len(parts) > 1 {
		line.How = "(" + line.How + ")"
	}
	if len(parts) > 0 {
		line.How += times + line.UnitPrice + ", above " + line.Free + " a day"
	} else {
		line.How = line.Quantity + ", no day above " + line.Free
		if uses != nil {
			line.How += " while it was on"
		}
	}
	// A month within one day's quota needs no days: none of them can be above it.
	if u.dayless.IsPositive() && u.quantity.GreaterThan(c.Free) {
		reason := fmt.Sprintf("%s is priced by day, and %s of its %s have no day", c.Meter.Name, u.dayless, u.quantity)
		if line.App != "" {
			reason = "app " + line.App + ": " + reason
		}
		r.reasons = append(r.reasons, reason)
		line.How += "; " + text(u.dayless) + " have no day"
	}
	p := priced{exact: exactly(billable.Mul(c.UnitPrice)), how: line.How}
	p.atLeast(c.Commitment)
	r.chargeByDay(c, u, overs, p.exact)
	line.How = p.how
	r.endLine(line, p.exact)
}

// chargeByDay spreads a line over the days where it is billed daily: a day's charge is that of the month so far, less that of the day
// before. What has no day counts on the last, and so does what the days' charges lack of the line's amount.
func (r *rater) chargeByDay(c *Charge, u measured, overs []decimal.Decimal, exact fraction) {
	if r.book.Rules.Billed != billedDaily && c.Billed != billedDaily {
		return
	}
	if r.byDay == nil {
		r.byDay = make([]decimal.Decimal, r.Month.Days())
	}
	before, soFar := decimal.Zero, decimal.Zero
	last := len(r.byDay) - 1
	if len(u.days) > 1 {
		r.hasDays = true
		for i := range last {
			if overs[i].IsZero() {
				continue // so far is as the day before
			}
			soFar = sum(soFar, overs[i])
			now := c.price(soFar, r.book.Rules.PartialBlock).exact.round(r.book.Digits)
			r.byDay[i], before = r.byDay[i].Add(now.Sub(before)), now
		}
	}
	r.byDay[last] = r.byDay[last].Add(exact.round(r.book.Digits).Sub(before))
}

func (r *rater) daily() (out []Day) {
	if !r.hasDays {
		return nil
	}
	for i, amount := range r.byDay {
		day := r.Month.First().AddDays(i)
		out = append(out, Day{day.String(), r.money(amount), day.AddDays(r.book.Rules.DailyBillWithin).String()})
	}
	return out
}

func (r *rater) balances() (out []Balance) {
	for _, h := range r.held {
		out = append(out, Balance{
			Package: h.id, Item: h.item, From: h.from.String(), Until: h.until.String(),
			Quantity: text(h.quantity), Drawn: text(h.taken), Remaining: text(h.left),
		})
	}
	return out
}
