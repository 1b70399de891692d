package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"headcount/counter"
	"headcount/events"
	"headcount/events/identity"
)

// A part is a counter.WindowDelta of bounded size, in the bytes of a segment. Numbers are shortest unsigned varints unless
// said otherwise, strings a length and bytes.
//
//	month, late u8, app, first ordinal
//	fingerprints   count, 16 bytes each
//	facts          groups; each: day u8, kind u8, count<<1 | form, ordinals sorted, without repeats:
//	               form 0: the first, then each one's distance to the one before, less 1
//	               form 1: the first, bytes, a bitmap from the first on; its last byte is not zero
//	registers      kinds; each: kind u8, count, then (distance<<6 | value) each: the first distance from −1
//	counters       events, duplicates, skewed
//	totals         count; each: meter, source, day u8, revision zigzag, value
const (
	maxPartFingerprints = 8192
	maxPartFacts        = 65536
	maxPartRegisters    = 65536
	maxPartTotals       = 8192
	maxPartTotalBytes   = 256 << 10 // a part takes no further total past it
	maxText             = 1 << 20   // app, meter, source, bytes
)

const maxMonth = 12*10000 - 1

// appendPart encodes a part; facts and registers are sorted and without repeats (compactFacts, compactRegisters).
func appendPart(b []byte, w *counter.WindowDelta) ([]byte, error) {
	if w.Month < 0 || w.Month > maxMonth || len(w.App) > maxText {
		return nil, fmt.Errorf("month %d, app of %d bytes: out of the format's range", w.Month, len(w.App))
	}
	b = binary.AppendUvarint(b, uint64(w.Month))
	b = append(b, lateByte(w.Late))
	b = appendString(b, w.App)
	b = binary.AppendUvarint(b, uint64(w.First))
	b = binary.AppendUvarint(b, uint64(len(w.Fingerprints)))
	for i := range w.Fingerprints {
		b = append(b, w.Fingerprints[i][:]...)
	}
	b = appendFacts(b, w.Facts)
	b, err := appendRegisters(b, w.Registers)
	if err != nil {
		return nil, err
	}
	b = appendCounters(b, w.Counters)
	return appendTotals(b, w.Totals)
}

func lateByte(late bool) byte {
	if late {
		return 1
	}
	return 0
}

func appendCounters(b []byte, c counter.Counters) []byte {
	b = binary.AppendUvarint(b, c.Events)
	b = binary.AppendUvarint(b, c.Duplicates)
	return binary.AppendUvarint(b, c.Skewed)
}

// parsePart decodes one part. What it returns aliases nothing.
func parsePart(c *cursor) (counter.WindowDelta, error) {
	var w counter.WindowDelta
	w.Month = events.Month(c.uvarint(maxMonth))
	w.Late = c.byte(1) == 1
	w.App = c.string(maxText)
	w.First = uint32(c.uvarint(1<<32 - 1))
	n := c.count(maxPartFingerprints, 16)
	if uint64(w.First)+uint64(n) > 1<<32 {
		c.fail()
	}
	if raw := c.bytes(uint64(n) * 16); len(raw) > 0 {
		w.Fingerprints = make([]identity.Fingerprint, n)
		for i := range w.Fingerprints {
			w.Fingerprints[i] = identity.Fingerprint(raw[16*i:])
		}
	}
	w.Facts = parseFacts(c)
	w.Registers = parseRegisters(c)
	w.Counters = parseCounters(c)
	w.Totals = parseTotals(c, maxPartTotals)
	return w, c.err
}

func parseCounters(c *cursor) counter.Counters {
	const all = 1<<64 - 1
	return counter.Counters{Events: c.uvarint(all), Duplicates: c.uvarint(all), Skewed: c.uvarint(all)}
}

// appendFacts encodes sorted facts, a group per day and kind, each in the shorter of its two forms.
func appendFacts(b []byte, facts []counter.Fact) []byte {
	groups := 0
	for i := range facts {
		if i == 0 || !sameGroup(facts[i-1], facts[i]) {
			groups++
		}
	}
	b = binary.AppendUvarint(b, uint64(groups))
	for len(facts) > 0 {
		n := 1
		for n < len(facts) && sameGroup(facts[0], facts[n]) {
			n++
		}
		b = append(b, byte(facts[0].Day), byte(facts[0].Kind))
		b = appendGroup(b, facts[:n])
		facts = facts[n:]
	}
	return b
}

