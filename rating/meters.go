package rating

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// People says whether the meter counts devices or users; else it is a reported quantity.
func (m Meter) People() bool { return m.Aggregate == Unique || m.Aggregate == PeakDaily }

// MetersOf returns who is billed for an app in a month, by which plan, and the meters that its usage is to show: what the plan
// charges, and what items of the plan would, were they on. Account and plan are empty where nobody is billed. The accounts must
// have passed Check.
func (a *Accounts) MetersOf(cat *Catalog, month Month, zone *time.Location, app string) (account, plan string, meters []Meter) {
	r := a.raterOf(cat, month, zone, app)
	if r == nil {
		return "", "", nil
	}
	return r.c.acc.id, r.plan.ID(), r.metersOf(app)
}

// metersOf returns the meters that an app's usage is to show.
func (r *rater) metersOf(app string) (meters []Meter) {
	add := func(c *Charge, charged bool) {
		if slices.ContainsFunc(meters, func(m Meter) bool { return m.Name == c.Meter.Name }) {
			return
		}
		m := *c.Meter
		m.Charged = charged
		meters = append(meters, m)
	}
	for _, c := range r.plan.Charges {
		add(c, true)
	}
	for _, i := range r.book.Items {
		if len(i.options(r.plan.Name)) > 0 {
			for _, c := range i.Charges {
				add(c, r.on(i, app))
			}
		}
	}
	return meters
}

// FreeOf returns the month's free quota of an app's meter, with overrides and packages; "" where nobody is billed for it. Of a
// price by day it is the day's quota; where the account's apps are summed, that of them all.
func (a *Accounts) FreeOf(cat *Catalog, month Month, zone *time.Location, app, meter string) string {
	r := a.raterOf(cat, month, zone, app)
	if r == nil {
		return ""
	}
	charges := slices.Clone(r.plan.Charges)
	for _, i := range r.book.Items {
		if r.on(i, app) {
			charges = append(charges, i.Charges...)
		}
	}
	for _, c := range charges {
		if c.Meter.Name == meter {
			quota := c.with(r.book, r.c.acc.overrides).Free
			for _, s := range r.monthly(c.Meter, app) {
				quota = quota.Add(s.left)
			}
			return quota.String()
		}
	}
	return ""
}

// raterOf lays out only the accounts that name the app.
func (a *Accounts) raterOf(cat *Catalog, month Month, zone *time.Location, app string) *rater {
	if checkMonth(month) != nil {
		return nil
	}
	if zone == nil {
		zone = time.UTC
	}
	contracts := make(map[*account]*contract)
	views := make(map[*account]*monthView)
	for _, x := range a.of(app) {
		c, err := x.resolve(cat, zone)
		if err != nil {
			continue
		}
		contracts[x], views[x] = c, c.month(month)
	}
	x := a.owner(app, func(x *account) *monthView { return views[x] })
	if x == nil {
		return nil
	}
	v := views[x]
	return &rater{prepared: &prepared{Input: Input{Month: month}}, c: contracts[x], v: v, plan: v.plan, book: v.plan.Book}
}

// PlanInput makes the input of a what-if: all the usage's apps in one account, "what-if", in force the whole month on one plan
// that it had before.
func PlanInput(cat *Catalog, plan string, u Usage, zone *time.Location) (Input, error) {
	if _, err := cat.Plan(plan); err != nil {
		return Input{}, err
	}
	if err := checkMonth(u.Month); err != nil {
		return Input{}, err
	}
	end := Moment{date: (u.Month + 1).First()}
	x := &account{
		id: "what-if", plan: planRef{id: plan}, from: Moment{date: (u.Month - 1).First()}, until: &end, late: lateBill, established: true,
	}
	a := &Accounts{file: "what-if", list: []*account{x}, index: make(map[string]int32, len(u.Apps))}
	for _, app := range u.Apps {
		x.apps = append(x.apps, app.App)
		a.index[app.App] = 0
	}
	slices.Sort(x.apps)
	return Input{Month: u.Month, Zone: zone, Usage: u, Accounts: a, Catalog: cat}, nil
}

// Warnings names what is rated and yet worth a look: usage of apps and meters that nobody is charged for, and accounts whose
// configuration changed more often than their book allows.
func Warnings(in Input) ([]string, error) {
	b, err := open(in)
	if err != nil {
		return nil, err
	}
	var out, strays []string
	raters := make(map[*account]*rater)
	for i := range in.Usage.Apps {
		app := &in.Usage.Apps[i]
		x := in.Accounts.owner(app.App, func(x *account) *monthView { return b.views[x] })
		if x == nil {
			strays = append(strays, app.App)
			continue
		}
		if raters[x] == nil {
			raters[x] = b.rater(x, b.views[x])
		}
		r := raters[x]
		meters := r.metersOf(app.App)
		for _, m := range app.Meters {
			if m.Exact > 0 && !slices.ContainsFunc(meters, func(k Meter) bool { return k.Name == m.Meter && k.Charged }) {
				out = append(out, fmt.Sprintf("app %s: %s does not charge %s: %d reported, not charged", app.App, r.plan.ID(), m.Meter, m.Exact))
			}
		}
	}
	if text := straysText(strays, in.Month); text != "" {
		out = append(out, text)
	}
	for _, x := range in.Accounts.list {
		out = append(out, b.contracts[x].configurationWarnings(b.Month)...)
	}
	return out, nil
}

// straysText names the apps that no account pays for, at most 20 of them: there may be many thousands.
func straysText(apps []string, month Month) string {
	const most = 20
	switch n := len(apps); {
	case n == 0:
		return ""
	case n == 1:
		return fmt.Sprintf("app %s is in no account in force in %s: reported, not charged", apps[0], month)
	case n > most:
		return fmt.Sprintf("%d apps are in no account in force in %s: reported, not charged: %s and %d more", n, month, strings.Join(apps[:most], ", "), n-most)
	default:
		return fmt.Sprintf("%d apps are in no account in force in %s: reported, not charged: %s", n, month, strings.Join(apps, ", "))
	}
}
