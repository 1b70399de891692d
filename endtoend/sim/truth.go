package sim

import (
	"context"
	"math/bits"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // another copy than the product's

	"headcount/events"
)

// facts are what remains of events: by who it was, the kinds of each day; at 0 those of all days.
type facts map[string]*did

type did [32]kindSet

// add notes an event.
func (f facts) add(who string, kind, day int) {
	d := f[who]
	if d == nil {
		d = &did{}
		f[who] = d
	}
	d[day] |= kinds(kind)
	d[0] |= kinds(kind)
}

// number is how many facts there are: of a person, a kind and a day each.
func (f facts) number() (n int) {
	for _, d := range f {
		for day := 1; day < len(d); day++ {
			n += bits.OnesCount8(uint8(d[day]))
		}
	}
	return n
}

func (f facts) addAll(more facts) {
	for who, d := range more {
		to := f[who]
		if to == nil {
			to = &did{}
			f[who] = to
		}
		to.add(d)
	}
}

func (d *did) add(more *did) {
	for day, set := range more {
		d[day] |= set
	}
}

// kindSet is a set of kinds, by their places in kindNames.
type kindSet uint8

func kinds(all ...int) (s kindSet) {
	for _, k := range all {
		s |= 1 << k
	}
	return s
}

type total struct {
	meter, source string
	day           int
}

type standing struct{ revision, value int64 }

// window is what one partition knows of an app in a month.
type window struct {
	events, skewed int
	facts          facts
	totals         map[total]standing
}

// stretch is what is of no month.
type stretch struct{ expired, rejected, past, before, unknown int } // past: those of the rejected that found no room

// appMonth is what all partitions know of an app in a month.
type appMonth struct {
	window
	stretch
	late       facts
	lateTotals map[total]standing
}

// month is what is known of a month once it is closed.
type month struct {
	apps    map[string]*appMonth
	offsets map[events.Partition]events.Offset // of the seals
	lost    int                                // records without an app
}

// truth is all that the log says.
type truth struct {
	w      *World
	months map[events.Month]*month
	past   map[spot]bool // records that are over a limit

	timeless map[spot]bool // events without any time
}

// spot is where a record lies.
type spot struct {
	partition events.Partition
	offset    events.Offset
}

// line is a seal or a closed record as far as it matters here.
type line struct {
	Type string `json:"type"`
	Data struct {
		Month     string           `json:"month"`
		Partition events.Partition `json:"partition"`
		SealID    string           `json:"seal_id"`
		Previous  *struct {
			Month      string             `json:"month"`
			Partitions []events.Partition `json:"partitions"`
		} `json:"previous"`
		Apps  int               `json:"apps"`
		Usage map[string]string `json:"usage"`
	} `json:"data"`
}

// tell reads the log as it lies there.
func (w *World) tell(closings map[events.Month]begun) *truth {
	t := &truth{w: w, months: map[events.Month]*month{}, past: map[spot]bool{}, timeless: map[spot]bool{}}
	for _, p := range w.log.partitions {
		t.partition(p, closings)
	}
	return t
}

type windows map[string]*window

func (ws windows) of(app string) *window {
	x := ws[app]
	if x == nil {
		x = &window{facts: facts{}, totals: map[total]standing{}}
		ws[app] = x
	}
	return x
}

// reading of one partition.
type walk struct {
	t         *truth
	id        events.Partition
	sealed    events.Month
	open      map[events.Month]windows
	late      windows
	stretches map[string]stretch
}

func (t *truth) partition(p *partition, closings map[events.Month]begun) {
	x := &walk{t: t, id: p.id, open: map[events.Month]windows{}, late: windows{}, stretches: map[string]stretch{}}
	for _, batches := range [][]*batch{p.old, p.batches} {
		for _, b := range batches {
			if b.aborted || b.next > p.stable() {
				continue
			}
			for i := range b.records {
				if b.made != nil {
					x.count(b.made[i], b.records[i].Offset)
				} else {
					x.control(b.says, b.records[i].Offset, closings)
				}
			}
		}
	}
}

// stamped says whether the record's timestamp is one: before the year 2000 it is none.
func (m *made) stamped() bool { return m.stamp >= 946684800000 }

// effective is the time that counts; ok: there is one.
func (m *made) effective() (at int64, skewed, ok bool) {
	switch {
	case m.at == 0:
		return m.stamp, false, m.stamped()
	case m.at < 946684800000 || m.stamped() && m.at > m.stamp+600_000:
		return m.stamp, true, m.stamped()
	}
	return m.at, false, true
}

// monthOf is the month that an instant lies in.
func (w *World) monthOf(ms int64) events.Month {
	t := time.UnixMilli(ms).In(w.zone)
	return events.MonthOf(t.Year(), t.Month())
}

func (w *World) dayOf(ms int64) int { return time.UnixMilli(ms).In(w.zone).Day() }

