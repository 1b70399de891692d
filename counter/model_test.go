package counter

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/axiomhq/hyperloglog"

	"headcount/events"
	"headcount/events/decode"
	"headcount/events/identity"
	"headcount/events/signed"
)

// model is a shard as one would write it without a thought of time and memory: maps, one event at a time, the library's
// sketches.
type model struct {
	id      Identity
	book    *testBook
	decoder *decode.Decoder
	state   State
	windows map[WindowID]*modelWindow
	dead    []DeadLetter
	sealed  []modelSealed
}

type modelWindow struct {
	facts    map[identity.Fingerprint]*Row
	counters Counters
	sketches map[events.Kind]*hyperloglog.Sketch
	totals   map[totalKey]Total
}

type modelSealed struct {
	month        events.Month
	offset       events.Offset
	unattributed Stretch
	remarks      []Remark
	onTime, late []appContent
}

func newModel(book *testBook) *model {
	return &model{
		id: testID, book: book, decoder: decode.NewDecoder(book), state: State{Apps: map[string]Stretch{}},
		windows: map[WindowID]*modelWindow{},
	}
}

func (m *model) count(tb testing.TB, r *events.Record) {
	var e events.Event
	m.decoder.Reset()
	if err := m.decoder.Decode(r, &e); err != nil {
		tb.Fatal(err)
	}
	m.state.Records++
	switch e.Outcome {
	case events.Tombstone:
		m.state.Tombstones++
	case events.Unknown:
		m.state.Unknown++
		name, names := string(e.Type), map[string]bool{}
		for _, r := range m.state.Remarks {
			if r.Cause == Unknown {
				names[r.Name] = true
			}
		}
		if delete(names, OtherTypes); !names[name] && len(names) == MostTypes {
			name = OtherTypes
		}
		m.remark(string(e.App), Unknown, name, 1)
	case events.Control:
		m.control(r, &e)
	case events.Expired:
		m.stretch(string(e.App), Stretch{Expired: 1})
		m.remark(string(e.App), Expired, e.Month.String(), 1)
	case events.BeforeBooks:
		m.stretch(string(e.App), Stretch{BeforeBooks: 1})
		m.remark(string(e.App), BeforeBooks, e.Month.String(), 1)
	case events.Rejected:
		m.reject(r, &e, e.Reason, e.Reason == events.OverLimit && len(e.App) == 0 && !e.FarOff)
	case events.Counted:
		print := m.print(&e)
		if m.full(&e, print) {
			m.reject(r, &e, events.OverLimit, true)
			return
		}
		w := m.window(e.Month, string(e.App))
		if w == nil {
			m.reject(r, &e, events.OverLimit, true)
			return
		}
		w.counters.Events++
		if e.Skewed {
			w.counters.Skewed++
			m.remark(string(e.App), Skewed, e.Clock.String(), 1)
		}
		row := w.facts[print]
		if row == nil {
			row = &Row{Fingerprint: print}
			w.facts[print] = row
		}
		if row.Days[e.Kind]>>e.Day&1 == 1 {
			w.counters.Duplicates++
		}
		row.Days[e.Kind] |= 1 << e.Day
		row.Kinds = row.Kinds.With(e.Kind)
		if w.sketches[e.Kind] == nil {
			w.sketches[e.Kind], _ = hyperloglog.NewSketch(uint8(m.book.months[e.Month].Precision), false)
		}
		w.sketches[e.Kind].InsertHash(m.salt(e.Month, string(e.App)).Hash(&print))
	case events.Reported:
		w := m.window(e.Month, string(e.App))
		if w == nil {
			m.reject(r, &e, events.OverLimit, true)
			return
		}
		q := *e.Quantity
		sources, mixed := map[string]bool{q.Source: true}, false
		for k := range w.totals {
			if k.meter == q.Meter {
				sources[k.source] = true
				mixed = mixed || k.source == q.Source && (k.day == 0) != (q.Day == 0)
			}
		}
		if mixed {
			m.reject(r, &e, events.MixedTotals, false)
			return
		}
		if len(sources) > m.book.months[e.Month].Limits.QuantitySources {
			m.reject(r, &e, events.OverLimit, true)
			return
		}
		key := totalKey{q.Meter, q.Source, q.Day}
		old, found := w.totals[key]
		if !found || q.Revision > old.Revision || q.Revision == old.Revision && q.Value > old.Value {
			w.totals[key] = Total{q}
		}
	}
}

