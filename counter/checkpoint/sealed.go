package checkpoint

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"headcount/counter"
	"headcount/events"
	"headcount/events/identity"
)

// Sealed data is a binary file (block.go): the apps with facts of the month on time, then those with late facts of the month
// before, then the end. Every content has one encoding.
//
//	app    section u8 (0 on time, 1 late), name, devices, counters, stretch (expired, rejected, over limit, before the books),
//	       registers: set of kinds u16; where it is not empty the salt that they were made by, 16 bytes; each: form u8;
//	         form 0 sparse: count, (distance<<6 | value) each as in a segment; where fewer than an eighth are not zero
//	         form 1 dense: 2^p bytes
//	       number of totals
//	totals of the app before, sorted, each as in a segment; a block is put out when it has reached 256 KiB
//	rows   of the app before, sorted, 4096 a block, the rest in the last: fingerprints 16 bytes each; sets of kinds u16 each;
//	       then for each row and kind of its set a u32: bit d for day d
//	end    offset of the first late app (or of the end) u64, apps, rows, late apps, late rows u64
const (
	sealedVersion = 2
	appBlock      = blockType(1)
	rowsBlock     = blockType(2)
	sealedEnd     = blockType(3)
	totalsBlock   = blockType(4)

	rowsPerBlock  = 4096
	sealedEndSize = 40
	maxSealedText = maxText
)

var sealedMagic = magic{'H', 'C', 'S', 'E', 'A', 'L', 'D', '\n'}

// sealedCounts is what the end holds.
type sealedCounts struct {
	late                          int64 // offset of the late section
	apps, rows, lateApps, lateRow uint64
}

// sealedTotals are sums over the apps on time.
type sealedTotals struct {
	counters counter.Counters
	stretch  counter.Stretch
}

// writeSealed puts out the sealed data of z, in little memory.
func writeSealed(w io.Writer, z *counter.Sealed) (c sealedCounts, t sealedTotals, err error) {
	if z.Precision < 2 || z.Precision > 16 {
		return c, t, fmt.Errorf("sketch precision %d: want 2 to 16", z.Precision)
	}
	blocks, err := newBlockWriter(w, sealedMagic, sealedVersion)
	if err != nil {
		return c, t, err
	}
	s := sealedWriter{blocks: blocks, precision: z.Precision, totals: &t}
	if c.apps, c.rows, err = s.section(0, z.OnTime); err != nil {
		return c, t, fmt.Errorf("facts on time: %w", err)
	}
	c.late = blocks.at
	s.totals = &sealedTotals{}
	if c.lateApps, c.lateRow, err = s.section(1, z.Late); err != nil {
		return c, t, fmt.Errorf("late facts: %w", err)
	}
	end := binary.LittleEndian.AppendUint64(nil, uint64(c.late))
	for _, v := range []uint64{c.apps, c.rows, c.lateApps, c.lateRow} {
		end = binary.LittleEndian.AppendUint64(end, v)
	}
	return c, t, blocks.write(sealedEnd, end)
}

type sealedWriter struct {
	blocks    *blockWriter
	precision int
	totals    *sealedTotals
	buf       []byte
	rows      []counter.Row
}

func (s *sealedWriter) section(section byte, open func() counter.RowReader) (apps, rows uint64, err error) {
	if open == nil {
		return 0, 0, nil
	}
	r := open()
	for previous := ""; ; apps++ {
		h, err := r.NextApp()
		if errors.Is(err, io.EOF) {
			return apps, rows, nil
		}
		if err != nil {
			return apps, rows, err
		}
		if apps > 0 && previous >= h.App {
			return apps, rows, fmt.Errorf("app %q comes after app %q: not sorted", h.App, previous)
		}
		previous = h.App
		if err := s.app(section, h, r); err != nil {
			return apps, rows, fmt.Errorf("app %q: %w", h.App, err)
		}
		rows += h.Devices
	}
}

