package recount

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"maps"
	"math/big"
	"math/bits"
	"slices"

	"github.com/axiomhq/hyperloglog"

	"headcount/verify/chain"
)

// App is what was counted of an app, over all partitions. Days are from 1.
type App struct {
	Counters
	Stretch Stretch
	Unbilled
	Repeats   uint64 // duplicates: events that are no new facts of all partitions
	facts     uint64
	Active    [32]uint64
	Fresh     [32]uint64 // devices whose first day it is
	Users     [32]uint64
	Sets      map[uint16]*SetCount // by the kinds that a meter counts
	Totals    map[Quantity]Standing
	LateNew   uint64 // devices of the month before that came late only
	LateUsers uint64 // users likewise
	Digest    string // of facts and quantities
	Listed    bool   // it has numbers of the month itself

	kinds     [16]uint64
	registers map[int][]byte
	hash      hash.Hash
}

// SetCount counts the devices that did any of some kinds.
type SetCount struct {
	Exact uint64
	Days  [32]uint64
	Fresh [32]uint64 // whose first day it is
}

func newApp() *App {
	return &App{registers: map[int][]byte{}, Sets: map[uint16]*SetCount{}, Totals: totals{}}
}

// Exact is how many did a kind.
func (a *App) Exact(kind int) uint64 { return a.kinds[kind] }

// count counts a device of the month by the days on which it did each kind; the salt is that of the app's sketches.
func (a *App) count(rules *Rules, s salt, sets []uint16, who print, days *[16]uint32) {
	for k, d := range days {
		if d == 0 {
			continue
		}
		a.kinds[k]++
		sketch(a.registers, k, s.hash(who), rules.Precision)
		if rules.Kinds[k] == "login" {
			each(d, func(day int) { a.Users[day]++ })
		}
	}
	if d := devicesOf(rules, days); d != 0 {
		a.Fresh[bits.TrailingZeros32(d)]++
		each(d, func(day int) { a.Active[day]++ })
	}
	a.countSets(sets, days)
}

// countSets counts a device for every set of kinds.
func (a *App) countSets(sets []uint16, days *[16]uint32) {
	for _, set := range sets {
		did := uint32(0)
		for k, d := range days {
			if set>>k&1 == 1 {
				did |= d
			}
		}
		if did == 0 {
			continue
		}
		c := a.Sets[set]
		if c == nil {
			c = &SetCount{}
			a.Sets[set] = c
		}
		c.Exact++
		c.Fresh[bits.TrailingZeros32(did)]++
		each(did, func(day int) { c.Days[day]++ })
	}
}

// devicesOf returns the days on which a device did any kind but login.
func devicesOf(rules *Rules, days *[16]uint32) (all uint32) {
	for k, d := range days {
		if k < len(rules.Kinds) && rules.Kinds[k] != "login" {
			all |= d
		}
	}
	return all
}

func each(days uint32, do func(day int)) {
	for day := range 32 {
		if days>>day&1 == 1 {
			do(day)
		}
	}
}

// Value returns a meter's value of the month, and of its days; set is the kinds that it counts.
func (a *App) Value(meter, aggregate string, set uint16) (exact uint64, days [32]uint64) {
	c := a.Sets[set]
	if c == nil {
		c = &SetCount{}
	}
	switch aggregate {
	case "unique":
		return c.Exact, c.Fresh
	case "peak_daily":
		return slices.Max(c.Days[:]), c.Days
	}
	for _, s := range a.sources(meter) {
		if aggregate == "gauge" {
			for day, v := range s.values {
				exact, days[day] = max(exact, uint64(v)), max(days[day], uint64(v))
			}
			continue
		}
		var byDay uint64
		for day := 1; day < len(s.values); day++ {
			byDay = capped(byDay, s.values[day])
		}
		if byDay < uint64(s.values[0]) { // of two accounts of the same, the higher
			exact = capped(exact, s.values[0])
			continue
		}
		exact = capped(exact, int64(byDay))
		for day := 1; day < len(s.values); day++ {
			days[day] = capped(days[day], s.values[day])
		}
	}
	days[0] = 0
	return exact, days
}

// sourceTotals is what stands of a source: of the month at 0, and of days.
type sourceTotals struct {
	values         [32]int64
	ofMonth, ofDay bool // it has reported
}

func (a *App) sources(meter string) map[string]*sourceTotals {
	all := map[string]*sourceTotals{}
	for q, t := range a.Totals {
		if q.Meter != meter {
			continue
		}
		s := all[q.Source]
		if s == nil {
			s = &sourceTotals{}
			all[q.Source] = s
		}
		s.values[q.Day] = t.Value
		s.ofMonth, s.ofDay = s.ofMonth || q.Day == 0, s.ofDay || q.Day > 0
	}
	return all
}