// print is the fingerprint of an event's device or user.
func (m *model) print(e *events.Event) identity.Fingerprint {
	rules, err := m.book.MonthRules(e.Month)
	if err != nil {
		return identity.Fingerprint{}
	}
	makes := testKeys.Find(rules.KeyID).App(string(e.App))
	return makes.Fingerprint(&e.ID)
}

func (m *model) salt(month events.Month, app string) *identity.Salt {
	salt := testKeys.Find(m.book.months[month].KeyID).Salt(app, month.String())
	return &salt
}

// full says whether the event is of a device that the limits do not allow any more.
func (m *model) full(e *events.Event, print identity.Fingerprint) bool {
	if _, err := m.book.MonthRules(e.Month); err != nil {
		return false
	}
	id := WindowID{Month: e.Month, Late: e.Month == m.state.Sealed, App: string(e.App)}
	all, mine := 0, 0
	for other, w := range m.windows {
		if other.Month == id.Month && other.Late == id.Late {
			all += len(w.facts)
		}
		if other == id {
			mine = len(w.facts)
			if w.facts[print] != nil {
				return false
			}
		}
	}
	l := m.book.months[e.Month].Limits
	return l.DevicesPerApp > 0 && mine >= l.DevicesPerApp || l.DevicesPerPartition > 0 && all >= l.DevicesPerPartition
}

func (m *model) window(month events.Month, app string) *modelWindow {
	id := WindowID{Month: month, Late: month == m.state.Sealed, App: app}
	if w := m.windows[id]; w != nil {
		return w
	}
	apps := 0
	for other := range m.windows {
		if other.Month == month && other.Late == id.Late {
			apps++
		}
	}
	if _, err := m.book.MonthRules(month); err != nil || apps >= m.book.months[month].Limits.AppsPerPartition {
		return nil
	}
	w := &modelWindow{facts: map[identity.Fingerprint]*Row{}, sketches: map[events.Kind]*hyperloglog.Sketch{}, totals: map[totalKey]Total{}}
	m.windows[id] = w
	return w
}

func (m *model) stretch(app string, add Stretch) {
	if app == "" {
		m.state.Unattributed = m.state.Unattributed.Plus(add)
		return
	}
	m.state.Apps[app] = m.state.Apps[app].Plus(add)
}

// remark adds to a sorted list.
func (m *model) remark(app string, cause Cause, name string, n uint64) {
	r := Remark{App: app, Cause: cause, Name: name}
	i, known := slices.BinarySearchFunc(m.state.Remarks, r, CompareRemarks)
	m.state.Remarks = slices.Clone(m.state.Remarks)
	if !known {
		m.state.Remarks = slices.Insert(m.state.Remarks, i, r)
	}
	m.state.Remarks[i].Records += n
}

func (m *model) reject(r *events.Record, e *events.Event, why events.Reason, past bool) {
	add := Stretch{Rejected: 1}
	if past {
		add.OverLimit = 1
	}
	m.stretch(string(e.App), add)
	m.state.TotalRejected++
	name := string(why)
	if e.FarOff {
		name += fmt.Sprintf(": dated %d", e.Month.Year())
	}
	m.remark(string(e.App), Rejected, name, 1)
	m.dead = append(m.dead, DeadLetter{Offset: r.Offset, Reason: why, App: string(e.App)})
}