func sameGroup(a, b counter.Fact) bool { return a.Day == b.Day && a.Kind == b.Kind }

func appendGroup(b []byte, group []counter.Fact) []byte {
	first, last := group[0].Ordinal, group[len(group)-1].Ordinal
	gaps := 0
	for i, f := range group[1:] {
		gaps += uvarintSize(uint64(f.Ordinal - group[i].Ordinal - 1))
	}
	span := int((last-first)/8) + 1
	if form1 := span + uvarintSize(uint64(span)); form1 < gaps {
		b = binary.AppendUvarint(b, uint64(len(group))<<1|1)
		b = binary.AppendUvarint(b, uint64(first))
		b = binary.AppendUvarint(b, uint64(span))
		at := len(b)
		b = append(b, make([]byte, span)...)
		for _, f := range group {
			b[at+int((f.Ordinal-first)/8)] |= 1 << ((f.Ordinal - first) % 8)
		}
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(group))<<1)
	b = binary.AppendUvarint(b, uint64(first))
	for i, f := range group[1:] {
		b = binary.AppendUvarint(b, uint64(f.Ordinal-group[i].Ordinal-1))
	}
	return b
}

func uvarintSize(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

func parseFacts(c *cursor) []counter.Fact {
	const maxGroups = 31 * events.MaxKinds
	var facts []counter.Fact
	previous := -1
	for range c.count(maxGroups, 4) {
		day, kind := c.byte(31), c.byte(events.MaxKinds-1)
		if group := int(day)<<8 | int(kind); day == 0 || group <= previous {
			c.fail()
		} else {
			previous = group
		}
		head := c.uvarint(maxPartFacts<<1 | 1)
		n := int(head >> 1)
		first := c.uvarint(1<<32 - 1)
		if n == 0 || len(facts)+n > maxPartFacts {
			c.fail()
		}
		if c.err != nil {
			return nil
		}
		f := counter.Fact{Day: events.Day(day), Kind: events.Kind(kind)}
		if head&1 == 1 {
			facts = parseBitmap(c, facts, f, first, n)
			continue
		}
		if n-1 > len(c.b) {
			c.fail()
			return nil
		}
		facts = slices.Grow(facts, n)
		for i := range n {
			if i > 0 {
				first += c.uvarint(1<<32-1) + 1
			}
			if first >= 1<<32 {
				c.fail()
			}
			f.Ordinal = uint32(first)
			facts = append(facts, f)
		}
	}
	if c.err != nil {
		return nil
	}
	return facts
}

func parseBitmap(c *cursor, facts []counter.Fact, f counter.Fact, first uint64, n int) []counter.Fact {
	bitmap := c.bytes(c.uvarint(maxBlock))
	set := 0
	for _, v := range bitmap {
		set += bits.OnesCount8(v)
	}
	if set != n || bitmap[0]&1 == 0 || bitmap[len(bitmap)-1] == 0 ||
		first+uint64(len(bitmap))*8-uint64(bits.LeadingZeros8(bitmap[len(bitmap)-1])) > 1<<32 {
		c.fail()
		return nil
	}
	facts = slices.Grow(facts, n)
	for i, v := range bitmap {
		for ; v != 0; v &= v - 1 {
			f.Ordinal = uint32(first + uint64(8*i+bits.TrailingZeros8(v)))
			facts = append(facts, f)
		}
	}
	return facts
}

// compactFacts sorts facts by day, kind and ordinal, and drops repeats, in place.
func (s *sorter) compactFacts(facts []counter.Fact) []counter.Fact {
	if sorted(facts) {
		return facts
	}
	keys := s.room(len(facts)) // plain numbers sort several times faster
	for i, f := range facts {
		keys[i] = factKey(f)
	}
	s.sort(keys)
	keys = slices.Compact(keys)
	for i, k := range keys {
		facts[i] = counter.Fact{Ordinal: uint32(k), Day: events.Day(k >> 36), Kind: events.Kind(k >> 32 & 0xf)}
	}
	return facts[:len(keys)]
}

func factKey(f counter.Fact) uint64 {
	return uint64(f.Day)<<36 | uint64(f.Kind)<<32 | uint64(f.Ordinal)
}

// sorted says whether facts are sorted already, and without repeats: those that a cut gives mostly are.
func sorted(facts []counter.Fact) bool {
	for i := 1; i < len(facts); i++ {
		if factKey(facts[i-1]) >= factKey(facts[i]) {
			return false
		}
	}
	return true
}