// Doubtful says why what was reported of a counter or gauge may not be billed unseen, whatever it was before; empty: it may.
func (a *App) Doubtful(meter, aggregate string) string {
	sum := new(big.Int)
	for name, s := range a.sources(meter) {
		if s.ofMonth && s.ofDay {
			return name + " reported the month as well as days"
		}
		for _, v := range s.values {
			sum.Add(sum, big.NewInt(v))
		}
	}
	if aggregate == "counter" && !sum.IsInt64() {
		return "the sum is beyond what a bill holds"
	}
	return ""
}

// Correct returns the app with other quantities than were reported, as an amendment says: one of the month in the place of all of its source,
// one of a day in the place of that day's and of a total of the month. The app stays as it is; nil is one that has nothing.
func (a *App) Correct(all []chain.Quantity) *App {
	fixed := App{}
	if a != nil {
		fixed = *a
	}
	fixed.Totals = maps.Clone(fixed.Totals)
	if fixed.Totals == nil {
		fixed.Totals = totals{}
	}
	for _, c := range all {
		maps.DeleteFunc(fixed.Totals, func(q Quantity, _ Standing) bool {
			return q.Meter == c.Meter && q.Source == c.Source && (c.Day == 0 || q.Day == 0 || q.Day == c.Day)
		})
		fixed.Totals[Quantity{c.Meter, c.Source, c.Day}] = Standing{Value: c.Value}
	}
	return &fixed
}

// capped adds, up to the highest number that a bill holds.
func capped(a uint64, b int64) uint64 { return min(a+uint64(b), 1<<63-1) }

// digestRow adds a device to the digest: a 1, who, which kinds, and the days of each.
func (a *App) digestRow(month, name string, who print, days *[16]uint32) {
	b := append([]byte{1}, who[:]...)
	set := uint16(0)
	for k, d := range days {
		if d != 0 {
			set |= 1 << k
		}
	}
	b = binary.LittleEndian.AppendUint16(b, set)
	for _, d := range days {
		if d != 0 {
			b = binary.LittleEndian.AppendUint32(b, d)
		}
	}
	a.begun(month, name).Write(b)
}

// begun returns the digest: what it is of comes first.
func (a *App) begun(month, name string) hash.Hash {
	if a.hash == nil {
		a.hash = sha256.New()
		io.WriteString(a.hash, "headcount usage 1\n"+month)
		a.digestText(name)
	}
	return a.hash
}

func (a *App) digestText(s string) {
	a.hash.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(s))))
	io.WriteString(a.hash, s)
}

// finish adds the quantities, in order: a 0, their number, and each with what stands of it.
func (a *App) finish(month, name string) {
	h := a.begun(month, name)
	order := slices.SortedFunc(maps.Keys(a.Totals), compareQuantities)
	h.Write([]byte{0})
	h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(order))))
	for _, q := range order {
		t := a.Totals[q]
		a.digestText(q.Meter)
		a.digestText(q.Source)
		b := []byte{byte(q.Day)}
		b = binary.LittleEndian.AppendUint64(b, uint64(t.Revision))
		h.Write(binary.LittleEndian.AppendUint64(b, uint64(t.Value)))
	}
	a.Digest = "sha256:" + hex.EncodeToString(h.Sum(nil))
}

func compareQuantities(a, b Quantity) int {
	return cmp.Or(cmp.Compare(a.Meter, b.Meter), cmp.Compare(a.Source, b.Source), a.Day-b.Day)
}

// sketch feeds a kind's registers.
func sketch(registers map[int][]byte, kind int, hash uint64, p int) {
	if registers[kind] == nil {
		registers[kind] = make([]byte, 1<<p)
	}
	raise(registers[kind], hash, p)
}

// raise feeds a sketch: the first p bits name the register, it holds the longest run of zeros after them, plus one.
func raise(registers []byte, hash uint64, p int) {
	at := hash >> (64 - p)
	run := byte(1)
	for bit := 63 - p; bit >= 0 && hash>>bit&1 == 0; bit-- {
		run++
	}
	registers[at] = max(registers[at], run)
}

// Estimate is what the sketches say of how many did any of a set of kinds.
func (a *App) Estimate(set uint16) uint64 {
	var all []byte
	for k, registers := range a.registers {
		if set>>k&1 == 0 {
			continue
		}
		if all == nil {
			all = make([]byte, len(registers))
		}
		for i, r := range registers {
			all[i] = max(all[i], r)
		}
	}
	return estimate(all)
}

// estimate asks the library what registers stand for, in the library's own encoding.
func estimate(registers []byte) uint64 {
	if registers == nil {
		return 0
	}
	p := bits.TrailingZeros(uint(len(registers)))
	b := binary.BigEndian.AppendUint32([]byte{2, byte(p), 0, 0}, uint32(len(registers)))
	var s hyperloglog.Sketch
	if err := s.UnmarshalBinary(append(b, registers...)); err != nil {
		return 0
	}
	return s.Estimate()
}