func (x *walk) count(m *made, offset events.Offset) {
	w := x.t.w
	switch m.verdict {
	case tombstone:
		return
	case unknown:
		if f, _, _, _ := w.fate(m, x.sealed); f == countable { // else that is what becomes of it
			s := x.stretches[m.app]
			s.unknown++
			x.stretches[m.app] = s
			return
		}
	case rejected:
		s := x.stretches[m.app]
		s.rejected++
		x.stretches[m.app] = s
		return
	}
	f, at, skewed, month := w.fate(m, x.sealed)
	if f != countable {
		x.uncounted(m, f, offset)
		return
	}
	if w.limited && w.limits.bytes > 0 && m.size > w.limits.bytes {
		x.past(m, offset, false)
		return
	}
	if month < x.sealed {
		s := x.stretches[m.app]
		s.expired++
		x.stretches[m.app] = s
		return
	}
	in := x.late
	if month != x.sealed {
		if in = x.open[month]; in == nil {
			in = windows{}
			x.open[month] = in
		}
	}
	if w.limited && w.past(in, m) {
		x.past(m, offset, true)
		return
	}
	a := in.of(m.app)
	if m.verdict == reported {
		report(a.totals, total{m.meter, m.source, m.day}, standing{m.revision, m.value})
		return
	}
	a.events++
	if skewed {
		a.skewed++
	}
	a.facts.add(m.who, m.kind, w.dayOf(at))
}

// uncounted counts an event whose times have it counted in no month.
func (x *walk) uncounted(m *made, f fate, offset events.Offset) {
	s := x.stretches[m.app]
	switch f {
	case beforeBooks:
		s.before++
	case farOff:
		x.t.past[spot{x.id, offset}] = true
		s.rejected++
	default:
		x.t.timeless[spot{x.id, offset}] = true
		s.rejected++
	}
	x.stretches[m.app] = s
}

// past counts a record that is over a limit; full: it found no room.
func (x *walk) past(m *made, offset events.Offset, full bool) {
	x.t.past[spot{x.id, offset}] = true
	s := x.stretches[m.app]
	s.rejected++
	if full {
		s.past++
	}
	x.stretches[m.app] = s
}

func report(to map[total]standing, at total, s standing) {
	if have, ok := to[at]; !ok || s.revision > have.revision || s.revision == have.revision && s.value > have.value {
		to[at] = s
	}
}

func (x *walk) control(s *line, offset events.Offset, closings map[events.Month]begun) {
	if s.Type != "headcount.seal" {
		return
	}
	m, _ := events.ParseMonth(s.Data.Month)
	if m <= x.sealed || s.Data.Partition != x.id || closings[m].seal == "" || s.Data.SealID != closings[m].seal {
		return
	}
	r := x.t.month(m)
	r.offsets[x.id] = offset
	for app, v := range x.open[m] {
		r.app(app).add(v)
	}
	x.dropped(r, m, s)
	for app, s := range x.stretches {
		if app == "" {
			r.lost += s.rejected
			continue
		}
		a := r.app(app)
		a.expired += s.expired
		a.rejected += s.rejected
		a.past += s.past
		a.before += s.before
		a.unknown += s.unknown
	}
	if s.Data.Previous != nil {
		before, _ := events.ParseMonth(s.Data.Previous.Month)
		late := x.late
		if x.sealed != before { // it was not in that closing
			late = x.open[before]
		}
		for app, v := range late {
			x.t.month(before).app(app).addLate(v)
		}
	}
	for open := range x.open {
		if open <= m {
			delete(x.open, open)
		}
	}
	x.sealed, x.late, x.stretches = m, windows{}, map[string]stretch{}
}

// dropped tells of the events of months that a seal ends and nobody bills: older than the first month that is closed, or finished before this
// partition was sealed.
func (x *walk) dropped(r *month, m events.Month, s *line) {
	first := m
	if s.Data.Previous != nil {
		first, _ = events.ParseMonth(s.Data.Previous.Month)
	}
	for old, in := range x.open {
		if old >= first {
			continue
		}
		for app, v := range in {
			if v.events == 0 {
				continue
			}
			if a := r.app(app); s.Data.Previous == nil {
				a.before += v.events
			} else {
				a.expired += v.events
			}
		}
	}
}

func (t *truth) month(m events.Month) *month {
	r := t.months[m]
	if r == nil {
		r = &month{apps: map[string]*appMonth{}, offsets: map[events.Partition]events.Offset{}}
		t.months[m] = r
	}
	return r
}

// records are all that rejected ones are a share of.
func (m *month) records() int {
	n := m.lost
	for _, a := range m.apps {
		n += a.events + a.expired + a.rejected
	}
	return n
}

func (m *month) app(name string) *appMonth {
	a := m.apps[name]
	if a == nil {
		a = &appMonth{window: window{facts: facts{}, totals: map[total]standing{}}, late: facts{}, lateTotals: map[total]standing{}}
		m.apps[name] = a
	}
	return a
}

func (a *appMonth) add(v *window) {
	a.events += v.events
	a.skewed += v.skewed
	a.facts.addAll(v.facts)
	for at, s := range v.totals {
		report(a.totals, at, s)
	}
}

func (a *appMonth) addLate(v *window) {
	a.late.addAll(v.facts)
	for at, s := range v.totals {
		report(a.lateTotals, at, s)
	}
}

// begun is what the ledger keeps of a closing.
type begun struct {
	seal string // id
	mau  int64  // what a device costs by the accounts that the closing took, whatever was changed since: cents
}

// closings asks the ledger for its closings.
func (w *World) closings() map[events.Month]begun {
	all := map[events.Month]begun{}
	l, err := w.books.open()
	if err != nil {
		return all
	}
	for _, m := range w.months {
		c, err := l.Closing(context.Background(), m)
		if err != nil {
			continue
		}
		_, text, _ := strings.Cut(string(c.Accounts), `mau.unit_price: "0.`)
		cents, err := strconv.Atoi(text[:min(2, len(text))])
		if err != nil {
			w.fail("contract of %s: %v in %s", m, err, c.Accounts)
		}
		all[m] = begun{c.SealID, int64(cents)}
	}
	return all
}