func (m *model) control(r *events.Record, e *events.Event) {
	if string(e.Type) != signed.SealType {
		return
	}
	s, signature, err := signed.ParseSeal(r.Value)
	if err != nil || s.Cluster != m.id.Cluster || s.TopicID != m.id.TopicID || s.Partition != m.id.Partition || s.Month < m.state.Sealed {
		m.state.InvalidSeals++
		return
	}
	rules, _ := m.book.MonthRules(s.Month)
	key, _ := rules.PublicKey()
	if signature.Verify(key) != nil || rules.Hash() != s.RulesHash {
		m.state.InvalidSeals++
		return
	}
	if s.Month == m.state.Sealed {
		return
	}
	p := s.Previous
	if p == nil && m.state.Sealed != 0 || p != nil && p.Month != m.state.Sealed && slices.Contains(p.Partitions, m.id.Partition) {
		m.state.InvalidSeals++
		return
	}
	until, cause := s.Month-1, Unopened
	if p != nil {
		until, cause = p.Month-1, Finished
	}
	for id, w := range m.windows {
		if id.Month <= until && !id.Late && w.counters.Events > 0 {
			m.remark(id.App, cause, id.Month.String(), w.counters.Events)
		}
	}
	z := modelSealed{month: s.Month, offset: r.Offset, remarks: m.state.Remarks, unattributed: m.state.Unattributed, onTime: m.content(s.Month, false)}
	if p != nil {
		late := m.content(p.Month, p.Month == m.state.Sealed)
		for i := range late {
			late[i].Stretch, late[i].Registers, late[i].Salt = Stretch{}, [events.MaxKinds][]uint8{}, identity.Salt{}
		}
		z.late = slices.DeleteFunc(late, func(a appContent) bool {
			return m.windows[WindowID{p.Month, p.Month == m.state.Sealed, a.App}] == nil
		})
	}
	m.sealed = append(m.sealed, z)
	for id := range m.windows {
		if id.Month <= s.Month {
			delete(m.windows, id)
		}
	}
	m.state.Sealed, m.state.SealHash = s.Month, s.Hash()
	m.state.Unattributed, m.state.Apps, m.state.Remarks = Stretch{}, map[string]Stretch{}, nil
	m.decoder.SetFloor(s.Month)
}

// content is what a reader of a month's windows must say. Late ones have neither stretch nor sketch.
func (m *model) content(month events.Month, late bool) (apps []appContent) {
	names := map[string]bool{}
	for id := range m.windows {
		if id.Month == month && id.Late == late {
			names[id.App] = true
		}
	}
	if !late {
		for app := range m.state.Apps {
			names[app] = true
		}
	}
	for _, app := range slices.Sorted(maps.Keys(names)) {
		a := appContent{AppHeader: AppHeader{App: app}}
		if !late {
			a.Stretch = m.state.Apps[app]
		}
		if w := m.windows[WindowID{month, late, app}]; w != nil {
			a.Devices, a.Counters = uint64(len(w.facts)), w.counters
			for _, row := range w.facts {
				a.Rows = append(a.Rows, *row)
			}
			for k, s := range w.sketches {
				if !late {
					raw, _ := s.MarshalBinary()
					a.Registers[k], a.Salt = raw[8:], *m.salt(month, app)
				}
			}
			for _, t := range w.totals {
				a.Totals = append(a.Totals, t)
			}
		}
		slices.SortFunc(a.Rows, func(a, b Row) int { return strings.Compare(a.Fingerprint.String(), b.Fingerprint.String()) })
		slices.SortFunc(a.Totals, func(a, b Total) int {
			return cmp.Or(cmp.Compare(a.Meter, b.Meter), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Day, b.Day))
		})
		apps = append(apps, a)
	}
	return apps
}

// sameContent says where two contents differ; empty: nowhere.
func sameContent(got, want []appContent) string {
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) {
			return fmt.Sprintf("%d apps, want %d", len(got), len(want))
		}
		g, w := got[i], want[i]
		if !reflect.DeepEqual(g.AppHeader, w.AppHeader) {
			g.Registers, w.Registers = [events.MaxKinds][]uint8{}, [events.MaxKinds][]uint8{}
			return fmt.Sprintf("app %q: header\n%+v, want\n%+v (registers not shown)", w.App, g.AppHeader, w.AppHeader)
		}
		for j := range w.Rows {
			if g.Rows[j] != w.Rows[j] {
				return fmt.Sprintf("app %q, row %d:\n%+v, want\n%+v", w.App, j, g.Rows[j], w.Rows[j])
			}
		}
	}
	return ""
}
