package counter

import (
	"fmt"
	"io"
	"slices"

	"headcount/events"
)

// UnionConfig says what to count of a month.
type UnionConfig struct {
	Month     events.Month
	Precision int                               // of the month's sketches
	Sets      func(app string) []events.KindSet // what to count for an app besides its kinds; nil: nothing

	// Text, where it is set, is given what an app's digest is the SHA-256 of (digest.go); nil for an app of which it is not wanted.
	Text func(app string) io.Writer
}

// Count is a number by both witnesses.
type Count struct {
	Exact    uint64
	Estimate uint64
}

// SetCount counts who did any kind of a set.
type SetCount struct {
	Kinds    events.KindSet
	Exact    uint64 // on time
	Estimate uint64
	LateNew  uint64     // |on time ∪ late| − |on time|
	NewByDay [32]uint64 // on time, by their first day; index 0 is unused
	ByDay    [32]uint64 // on time, on each day
}

// AppUnion is what the partitions of a month have in common to say of one app. Its numbers are of what was on time unless they
// are called late.
type AppUnion struct {
	App      string
	Devices  uint64 // of any kind but login
	Facts    uint64 // united: of the events, so many are no repeats, in whatever partitions they lie
	Counters Counters
	Stretch  Stretch
	Kinds    [events.MaxKinds]Count
	Sets     []SetCount // as asked for
	Active   [32]uint64 // devices on each day; index 0 is unused
	New      [32]uint64 // devices whose first day it is
	Users    [32]uint64 // of login on each day

	LateDevices uint64                  // devices that were not on time with any kind but login
	LateByKind  [events.MaxKinds]uint64 // who did the kind late, and not on time
	Totals      []Total                 // sorted by meter, source and day
	LateTotals  []Total                 // what late reports alone come to
	Digest      [32]byte                // of the united facts and totals on time (digest.go)
}

// Unite unites a month's partitions: those of onTime, and of late the facts of the same month that lie after its seals. It
// calls yield for each app, in order of apps, and ends with yield's error. It keeps no rows: its memory is that of a few
// sketches and the readers'.
//
// A device that turns up in several partitions is one device; so is a quantity that one source reported to several, of which
// the highest revision, then the highest value, stands. So the result does not depend on how the month was partitioned, except
// for Counters and Stretch, which are sums.
func Unite(cfg UnionConfig, onTime, late []RowReader, yield func(*AppUnion) error) error {
	if cfg.Precision < 4 || cfg.Precision > 16 {
		return fmt.Errorf("unite %s: sketch precision %d: want 4 to 16", cfg.Month, cfg.Precision)
	}
	u := &union{cfg: cfg}
	for i, r := range onTime {
		u.sources = append(u.sources, &source{reader: r, name: fmt.Sprintf("partition reader %d", i)})
	}
	for i, r := range late {
		u.sources = append(u.sources, &source{reader: r, late: true, name: fmt.Sprintf("late reader %d", i)})
	}
	if err := u.run(yield); err != nil {
		return fmt.Errorf("unite %s: %w", cfg.Month, err)
	}
	return nil
}

// Absent is what Unite would yield of an app that no partition has.
func Absent(cfg UnionConfig, app string) *AppUnion {
	var t tally
	t.begin(cfg, app)
	return t.finish()
}

type union struct {
	cfg     UnionConfig
	sources []*source
	heap    []*source // those with rows of the current app still to come
	tally   tally
}

func (u *union) run(yield func(*AppUnion) error) error {
	for _, s := range u.sources {
		if err := s.nextApp(); err != nil {
			return err
		}
	}
	for {
		app, more := u.nextApp()
		if !more {
			return nil
		}
		a, err := u.unite(app)
		if err != nil {
			return fmt.Errorf("app %q: %w", app, err)
		}
		if err := yield(a); err != nil {
			return err
		}
	}
}

func (u *union) nextApp() (app string, more bool) {
	for _, s := range u.sources {
		if s.header != nil && (!more || s.header.App < app) {
			app, more = s.header.App, true
		}
	}
	return app, more
}

// unite counts one app and moves its sources to their next.
func (u *union) unite(app string) (*AppUnion, error) {
	t := &u.tally
	t.begin(u.cfg, app)
	u.heap = u.heap[:0]
	var members []*source
	for _, s := range u.sources {
		if s.header == nil || s.header.App != app {
			continue
		}
		members = append(members, s)
		if err := t.addHeader(s.header, s.late); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
		if s.n > 0 {
			u.heap = append(u.heap, s)
		}
	}
	for i := len(u.heap)/2 - 1; i >= 0; i-- {
		u.down(i)
	}
	for len(u.heap) > 0 {
		if err := u.device(t); err != nil {
			return nil, err
		}
	}
	for _, s := range members {
		if err := s.nextApp(); err != nil {
			return nil, err
		}
	}
	a := t.finish()
	if t.digest.err != nil {
		return nil, fmt.Errorf("write the facts: %w", t.digest.err)
	}
	return a, nil
}

// none is what a device has where it is not.
var none Row

// device takes one device from all sources that have it.
func (u *union) device(t *tally) error {
	first := u.heap[0]
	if !u.shared() {
		row := &first.rows[first.next]
		if row.Kinds == 0 {
			return first.noKind()
		}
		if first.late {
			t.addLate(&none, row)
		} else {
			t.addOnTime(row)
		}
		return u.advance()
	}
	high, low := first.high, first.low
	var onTime, late Row
	for len(u.heap) > 0 && u.heap[0].high == high && u.heap[0].low == low {
		s := u.heap[0]
		row := &s.rows[s.next]
		if row.Kinds == 0 {
			return s.noKind()
		}
		if s.late {
			late.unite(row)
		} else {
			onTime.unite(row)
		}
		if err := u.advance(); err != nil {
			return err
		}
	}
	if onTime.Kinds != 0 {
		t.addOnTime(&onTime)
	}
	if late.Kinds != 0 {
		t.addLate(&onTime, &late)
	}
	return nil
}

// shared says whether a second source has the first device.
func (u *union) shared() bool {
	for _, s := range u.heap[1:min(len(u.heap), 3)] {
		if s.high == u.heap[0].high && s.low == u.heap[0].low {
			return true
		}
	}
	return false
}

// advance moves the first source to its next row.
func (u *union) advance() error {
	s := u.heap[0]
	if err := s.advance(); err != nil {
		return err
	}
	if s.n == 0 {
		last := len(u.heap) - 1
		u.heap[0] = u.heap[last]
		u.heap = u.heap[:last]
	}
	u.down(0)
	return nil
}

func (r *Row) unite(o *Row) {
	r.Fingerprint = o.Fingerprint
	r.Kinds |= o.Kinds
	for k := range o.Days {
		r.Days[k] |= o.Days[k]
	}
}

// setsOf returns what to count for an app; a copy.
func (c *UnionConfig) setsOf(app string) []events.KindSet {
	if c.Sets == nil {
		return nil
	}
	return slices.Clone(c.Sets(app))
}
