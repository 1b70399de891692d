package checkpoint

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"headcount/counter"
	"headcount/events"
	"headcount/events/identity"
)

// model is a naive shard: what deltas say, put together.
type model struct {
	Windows  map[counter.WindowID]*modelWindow
	Position counter.Position
	State    counter.State
}

type modelWindow struct {
	Fingerprints []identity.Fingerprint
	Facts        map[counter.Fact]bool
	Registers    map[[2]int]uint8
	Counters     counter.Counters
	Totals       map[totalKey]counter.Total
}

func newModel() *model { return &model{Windows: map[counter.WindowID]*modelWindow{}} }

func (m *model) Absorb(d *counter.Delta) error {
	if err := checkWindows(d.Windows); err != nil {
		return err
	}
	for _, w := range d.Windows {
		if !alive(w.WindowID, d.State.Sealed) {
			return fmt.Errorf("window %+v is not alive", w.WindowID)
		}
		to := m.Windows[w.WindowID]
		if to == nil {
			to = &modelWindow{Facts: map[counter.Fact]bool{}, Registers: map[[2]int]uint8{}, Totals: map[totalKey]counter.Total{}}
			m.Windows[w.WindowID] = to
		}
		if len(w.Fingerprints) > 0 && int(w.First) != len(to.Fingerprints) {
			return fmt.Errorf("window %+v: first ordinal %d, want %d", w.WindowID, w.First, len(to.Fingerprints))
		}
		to.Fingerprints = append(to.Fingerprints, w.Fingerprints...)
		for _, f := range w.Facts {
			if int(f.Ordinal) >= len(to.Fingerprints) {
				return fmt.Errorf("window %+v: ordinal %d of %d", w.WindowID, f.Ordinal, len(to.Fingerprints))
			}
			to.Facts[f] = true
		}
		for _, r := range w.Registers {
			at := [2]int{int(r.Kind), int(r.Index)}
			to.Registers[at] = max(to.Registers[at], r.Value)
		}
		if w.Counters.Events < to.Counters.Events {
			return fmt.Errorf("window %+v: counters fall", w.WindowID)
		}
		to.Counters = w.Counters
		for _, t := range w.Totals {
			to.Totals[totalKey{t.Meter, t.Source, t.Day}] = t
		}
	}
	maps.DeleteFunc(m.Windows, func(id counter.WindowID, _ *modelWindow) bool { return !alive(id, d.State.Sealed) })
	m.Position, m.State = d.Position, d.State
	return nil
}

func (m *model) Ready() error { return nil }

// sealOf is the hash of the seal by which scripts seal a month.
func sealOf(m events.Month) string { return "seal of " + m.String() }

// script makes a shard's deltas, as random as they come.
type script struct {
	r      *rand.Rand
	truth  *model
	month  events.Month // being counted
	offset events.Offset
	state  counter.State
	apps   []string
	print  uint64
	most   int // new devices in a window of one delta
}

func newScript(seed uint64) *script {
	return &script{
		r: rand.New(rand.NewPCG(seed, 1)), truth: newModel(), month: events.MonthOf(2026, 9), most: 30,
		apps: []string{"app-001", "app-002", "ä", "z", "not\xffutf8"},
	}
}

// next makes a delta, and has truth absorb it.
func (s *script) next(t testing.TB) *counter.Delta {
	t.Helper()
	r := s.r
	n := r.Uint64N(1000)
	s.offset += events.Offset(n)
	s.state.Records += n
	s.state.Unknown += r.Uint64N(2)
	d := &counter.Delta{Partition: shardID.Partition, Position: counter.Position{Next: s.offset, BatchOffset: s.offset - 1, BatchCRC: r.Uint32(), LeaderEpoch: r.Int32N(3) - 1}}
	if r.IntN(12) == 0 {
		s.state.Sealed = s.month
		s.state.SealHash = sealOf(s.month)
		s.state.Apps = nil
		d.Dropped = []events.Month{s.month - 1, s.month}
		s.month++
	}
	if r.IntN(3) == 0 {
		s.state.Apps = maps.Clone(s.state.Apps)
		if s.state.Apps == nil {
			s.state.Apps = map[string]counter.Stretch{}
		}
		s.state.Apps[s.apps[r.IntN(len(s.apps))]] = counter.Stretch{Rejected: r.Uint64N(100) + 1}
	}
	if r.IntN(20) == 0 {
		s.state.Gaps = append(slices.Clone(s.state.Gaps), counter.Gap{From: 1, To: s.offset, Reason: "because \x00\xfe"})
	}
	d.State = s.state
	ids := []counter.WindowID{}
	for m := s.month - 1; m <= s.month+1; m++ {
		for _, app := range s.apps {
			if r.IntN(3) == 0 {
				ids = append(ids, counter.WindowID{Month: m, Late: m <= s.state.Sealed, App: app})
			}
		}
	}
	ids = slices.DeleteFunc(ids, func(id counter.WindowID) bool { return !alive(id, s.state.Sealed) })
	slices.SortFunc(ids, compareWindows)
	for _, id := range ids {
		d.Windows = append(d.Windows, s.window(id))
	}
	if err := s.truth.Absorb(d); err != nil {
		t.Fatalf("the script is wrong: %v", err)
	}
	return d
}

