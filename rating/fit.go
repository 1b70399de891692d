package rating

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// AppCounts is what a usage document says of an app besides its meters: what meters of another plan can be made of.
type AppCounts struct {
	Kinds map[string]int64 // who did each kind in the month; a kind that is not there never happened
	New   int64            // devices of any kind but login, by their first days; 0: not said
	Users int64            // of login on the day with the most; 0: not said
}

// login is the kind that is done by users; all others are done by devices.
const login = "login"

// ForeignMeterError says that the usage has what another book counts, and not what is to be priced.
type ForeignMeterError struct {
	At     string // file and line
	App    string
	Plan   string
	Meter  string // of the plan
	Counts string // what the plan's book counts as that
	Has    string // what the usage has instead, and whose it is
}

func (e *ForeignMeterError) Error() string {
	return fmt.Sprintf("%s: app %q: the usage has %s; %s is priced by %s (%s), which cannot be made of it", e.At, e.App, e.Has, e.Plan, e.Meter, e.Counts)
}

// Fit makes usage that was counted for other plans fit those that it is to be priced by: a meter that counts other kinds than the
// plan's, or that the usage lacks, is made of the app's kinds where the usage has them. It returns what it replaced, in words, and a
// *ForeignMeterError where the usage does not say what the plan counts. A usage without kinds is taken at its word.
func Fit(in Input) (Input, []string, error) {
	b, err := open(in)
	if err != nil {
		return in, nil, err
	}
	var said []string
	raters := make(map[*account]*rater)
	apps := slices.Clone(in.Usage.Apps)
	for i := range apps {
		x := in.Accounts.owner(apps[i].App, func(x *account) *monthView { return b.views[x] })
		if x == nil {
			continue
		}
		if raters[x] == nil {
			raters[x] = b.rater(x, b.views[x])
		}
		f := fitter{rater: raters[x], app: &apps[i]}
		replaced, err := f.fit()
		if err != nil {
			return in, nil, err
		}
		said = append(said, replaced...)
	}
	in.Usage.Apps = apps
	return in, said, nil
}

// fitter fits one app's usage to the plan that it is priced by.
type fitter struct {
	*rater
	app *AppUsage
}

func (f *fitter) fit() (said []string, err error) {
	meters := f.metersOf(f.app.App)
	if f.app.Counts == nil {
		return nil, f.known(meters)
	}
	fitted := slices.Clone(f.app.Meters)
	for _, m := range meters {
		if !m.Charged || !m.People() {
			continue
		}
		i := slices.IndexFunc(fitted, func(u MeterUsage) bool { return u.Meter == m.Name })
		has := "no " + m.Name
		if i >= 0 {
			other := f.countedBy(m, fitted[i].Exact)
			if other == "" {
				continue
			}
			has = fmt.Sprintf("%s as %s counts it", m.Name, other)
		}
		value, known := f.app.made(m)
		switch {
		case !known:
			return nil, f.foreign(m, has)
		case i >= 0:
			fitted[i].Exact, fitted[i].Days = value, nil
		default:
			fitted = append(fitted, MeterUsage{Meter: m.Name, Exact: value})
		}
		if i >= 0 || value > 0 {
			said = append(said, fmt.Sprintf("app %s: the usage has %s: %s is priced by %d, which its kinds come to", f.app.App, has, f.plan.ID(), value))
		}
	}
	f.app.Meters = fitted
	return said, nil
}

// known refuses usage that has something of other books and nothing of the plan's.
func (f *fitter) known(meters []Meter) error {
	for _, u := range f.app.Meters {
		if f.book.meter(u.Meter) != nil {
			return nil
		}
	}
	for _, u := range f.app.Meters {
		for _, b := range f.Catalog.books {
			if b.meter(u.Meter) != nil && u.Exact > 0 && len(meters) > 0 {
				return f.foreign(meters[0], u.Meter+" of "+b.Name)
			}
		}
	}
	return nil
}

func (f *fitter) foreign(m Meter, has string) error {
	counts := strings.Join(m.Kinds, ", ")
	if !m.People() {
		counts = "a reported " + string(m.Aggregate)
	}
	return &ForeignMeterError{At: f.Usage.at(f.app.line), App: f.app.App, Plan: f.plan.ID(), Meter: m.Name, Counts: counts, Has: has}
}

// countedBy says which other book the usage's figure of a meter is of: one that counts other kinds under that name, of which the app's
// kinds make just that figure, where those of the plan make another or none. Empty: nothing speaks against it.
func (f *fitter) countedBy(m Meter, figure int64) string {
	if own, ok := f.app.made(m); ok && own == figure {
		return ""
	}
	for _, b := range f.Catalog.books {
		other := b.meter(m.Name)
		if other == nil || b == f.book || sameKinds(other.Kinds, m.Kinds) {
			continue
		}
		if n, ok := f.app.made(*other); ok && n == figure {
			return b.Name
		}
	}
	return ""
}

func sameKinds(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// made returns a meter's figure, made of the app's kinds; false: they do not say it. Of one kind it is who did it. Of several, each
// device counts once: it is all devices, where none did anything else.
func (a *AppUsage) made(m Meter) (int64, bool) {
	if a.Counts == nil || !m.People() {
		return 0, false
	}
	var did []string // of the meter's kinds, those that happened
	var most, all int64
	for _, k := range m.Kinds {
		if n := a.Counts.Kinds[k]; n > 0 && !slices.Contains(did, k) {
			did, most, all = append(did, k), max(most, n), all+n
		}
	}
	switch {
	case len(did) == 0:
		return 0, true
	case m.Aggregate == PeakDaily:
		users := a.Counts.Users
		return users, len(did) == 1 && did[0] == login && users > 0 && users <= most
	case len(did) == 1:
		return most, true
	}
	for _, k := range slices.Sorted(maps.Keys(a.Counts.Kinds)) {
		if a.Counts.Kinds[k] > 0 && k != login && !slices.Contains(did, k) {
			return 0, false
		}
	}
	n := a.Counts.New
	return n, !slices.Contains(did, login) && n >= most && n <= all
}