func (s *sealedWriter) app(section byte, h *counter.AppHeader, r counter.RowReader) (err error) {
	if s.buf, err = appendApp(s.buf[:0], section, h, s.precision); err != nil {
		return err
	}
	if err := s.blocks.write(appBlock, s.buf); err != nil {
		return err
	}
	if err := s.appTotals(h.Totals); err != nil {
		return err
	}
	t := s.totals
	t.counters.Events += h.Counters.Events
	t.counters.Duplicates += h.Counters.Duplicates
	t.counters.Skewed += h.Counters.Skewed
	t.stretch.Expired += h.Stretch.Expired
	t.stretch.Rejected += h.Stretch.Rejected
	t.stretch.OverLimit += h.Stretch.OverLimit
	t.stretch.BeforeBooks += h.Stretch.BeforeBooks
	rows := s.space(h.Devices)
	var last *identity.Fingerprint
	seen := uint64(0)
	for {
		n, err := fill(r, rows)
		if err != nil {
			return err
		}
		if n > 0 {
			if s.buf, err = appendRows(s.buf[:0], rows[:n], last); err != nil {
				return err
			}
			if err := s.blocks.write(rowsBlock, s.buf); err != nil {
				return err
			}
			f := rows[n-1].Fingerprint
			last = &f
			seen += uint64(n)
		}
		if n < len(rows) {
			break
		}
	}
	if seen != h.Devices {
		return fmt.Errorf("%d rows, where its header says %d devices", seen, h.Devices)
	}
	return nil
}

// space returns room for a block of rows, or for all rows of an app that has fewer, and one that shows that there are no more.
func (s *sealedWriter) space(devices uint64) []counter.Row {
	n := int(min(devices, rowsPerBlock-1)) + 1
	if n > len(s.rows) {
		s.rows = make([]counter.Row, min(max(n, 2*len(s.rows)), rowsPerBlock))
	}
	return s.rows[:n]
}

// appTotals puts out an app's totals.
func (s *sealedWriter) appTotals(totals []counter.Total) (err error) {
	s.buf = s.buf[:0]
	for i := range totals {
		if i > 0 && compareTotals(totals[i-1], totals[i]) >= 0 {
			return errors.New("its totals are not sorted by meter, source and day")
		}
		if s.buf, err = appendTotal(s.buf, &totals[i]); err != nil {
			return err
		}
		if len(s.buf) >= blockTarget || i == len(totals)-1 {
			if err := s.blocks.write(totalsBlock, s.buf); err != nil {
				return err
			}
			s.buf = s.buf[:0]
		}
	}
	return nil
}

// fill reads rows until buf is full or the app ends.
func fill(r counter.RowReader, buf []counter.Row) (n int, err error) {
	for n < len(buf) {
		got, err := r.Rows(buf[n:])
		if err != nil || got == 0 {
			return n, err
		}
		n += got
	}
	return n, nil
}

func appendApp(b []byte, section byte, h *counter.AppHeader, precision int) ([]byte, error) {
	if len(h.App) > maxSealedText {
		return nil, fmt.Errorf("name of %d bytes is over the format's %d", len(h.App), maxSealedText)
	}
	b = append(b, section)
	b = appendString(b, h.App)
	b = binary.AppendUvarint(b, h.Devices)
	b = appendCounters(b, h.Counters)
	b = binary.AppendUvarint(b, h.Stretch.Expired)
	b = binary.AppendUvarint(b, h.Stretch.Rejected)
	b = binary.AppendUvarint(b, h.Stretch.OverLimit)
	b = binary.AppendUvarint(b, h.Stretch.BeforeBooks)
	var kinds events.KindSet
	for k, registers := range h.Registers {
		if registers != nil {
			kinds = kinds.With(events.Kind(k))
		}
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(kinds))
	if kinds != 0 {
		b = append(b, h.Salt[:]...)
	}
	for k, registers := range h.Registers {
		if registers == nil {
			continue
		}
		if len(registers) != 1<<precision {
			return nil, fmt.Errorf("kind %d has %d registers, precision %d has %d", k, len(registers), precision, 1<<precision)
		}
		var err error
		if b, err = appendSketch(b, registers); err != nil {
			return nil, fmt.Errorf("kind %d: %w", k, err)
		}
	}
	return binary.AppendUvarint(b, uint64(len(h.Totals))), nil
}