func (s *script) window(id counter.WindowID) counter.WindowDelta {
	r := s.r
	w := counter.WindowDelta{WindowID: id}
	have := s.truth.Windows[id]
	if have == nil {
		have = &modelWindow{}
	}
	w.First = uint32(len(have.Fingerprints))
	for range r.IntN(s.most + 1) {
		s.print++
		var f identity.Fingerprint
		binary.LittleEndian.PutUint64(f[:], s.print)
		binary.LittleEndian.PutUint64(f[8:], r.Uint64())
		w.Fingerprints = append(w.Fingerprints, f)
	}
	if all := len(have.Fingerprints) + len(w.Fingerprints); all > 0 {
		for range r.IntN(2*s.most + 1) {
			w.Facts = append(w.Facts, counter.Fact{Ordinal: r.Uint32N(uint32(all)), Day: events.Day(1 + r.IntN(31)), Kind: events.Kind(r.IntN(events.MaxKinds))})
		}
		if r.IntN(2) == 0 { // dense: all on one day
			for o := range all {
				w.Facts = append(w.Facts, counter.Fact{Ordinal: uint32(o), Day: 3, Kind: events.Search})
			}
		}
		r.Shuffle(len(w.Facts), func(i, j int) { w.Facts[i], w.Facts[j] = w.Facts[j], w.Facts[i] })
	}
	for range r.IntN(s.most + 1) {
		w.Registers = append(w.Registers, counter.Register{Kind: events.Kind(r.IntN(events.MaxKinds)), Index: uint16(r.Uint32()), Value: uint8(1 + r.IntN(63))})
	}
	w.Counters = have.Counters
	w.Counters.Events += r.Uint64N(100)
	w.Counters.Duplicates += r.Uint64N(100)
	w.Counters.Skewed += r.Uint64N(2)
	for range r.IntN(3) {
		w.Totals = append(w.Totals, counter.Total{Quantity: events.Quantity{
			Meter: []string{"storage", "calls"}[r.IntN(2)], Source: fmt.Sprint(r.IntN(3)),
			Day: events.Day(r.IntN(32)), Revision: r.Int64N(9) - 4, Value: r.Int64(),
		}})
	}
	slices.SortFunc(w.Totals, compareTotals)
	w.Totals = slices.CompactFunc(w.Totals, func(a, b counter.Total) bool { return compareTotals(a, b) == 0 })
	return w
}

// diff says where two models differ; empty: nowhere.
func (m *model) diff(want *model) string {
	if m.Position != want.Position {
		return fmt.Sprintf("position %+v, want %+v", m.Position, want.Position)
	}
	if !reflect.DeepEqual(m.State, want.State) {
		return fmt.Sprintf("state %+v, want %+v", m.State, want.State)
	}
	ids := map[counter.WindowID]bool{}
	for id := range m.Windows {
		ids[id] = true
	}
	for id := range want.Windows {
		ids[id] = true
	}
	for id := range ids {
		if a, b := m.Windows[id], want.Windows[id]; !reflect.DeepEqual(a, b) {
			if a == nil || b == nil {
				return fmt.Sprintf("window %+v: there: %v, want %v", id, a != nil, b != nil)
			}
			return fmt.Sprintf("window %+v: %d fingerprints, %d facts, %d registers, %+v, %+v, want %d, %d, %d, %+v, %+v", id,
				len(a.Fingerprints), len(a.Facts), len(a.Registers), a.Counters, a.Totals,
				len(b.Fingerprints), len(b.Facts), len(b.Registers), b.Counters, b.Totals)
		}
	}
	return ""
}

// clone copies a model, so that it stays as it is.
func (m *model) clone() *model {
	c := &model{Windows: map[counter.WindowID]*modelWindow{}, Position: m.Position, State: m.State}
	for id, w := range m.Windows {
		c.Windows[id] = &modelWindow{
			Fingerprints: slices.Clone(w.Fingerprints), Facts: maps.Clone(w.Facts), Registers: maps.Clone(w.Registers),
			Counters: w.Counters, Totals: maps.Clone(w.Totals),
		}
	}
	return c
}
