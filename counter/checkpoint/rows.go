package checkpoint

import (
	"encoding/binary"
	"errors"
	"io"
	"math/bits"

	"headcount/counter"
	"headcount/events"
	"headcount/events/identity"
)

// sealedFile is sealed data, open.
type sealedFile struct {
	name      string
	file      File
	precision int
	counts    sealedCounts
	end       int64 // offset of the end block
}

func openSealed(name string, f File, precision int) (*sealedFile, error) {
	if err := readHeader(name, f, f.Size(), sealedMagic, sealedVersion); err != nil {
		return nil, err
	}
	s := &sealedFile{name: name, file: f, precision: precision, end: f.Size() - blockHeaderSize - sealedEndSize}
	if s.end < headerSize {
		return nil, damage(name, headerSize, "%d bytes are too few for the end", f.Size())
	}
	t, payload, err := newBlockReader(name, f, s.end, f.Size()).next()
	if err != nil {
		return nil, err
	}
	if t != sealedEnd || len(payload) != sealedEndSize {
		return nil, damage(name, s.end, "the end is missing")
	}
	v := func(i int) uint64 { return binary.LittleEndian.Uint64(payload[8*i:]) }
	if v(0) < headerSize || v(0) > uint64(s.end) {
		return nil, damage(name, s.end, "the late facts begin at byte %d", v(0))
	}
	s.counts = sealedCounts{late: int64(v(0)), apps: v(1), rows: v(2), lateApps: v(3), lateRow: v(4)}
	return s, nil
}

func (s *sealedFile) onTime() *rowReader {
	return &rowReader{blocks: newBlockReader(s.name, s.file, headerSize, s.counts.late), section: 0, precision: s.precision, apps: s.counts.apps, total: s.counts.rows}
}

func (s *sealedFile) late() *rowReader {
	return &rowReader{blocks: newBlockReader(s.name, s.file, s.counts.late, s.end), section: 1, precision: s.precision, apps: s.counts.lateApps, total: s.counts.lateRow}
}

// rowReader reads a section. It is a counter.RowReader.
type rowReader struct {
	blocks      *blockReader
	section     byte
	precision   int
	apps, total uint64 // in the section, still to come

	space [events.MaxKinds][]uint8 // for registers
	app   string
	begun bool
	left  uint64 // rows of the app, in blocks not yet read
	at    int64  // offset of the block
	last  identity.Fingerprint
	first bool // no row of the app was read

	n, next int // rows in the block, next of them
	prints  []byte
	kinds   []byte
	days    []byte // of the rows from next on
}

// NextApp implements counter.RowReader.
func (r *rowReader) NextApp() (*counter.AppHeader, error) {
	for r.left > 0 {
		if err := r.block(); err != nil {
			return nil, err
		}
	}
	r.n, r.next = 0, 0
	r.at = r.blocks.at
	t, payload, err := r.blocks.next()
	if errors.Is(err, io.EOF) {
		if r.apps > 0 || r.total > 0 {
			return nil, r.damage("the section ends with %d apps and %d rows still to come", r.apps, r.total)
		}
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	if t != appBlock {
		return nil, r.damage("block of type %d, want an app", t)
	}
	section, h, totals, err := parseApp(payload, r.precision, &r.space)
	if err != nil {
		return nil, r.damage("%v", err)
	}
	if section != r.section || r.begun && h.App <= r.app || r.apps == 0 || h.Devices > r.total {
		return nil, r.damage("app %q is out of place", h.App)
	}
	r.app, r.begun, r.first = h.App, true, true
	r.apps--
	r.total -= h.Devices
	r.left = h.Devices
	for uint64(len(h.Totals)) < totals {
		if h.Totals, err = r.appTotals(h.Totals, totals); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// appTotals reads the app's next block of totals, of which there are to be so many.
func (r *rowReader) appTotals(totals []counter.Total, want uint64) ([]counter.Total, error) {
	r.at = r.blocks.at
	t, payload, err := r.blocks.next()
	if errors.Is(err, io.EOF) || err == nil && (t != totalsBlock || len(payload) == 0) {
		return nil, r.damage("%d totals of app %q are missing", want-uint64(len(totals)), r.app)
	}
	if err != nil {
		return nil, err
	}
	c := cursor{b: payload}
	for len(c.b) > 0 && uint64(len(totals)) < want {
		totals = parseTotal(&c, totals)
	}
	if err := c.done(); err != nil {
		return nil, r.damage("totals of app %q: %v", r.app, err)
	}
	return totals, nil
}

func (r *rowReader) damage(format string, args ...any) error {
	return damage(r.blocks.file, r.at, format, args...)
}

// block reads the app's next block of rows.
func (r *rowReader) block() error {
	r.at = r.blocks.at
	t, payload, err := r.blocks.next()
	if errors.Is(err, io.EOF) {
		return r.damage("%d rows of app %q are missing", r.left, r.app)
	}
	if err != nil {
		return err
	}
	n := int(min(r.left, rowsPerBlock))
	if t != rowsBlock || len(payload) < n*(16+2) {
		return r.damage("block of type %d and %d bytes, want %d rows", t, len(payload), n)
	}
	r.prints, r.kinds, r.days = payload[:16*n], payload[16*n:18*n], payload[18*n:]
	kinds := 0
	for i := 0; i < len(r.kinds); i += 2 {
		k := binary.LittleEndian.Uint16(r.kinds[i:])
		kinds += bits.OnesCount16(k)
		if k == 0 {
			return r.damage("row %d has no kind", i/2)
		}
	}
	if len(r.days) != 4*kinds {
		return r.damage("%d bytes of days, want %d", len(r.days), 4*kinds)
	}
	r.left -= uint64(n)
	r.n, r.next = n, 0
	return nil
}

// Rows implements counter.RowReader.
func (r *rowReader) Rows(buf []counter.Row) (int, error) {
	if r.next == r.n {
		if r.left == 0 || len(buf) == 0 {
			return 0, nil
		}
		if err := r.block(); err != nil {
			return 0, err
		}
	}
	n := min(len(buf), r.n-r.next)
	prints, kinds, days := r.prints[16*r.next:], r.kinds[2*r.next:], r.days
	high, low := binary.BigEndian.Uint64(r.last[:8]), binary.BigEndian.Uint64(r.last[8:])
	for i := range buf[:n] {
		row := &buf[i]
		p := prints[16*i : 16*i+16]
		h, l := binary.BigEndian.Uint64(p), binary.BigEndian.Uint64(p[8:])
		if (h < high || h == high && l <= low) && !(r.first && i == 0) {
			return 0, r.damage("row %d is out of order", r.next+i)
		}
		high, low = h, l
		row.Fingerprint = identity.Fingerprint(p)
		row.Days = [events.MaxKinds]uint32{}
		k := binary.LittleEndian.Uint16(kinds[2*i:])
		row.Kinds = events.KindSet(k)
		for ; k != 0; k &= k - 1 {
			d := binary.LittleEndian.Uint32(days)
			if d == 0 || d&1 != 0 {
				return 0, r.damage("row %d has days %#x", r.next+i, d)
			}
			row.Days[bits.TrailingZeros16(k)] = d
			days = days[4:]
		}
	}
	r.first = false
	r.last = buf[n-1].Fingerprint
	r.days = days
	r.next += n
	return n, nil
}

var _ counter.RowReader = (*rowReader)(nil)
