package naive

import (
	"fmt"
	"time"
)

// Log counts what it is given, in order, and closes months as seals do: every partition at the same place.
type Log struct {
	Grammar
	Tombstones, Unknown int

	months map[string]*Month // by 2026-10
	sealed string            // newest closed month
	lost   map[string]*App   // rejected and expired since the last close, by app; "" where none can be read
}

// Record is one record of the log.
type Record struct {
	Value   []byte
	Headers map[string]string // of the binary mode, else nil
	Time    time.Time
}

// Month is what is known of a month.
type Month struct {
	Apps     map[string]*App
	Rejected int // without an app
	Late     map[string]*App
}

// App is what is known of an app in a month.
type App struct {
	Events, Duplicates, Skewed, Expired, Rejected, BeforeBooks int

	did    map[string]map[int]set // kind → day → who
	seen   map[string]bool        // kind, day, who: for duplicates
	totals map[source]Reading
}

type set map[string]struct{}

type source struct {
	meter, source string
	day           int
}

// New makes an empty log.
func New(zone *time.Location) *Log {
	return &Log{Grammar: Grammar{Zone: zone, Types: Types()}, months: map[string]*Month{}, lost: map[string]*App{}}
}

// Add counts a record and says what it was.
func (l *Log) Add(rec Record) Reading {
	var r Reading
	if rec.Headers != nil {
		r = l.ReadBinary(rec.Headers, rec.Value, rec.Time)
	} else {
		r = l.Read(rec.Value, rec.Time)
	}
	month := r.At.Format("2006-01")
	switch r.Outcome {
	case Tombstone:
		l.Tombstones++
		return r
	case Unknown:
		l.Unknown++
		return r
	case Control:
		return r
	case Rejected:
		app(l.lost, r.App).Rejected++
		return r
	case BeforeBooks:
		app(l.lost, r.App).BeforeBooks++
		return r
	case Reported:
		month = r.Month
	}
	if month < l.sealed {
		app(l.lost, r.App).Expired++
		return r
	}
	apps := l.Month(month).Apps
	if month == l.sealed {
		apps = l.Month(month).Late
	}
	a := app(apps, r.App)
	if r.Outcome == Reported {
		a.report(&r)
	} else {
		a.count(&r)
	}
	return r
}

func app(apps map[string]*App, name string) *App {
	a := apps[name]
	if a == nil {
		a = &App{did: map[string]map[int]set{}, seen: map[string]bool{}, totals: map[source]Reading{}}
		apps[name] = a
	}
	return a
}

func (a *App) count(r *Reading) {
	a.Events++
	if r.Skewed {
		a.Skewed++
	}
	day := r.At.Day()
	once := fmt.Sprint(r.Kind, " ", day, " ", r.Who)
	if a.seen[once] {
		a.Duplicates++
	}
	a.seen[once] = true
	if a.did[r.Kind] == nil {
		a.did[r.Kind] = map[int]set{}
	}
	if a.did[r.Kind][day] == nil {
		a.did[r.Kind][day] = set{}
	}
	a.did[r.Kind][day][r.Who] = struct{}{}
}

func (a *App) report(r *Reading) {
	at := source{r.Meter, r.Source, r.Day}
	old, ok := a.totals[at]
	if !ok || r.Revision > old.Revision || r.Revision == old.Revision && r.Value > old.Value {
		a.totals[at] = *r
	}
}

// Month returns a month, empty where nothing is known of it.
func (l *Log) Month(month string) *Month {
	m := l.months[month]
	if m == nil {
		m = &Month{Apps: map[string]*App{}, Late: map[string]*App{}}
		l.months[month] = m
	}
	return m
}

// Close closes a month and returns it: what comes later of it is late, older months are finished.
func (l *Log) Close(month string) *Month {
	m := l.Month(month)
	for name, lost := range l.lost {
		if name == "" {
			m.Rejected = lost.Rejected
			continue
		}
		a := app(m.Apps, name)
		a.Rejected, a.Expired, a.BeforeBooks = lost.Rejected, lost.Expired, lost.BeforeBooks
	}
	l.lost, l.sealed = map[string]*App{}, month
	return m
}

// Unique returns how many did any of the kinds on any of the days (none given: of the month).
func (a *App) Unique(kinds []string, days ...int) int { return len(a.who(kinds, days...)) }

func (a *App) who(kinds []string, days ...int) set {
	all := set{}
	for _, kind := range kinds {
		for day, who := range a.did[kind] {
			wanted := len(days) == 0
			for _, d := range days {
				wanted = wanted || d == day
			}
			for id := range who {
				if wanted {
					all[id] = struct{}{}
				}
			}
		}
	}
	return all
}

// LateNew returns how many did any of the kinds after the month's close only.
func (m *Month) LateNew(name string, kinds []string) int {
	late, n := m.Late[name], 0
	if late == nil {
		return 0
	}
	before := app(m.Apps, name).who(kinds)
	for id := range late.who(kinds) {
		if _, ok := before[id]; !ok {
			n++
		}
	}
	return n
}

// DeviceKinds are the kinds of Types that devices do, all but login.
var DeviceKinds = []string{"open", "search", "predownload", "release", "h5", "basic-analysis", "custom-analysis", "performance", "push", "sync"}

// New returns how many devices did anything on the day for the first time in the month.
func (a *App) New(day int) int {
	var before []int
	for d := 1; d < day; d++ {
		before = append(before, d)
	}
	if len(before) == 0 {
		return a.Unique(DeviceKinds, day)
	}
	n, known := 0, a.who(DeviceKinds, before...)
	for id := range a.who(DeviceKinds, day) {
		if _, ok := known[id]; !ok {
			n++
		}
	}
	return n
}

// PeakUsers returns the most users who logged in on one day.
func (a *App) PeakUsers() (peak int) {
	for day := range a.did["login"] {
		peak = max(peak, a.Unique([]string{"login"}, day))
	}
	return peak
}

// Counter returns a reported counter: the sum over sources and days.
func (a *App) Counter(meter string) (sum int64) {
	for at, r := range a.totals {
		if at.meter == meter {
			sum += r.Value
		}
	}
	return sum
}

// Gauge returns a reported gauge: the highest value.
func (a *App) Gauge(meter string) (highest int64) {
	for at, r := range a.totals {
		if at.meter == meter {
			highest = max(highest, r.Value)
		}
	}
	return highest
}