func appendSketch(b []byte, registers []uint8) ([]byte, error) {
	set := 0
	for i, v := range registers {
		if v > maxRegisterValue {
			return nil, fmt.Errorf("register %d holds %d: out of the format's range", i, v)
		}
		if v != 0 {
			set++
		}
	}
	if !sparse(set, len(registers)) {
		return append(append(b, 1), registers...), nil
	}
	b = append(b, 0)
	b = binary.AppendUvarint(b, uint64(set))
	previous := -1
	for i, v := range registers {
		if v != 0 {
			b = binary.AppendUvarint(b, uint64(i-previous)<<6|uint64(v))
			previous = i
		}
	}
	return b, nil
}

// sparse says which form registers have of which so many are set.
func sparse(set, of int) bool { return set < of/8 }

// parseApp decodes an app's header; its totals come in blocks of their own. Its registers lie in space, until the next call.
func parseApp(payload []byte, precision int, space *[events.MaxKinds][]uint8) (section byte, h *counter.AppHeader, totals uint64, err error) {
	const all = 1<<64 - 1
	c := cursor{b: payload}
	h = &counter.AppHeader{}
	section = c.byte(1)
	h.App = c.string(maxSealedText)
	h.Devices = c.uvarint(all)
	h.Counters = parseCounters(&c)
	h.Stretch = counter.Stretch{Expired: c.uvarint(all), Rejected: c.uvarint(all), OverLimit: c.uvarint(all), BeforeBooks: c.uvarint(all)}
	if raw := c.bytes(2); raw != nil {
		kinds := events.KindSet(binary.LittleEndian.Uint16(raw))
		if kinds != 0 {
			copy(h.Salt[:], c.bytes(uint64(len(h.Salt))))
		}
		for k := range events.Kind(events.MaxKinds) {
			if kinds.Has(k) {
				space[k] = parseSketch(&c, precision, space[k])
				h.Registers[k] = space[k]
			}
		}
	}
	totals = c.uvarint(all)
	return section, h, totals, c.done()
}

// parseSketch decodes registers, in the memory of space where it has some.
func parseSketch(c *cursor, precision int, space []uint8) []uint8 {
	size := 1 << precision
	if c.byte(1) == 1 {
		raw := c.bytes(uint64(size))
		set := 0
		for _, v := range raw {
			if v > maxRegisterValue {
				c.fail()
			}
			if v != 0 {
				set++
			}
		}
		if c.err != nil || sparse(set, size) {
			c.fail()
			return nil
		}
		return append(space[:0], raw...)
	}
	n := c.count(uint64(size), 1)
	if c.err != nil || !sparse(n, size) {
		c.fail()
		return nil
	}
	registers := space
	if len(registers) != size {
		registers = make([]uint8, size)
	}
	clear(registers)
	at := -1
	for range n {
		v := c.uvarint(maxRegisters<<6 | maxRegisterValue)
		at += int(v >> 6)
		if v>>6 == 0 || at >= size || v&maxRegisterValue == 0 {
			c.fail()
			return nil
		}
		registers[at] = uint8(v & maxRegisterValue)
	}
	return registers
}

// appendRows encodes rows that come after last (nil: the app's first).
func appendRows(b []byte, rows []counter.Row, last *identity.Fingerprint) ([]byte, error) {
	for i := range rows {
		f := &rows[i].Fingerprint
		if last != nil && compareFingerprints(last, f) >= 0 {
			return nil, fmt.Errorf("fingerprint %x comes after %x: not sorted", f[:], last[:])
		}
		last = f
		b = append(b, f[:]...)
	}
	for i := range rows {
		b = binary.LittleEndian.AppendUint16(b, uint16(rows[i].Kinds))
	}
	for i := range rows {
		r := &rows[i]
		for k := uint16(r.Kinds); k != 0; k &= k - 1 {
			days := r.Days[bits.TrailingZeros16(k)]
			if days == 0 || days&1 != 0 {
				return nil, fmt.Errorf("fingerprint %x has kind %d on days %#x: want some of bits 1 to 31", r.Fingerprint[:], bits.TrailingZeros16(k), days)
			}
			b = binary.LittleEndian.AppendUint32(b, days)
		}
		if r.Kinds == 0 {
			return nil, fmt.Errorf("fingerprint %x has no kind", r.Fingerprint[:])
		}
	}
	return b, nil
}

func compareFingerprints(a, b *identity.Fingerprint) int {
	if x, y := binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(b[:8]); x != y {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(binary.BigEndian.Uint64(a[8:]), binary.BigEndian.Uint64(b[8:]))
}
