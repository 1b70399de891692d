package counter

import (
	"errors"
	"fmt"
	"math/bits"

	"headcount/events"
	"headcount/events/identity"
)

// tally counts one app's united rows.
type tally struct {
	app       *AppUnion
	precision int
	sets      []setTally
	active    dayTally
	users     dayTally
	totals    quantities
	late      quantities
	digest    digest

	kinds     events.KindSet // with registers
	salt      identity.Salt  // of all of them
	registers [events.MaxKinds][]uint8
	scratch   []uint8
}

type setTally struct {
	SetCount
	byDay dayTally
}

func (t *tally) begin(cfg UnionConfig, app string) {
	t.app = &AppUnion{App: app}
	t.precision = cfg.Precision
	t.sets = t.sets[:0]
	for _, kinds := range cfg.setsOf(app) {
		t.sets = append(t.sets, setTally{SetCount: SetCount{Kinds: kinds}})
	}
	t.active, t.users = dayTally{}, dayTally{}
	t.totals, t.late = nil, nil
	t.kinds = 0
	t.digest.begin(cfg.Month, app)
	if cfg.Text != nil {
		t.digest.copy = cfg.Text(app)
	}
}

func (t *tally) addHeader(h *AppHeader, late bool) error {
	if late {
		t.late.takeAll(h.Totals)
		return nil
	}
	t.app.Counters = t.app.Counters.plus(h.Counters)
	t.app.Stretch = t.app.Stretch.Plus(h.Stretch)
	t.totals.takeAll(h.Totals)
	for k, registers := range h.Registers {
		if registers == nil {
			continue
		}
		if len(registers) != 1<<t.precision {
			return fmt.Errorf("kind %d has %d registers, precision %d has %d", k, len(registers), t.precision, 1<<t.precision)
		}
		if err := ValidRegisters(registers); err != nil {
			return fmt.Errorf("kind %d: %w", k, err)
		}
		if t.kinds == 0 {
			t.salt = h.Salt
		} else if t.salt != h.Salt {
			return errors.New("its sketches have another salt than those of the partitions before: they were made with another key, and cannot be merged")
		}
		if kind := events.Kind(k); !t.kinds.Has(kind) {
			t.kinds = t.kinds.With(kind)
			t.registers[k] = append(t.registers[k][:0], registers...)
		} else {
			mergeRegisters(t.registers[k], registers)
		}
	}
	return nil
}

// addOnTime counts a device that was on time.
func (t *tally) addOnTime(r *Row) {
	a := t.app
	t.digest.row(r)
	var devices uint32
	for k := uint16(r.Kinds); k != 0; k &= k - 1 {
		kind := bits.TrailingZeros16(k) % events.MaxKinds
		a.Kinds[kind].Exact++
		a.Facts += uint64(bits.OnesCount32(r.Days[kind]))
		if events.Kind(kind) != events.Login {
			devices |= r.Days[kind]
		}
	}
	if r.Kinds.Has(events.Login) {
		t.users.add(r.Days[events.Login])
	}
	if devices != 0 {
		a.Devices++
		a.New[bits.TrailingZeros32(devices)%32]++
		t.active.add(devices)
	}
	for i := range t.sets {
		s := &t.sets[i]
		both := r.Kinds & s.Kinds
		if both == 0 {
			continue
		}
		days := devices
		if both != r.Kinds.Devices() {
			days = 0
			for k := uint16(both); k != 0; k &= k - 1 {
				days |= r.Days[bits.TrailingZeros16(k)%events.MaxKinds]
			}
		}
		s.Exact++
		s.NewByDay[bits.TrailingZeros32(days)%32]++
		s.byDay.add(days)
	}
}

// addLate counts a device that is late, and what of it was on time.
func (t *tally) addLate(onTime, late *Row) {
	a := t.app
	for k := uint16(late.Kinds &^ onTime.Kinds); k != 0; k &= k - 1 {
		a.LateByKind[bits.TrailingZeros16(k)%events.MaxKinds]++
	}
	if late.Kinds.Devices() != 0 && onTime.Kinds.Devices() == 0 {
		a.LateDevices++
	}
	for i := range t.sets {
		s := &t.sets[i]
		if late.Kinds&s.Kinds != 0 && onTime.Kinds&s.Kinds == 0 {
			s.LateNew++
		}
	}
}

func (t *tally) finish() *AppUnion {
	a := t.app
	a.Active, a.Users = t.active.counts(), t.users.counts()
	for k := range events.Kind(events.MaxKinds) {
		if t.kinds.Has(k) {
			a.Kinds[k].Estimate = Estimate(t.registers[k])
		}
	}
	for i := range t.sets {
		s := &t.sets[i]
		s.ByDay = s.byDay.counts()
		s.Estimate = t.estimate(s.Kinds)
		a.Sets = append(a.Sets, s.SetCount)
	}
	a.Totals, a.LateTotals = t.totals.totals(), t.late.totals()
	a.Digest = t.digest.end(a.Totals)
	return a
}

// estimate returns the estimate of the union of kinds.
func (t *tally) estimate(kinds events.KindSet) uint64 {
	kinds &= t.kinds
	if kinds == 0 {
		return 0
	}
	first := bits.TrailingZeros16(uint16(kinds))
	if kinds == 1<<first {
		return t.app.Kinds[first].Estimate
	}
	t.scratch = append(t.scratch[:0], t.registers[first]...)
	for k := uint16(kinds) &^ (1 << first); k != 0; k &= k - 1 {
		mergeRegisters(t.scratch, t.registers[bits.TrailingZeros16(k)])
	}
	return Estimate(t.scratch)
}

// dayTally counts sets of days, 8 days to a word: a byte each, emptied before it can run over.
type dayTally struct {
	lanes [4]uint64
	n     int
	sums  [32]uint64
}

// spread maps 8 bits to 8 bytes.
var spread = func() (table [256]uint64) {
	for i := range table {
		for bit := range 8 {
			table[i] |= uint64(i>>bit&1) << (8 * bit)
		}
	}
	return table
}()

func (d *dayTally) add(days uint32) {
	if d.n == 255 {
		d.flush()
	}
	d.n++
	d.lanes[0] += spread[uint8(days)]
	d.lanes[1] += spread[uint8(days>>8)]
	d.lanes[2] += spread[uint8(days>>16)]
	d.lanes[3] += spread[uint8(days>>24)]
}

func (d *dayTally) flush() {
	for i := range d.sums {
		d.sums[i] += uint64(uint8(d.lanes[i/8] >> (8 * (i % 8))))
	}
	d.lanes, d.n = [4]uint64{}, 0
}

func (d *dayTally) counts() [32]uint64 {
	d.flush()
	return d.sums
}
