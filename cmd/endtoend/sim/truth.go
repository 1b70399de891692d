package sim

import (
	"context"
	"crypto/aes"
	"crypto/sha256"
	"encoding/hex"
	"time"
	_ "time/tzdata" // another copy than the product's

	"github.com/go-json-experiment/json"

	"headcount/events"
)

// fact is what remains of an event.
type fact struct {
	who  string
	kind int
	day  int
}

type total struct {
	meter, source string
	day           int
}

type standing struct{ revision, value int64 }

// window is what one partition knows of an app in a month.
type window struct {
	events, duplicates, skewed int
	facts                      map[fact]bool
	totals                     map[total]standing
}

// stretch is what is of no month.
type stretch struct{ expired, rejected int }

// appMonth is what all partitions know of an app in a month.
type appMonth struct {
	window
	stretch
	late       map[fact]bool
	lateTotals map[total]standing
}

// month is what is known of a month once it is closed.
type month struct {
	apps    map[string]*appMonth
	offsets map[int32]int64 // of the seals
	lost    int             // records without an app
}

// truth is all that the log says.
type truth struct {
	w      *World
	months map[events.Month]*month
}

// line is a seal or a closed record as far as it matters here.
type line struct {
	Type string
	Data struct {
		Month     string
		Partition int32
		SealID    string `json:"seal_id"`
		Previous  *struct {
			Month      string
			Partitions []int32
		}
		Apps  int
		Usage map[string]string
	}
}

// decode reads JSON whose members are named as the fields are, but for the case of letters.
func decode(text []byte, into any) error {
	return json.Unmarshal(text, into, json.MatchCaseInsensitiveNames(true))
}

// tell reads the log as it lies there. seals are the ids of the closings.
func (w *World) tell(seals map[events.Month]string) *truth {
	t := &truth{w: w, months: map[events.Month]*month{}}
	for _, p := range w.log.partitions {
		t.partition(p, seals)
	}
	return t
}

type windows map[string]*window

func (ws windows) of(app string) *window {
	x := ws[app]
	if x == nil {
		x = &window{facts: map[fact]bool{}, totals: map[total]standing{}}
		ws[app] = x
	}
	return x
}

// reading of one partition.
type walk struct {
	t         *truth
	id        int32
	sealed    events.Month
	open      map[events.Month]windows
	late      windows
	stretches map[string]stretch
}

func (t *truth) partition(p *partition, seals map[events.Month]string) {
	x := &walk{t: t, id: p.id, open: map[events.Month]windows{}, late: windows{}, stretches: map[string]stretch{}}
	for _, batches := range [][]*batch{p.old, p.batches} {
		for _, b := range batches {
			if b.aborted || b.next > p.stable() {
				continue
			}
			for i := range b.records {
				if b.made != nil {
					x.count(b.made[i])
				} else {
					x.control(b.says, b.records[i].Offset, seals)
				}
			}
		}
	}
}

// effective is the time that counts.
func (m *made) effective() (at int64, skewed bool) {
	switch {
	case m.at == 0:
		return m.stamp, false
	case m.at < 946684800000 || m.at > m.stamp+600_000:
		return m.stamp, true
	}
	return m.at, false
}

// monthOf is the month that an instant lies in.
func (w *World) monthOf(ms int64) events.Month {
	t := time.UnixMilli(ms).In(w.zone)
	return events.MonthOf(t.Year(), t.Month())
}

func (w *World) dayOf(ms int64) int { return time.UnixMilli(ms).In(w.zone).Day() }

func (x *walk) count(m *made) {
	w := x.t.w
	switch m.verdict {
	case tombstone, unknown:
		return
	case rejected:
		s := x.stretches[m.app]
		s.rejected++
		x.stretches[m.app] = s
		return
	}
	at, skewed := m.effective()
	local := time.UnixMilli(at).In(w.zone)
	month := events.MonthOf(local.Year(), local.Month())
	if m.verdict == reported {
		month, _ = events.ParseMonth(m.month)
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
	a := in.of(m.app)
	if m.verdict == reported {
		report(a.totals, total{m.meter, m.source, m.day}, standing{m.revision, m.value})
		return
	}
	a.events++
	if skewed {
		a.skewed++
	}
	f := fact{m.who, m.kind, local.Day()}
	if a.facts[f] {
		a.duplicates++
	}
	a.facts[f] = true
}

func report(to map[total]standing, at total, s standing) {
	if have, ok := to[at]; !ok || s.revision > have.revision || s.revision == have.revision && s.value > have.value {
		to[at] = s
	}
}

func (x *walk) control(s *line, offset int64, seals map[events.Month]string) {
	if s.Type != "headcount.seal" {
		return
	}
	m, _ := events.ParseMonth(s.Data.Month)
	if m <= x.sealed || s.Data.Partition != x.id || seals[m] == "" || s.Data.SealID != seals[m] {
		return
	}
	r := x.t.month(m)
	r.offsets[x.id] = offset
	for app, v := range x.open[m] {
		r.app(app).add(v)
	}
	for app, s := range x.stretches {
		if app == "" {
			r.lost += s.rejected
			continue
		}
		a := r.app(app)
		a.expired += s.expired
		a.rejected += s.rejected
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

func (t *truth) month(m events.Month) *month {
	r := t.months[m]
	if r == nil {
		r = &month{apps: map[string]*appMonth{}, offsets: map[int32]int64{}}
		t.months[m] = r
	}
	return r
}

func (m *month) app(name string) *appMonth {
	a := m.apps[name]
	if a == nil {
		a = &appMonth{window: window{facts: map[fact]bool{}, totals: map[total]standing{}}, late: map[fact]bool{}, lateTotals: map[total]standing{}}
		m.apps[name] = a
	}
	return a
}

func (a *appMonth) add(v *window) {
	a.events += v.events
	a.duplicates += v.duplicates
	a.skewed += v.skewed
	for f := range v.facts {
		a.facts[f] = true
	}
	for at, s := range v.totals {
		report(a.totals, at, s)
	}
}

func (a *appMonth) addLate(v *window) {
	for f := range v.facts {
		a.late[f] = true
	}
	for at, s := range v.totals {
		report(a.lateTotals, at, s)
	}
}

// print is the fingerprint of a device or user.
func (w *World) print(who string, user bool) (f [16]byte) {
	var in [16]byte
	if raw, err := hex.DecodeString(who); err == nil && len(raw) == 16 && !user {
		in = [16]byte(raw)
	} else {
		population := "device\x00"
		if user {
			population = "user\x00"
		}
		sum := sha256.Sum256([]byte(population + who))
		in = [16]byte(sum[:16])
	}
	block.Encrypt(f[:], in[:])
	for i := range f {
		f[i] ^= in[i]
	}
	return f
}

var block, _ = aes.NewCipher(rawKey[:])

// sealIDs asks the ledger for its closings.
func (w *World) sealIDs() map[events.Month]string {
	seals := map[events.Month]string{}
	l, err := w.books.open()
	if err != nil {
		return seals
	}
	for _, m := range w.months {
		if c, err := l.Closing(context.Background(), m.String()); err == nil {
			seals[m] = c.SealID
		}
	}
	return seals
}
