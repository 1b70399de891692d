package counter

import (
	"errors"
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
	return t.finish(), nil
}

// device takes one device from all sources that have it.
func (u *union) device(t *tally) error {
	first := u.heap[0]
	high, low := first.high, first.low
	var onTime, late Row
	for {
		s := u.heap[0]
		row := &s.rows[s.next]
		if row.Kinds == 0 {
			return fmt.Errorf("%s: the row of %s has no kind", s.name, row.Fingerprint)
		}
		if s.late {
			late.unite(row)
		} else {
			onTime.unite(row)
		}
		if err := s.advance(); err != nil {
			return err
		}
		if s.n == 0 {
			last := len(u.heap) - 1
			u.heap[0] = u.heap[last]
			u.heap = u.heap[:last]
			if last == 0 {
				break
			}
		}
		u.down(0)
		if u.heap[0].high != high || u.heap[0].low != low {
			break
		}
	}
	t.add(&onTime, &late)
	return nil
}

func (r *Row) unite(o *Row) {
	r.Fingerprint = o.Fingerprint
	r.Kinds |= o.Kinds
	for k := range o.Days {
		r.Days[k] |= o.Days[k]
	}
}

// down restores the heap's order below i.
func (u *union) down(i int) {
	h := u.heap
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].before(h[child]) {
			child++
		}
		if !h[child].before(h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// source is a reader, and the rows of it that are at hand.
type source struct {
	reader RowReader
	late   bool
	name   string
	header *AppHeader // nil: at its end
	last   string     // app before

	rows      []Row
	n, next   int    // n: 0 at the app's end
	high, low uint64 // of rows[next]
	read      uint64 // rows of the app
}

const sourceRows = 512

func (s *source) nextApp() error {
	h, err := s.reader.NextApp()
	if err == io.EOF {
		s.header = nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	if h.App <= s.last {
		return fmt.Errorf("%s: app %q comes after %q: not sorted", s.name, h.App, s.last)
	}
	s.header, s.last, s.n, s.next, s.read = h, h.App, 0, 0, 0
	return nil
}

// fill reads the app's next rows.
func (s *source) fill() error {
	if s.rows == nil {
		s.rows = make([]Row, sourceRows)
	}
	n, err := s.reader.Rows(s.rows)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	s.n, s.next = n, 0
	s.read += uint64(n)
	if n == 0 {
		if s.read != s.header.Devices {
			return fmt.Errorf("%s: %d rows of app %q, its header says %d", s.name, s.read, s.header.App, s.header.Devices)
		}
		return nil
	}
	s.high, s.low = high(&s.rows[0].Fingerprint), low(&s.rows[0].Fingerprint)
	return nil
}

// advance moves to the next row.
func (s *source) advance() error {
	high0, low0 := s.high, s.low
	if s.next++; s.next < s.n {
		f := &s.rows[s.next].Fingerprint
		s.high, s.low = high(f), low(f)
	} else if err := s.fill(); err != nil || s.n == 0 {
		return err
	}
	if s.high < high0 || s.high == high0 && s.low <= low0 {
		return fmt.Errorf("%s: %w", s.name, errOrder)
	}
	return nil
}

var errOrder = errors.New("rows are not sorted by fingerprint")

func (s *source) before(o *source) bool {
	return s.high < o.high || s.high == o.high && s.low < o.low
}

// reportAll gathers reports of several partitions.
func (q *quantities) reportAll(totals []Total) {
	for _, t := range totals {
		q.report(&t.Quantity, 0)
	}
}

// setsOf returns what to count for an app; a copy.
func (c *UnionConfig) setsOf(app string) []events.KindSet {
	if c.Sets == nil {
		return nil
	}
	return slices.Clone(c.Sets(app))
}
