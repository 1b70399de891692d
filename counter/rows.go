package counter

import (
	"cmp"
	"encoding/binary"
	"io"
	"slices"

	"headcount/events"
	"headcount/events/identity"
)

// appWindow is one app of what a windowReader reads.
type appWindow struct {
	app     string
	window  *window // nil: only a stretch
	stretch Stretch
	late    bool // no sketch is handed on: late facts are billed by the exact count alone
}

// windowReader reads windows as a RowReader. What NextApp returns is valid until the next.
type windowReader struct {
	apps   []appWindow // still to come, sorted
	header AppHeader
	space  [events.MaxKinds][]uint8 // for registers
	rows   rowSource                // of the current app; nil: none
}

// rowSource gives the rows of one window, sorted by fingerprint.
type rowSource interface {
	fill(buf []Row) int
}

func (r *windowReader) NextApp() (*AppHeader, error) {
	if len(r.apps) == 0 {
		r.rows = nil
		return nil, io.EOF
	}
	a := r.apps[0]
	r.apps = r.apps[1:]
	r.header, r.rows = AppHeader{App: a.app, Stretch: a.stretch}, nil
	w := a.window
	if w == nil {
		return &r.header, nil
	}
	r.header.Devices, r.header.Counters, r.header.Totals = uint64(w.devices()), w.counters, w.reported.totals()
	if !a.late {
		for k, s := range w.sketches {
			if s != nil {
				r.header.Registers[k], r.header.Salt = r.registers(k, s), w.salt
			}
		}
	}
	if w.large != nil {
		r.rows = newLargeRows(w.large)
	} else {
		r.rows = newFlatRows(w.flat)
	}
	return &r.header, nil
}

func (r *windowReader) registers(k int, s *sketch) []uint8 {
	n := 1 << s.p
	if cap(r.space[k]) < n {
		r.space[k] = make([]uint8, n)
	}
	r.space[k] = r.space[k][:n]
	clear(r.space[k])
	s.registers(r.space[k])
	return r.space[k]
}

func (r *windowReader) Rows(buf []Row) (int, error) {
	if r.rows == nil || len(buf) == 0 {
		return 0, nil
	}
	return r.rows.fill(buf), nil
}

// flatRows reads a flat window.
type flatRows struct {
	flat  *flat
	order []uint16 // ordinals still to come
}

func newFlatRows(f *flat) *flatRows {
	order := make([]uint16, len(f.prints))
	for i := range order {
		order[i] = uint16(i)
	}
	slices.SortFunc(order, func(a, b uint16) int { return comparePrints(&f.prints[a], &f.prints[b]) })
	return &flatRows{flat: f, order: order}
}

func (r *flatRows) fill(buf []Row) int {
	n := min(len(buf), len(r.order))
	for i, o := range r.order[:n] {
		r.flat.row(uint32(o), &buf[i])
	}
	r.order = r.order[n:]
	return n
}

// comparePrints orders fingerprints as their bytes.
func comparePrints(a, b *identity.Fingerprint) int {
	if c := cmp.Compare(high(a), high(b)); c != 0 {
		return c
	}
	return cmp.Compare(low(a), low(b))
}

func high(f *identity.Fingerprint) uint64 { return binary.BigEndian.Uint64(f[:8]) }
func low(f *identity.Fingerprint) uint64  { return binary.BigEndian.Uint64(f[8:]) }

// WithoutStretches reads what another reader does, but for what belongs to no month's facts; apps that have nothing else are left out.
func WithoutStretches(r RowReader) RowReader { return plainReader{r} }

type plainReader struct{ RowReader }

func (r plainReader) NextApp() (*AppHeader, error) {
	for {
		h, err := r.RowReader.NextApp()
		if err != nil {
			return nil, err
		}
		h.Stretch = Stretch{}
		if h.Devices > 0 || h.Counters != (Counters{}) || len(h.Totals) > 0 {
			return h, nil
		}
	}
}
