package batch

import (
	"errors"
	"fmt"

	"headcount/events"
)

// leastRecord is the size of the smallest record: seven one-byte fields, its length with them.
const leastRecord = 7

var errRecord = errors.New("record runs past its end")

// varint reads a zigzag varint at b[i:] and returns the index after it; −1 where there is none. Most are of one byte or two.
func varint(b []byte, i int) (int64, int) {
	if uint(i+1) < uint(len(b)) {
		if c := uint64(b[i]); c < 0x80 {
			return int64(c>>1) ^ -int64(c&1), i + 1
		} else if d := uint64(b[i+1]); d < 0x80 {
			return int64(d<<6|c&0x7f>>1) ^ -int64(c&1), i + 2
		}
	}
	return longVarint(b, i)
}

func longVarint(b []byte, i int) (int64, int) {
	var v uint64
	for shift := uint(0); shift < 64; shift += 7 {
		if i >= len(b) {
			return 0, -1
		}
		c := b[i]
		i++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int64(v>>1) ^ -int64(v&1), i
		}
	}
	return 0, -1
}

// blob reads a varint length, and returns where that many bytes begin and end; begin −1: length −1, nil; end −1: they run past b.
func blob(b []byte, i int) (begin, end int) {
	n, i := varint(b, i)
	switch {
	case i < 0 || n < -1 || n > int64(len(b)-i):
		return -1, -1
	case n == -1:
		return -1, i
	}
	return i, i + int(n)
}

// extentsAtOnce is how many extents are found before the first of their records is made.
const extentsAtOnce = 64

// extent says where a record and its parts lie in what holds it.
type extent struct {
	time, delta     int64
	key, keyEnd     int // key −1: none
	value, valueEnd int // value −1: none
	end             int // behind the value come the headers
}

// readExtent finds the extent of the record at b[i:], whatever it is. The error says what is wrong.
func readExtent(b []byte, i int) (e extent, err error) {
	size, at := varint(b, i)
	if at < 0 || size < leastRecord-1 || size > int64(len(b)-at) {
		return e, errRecord
	}
	e.end = at + int(size)
	b = b[:e.end]
	if e.time, at = varint(b, at+1); at < 0 { // after the attributes, of which none is defined
		return e, errRecord
	}
	if e.delta, at = varint(b, at); at < 0 {
		return e, errRecord
	}
	if e.key, e.keyEnd = blob(b, at); e.keyEnd < 0 {
		return e, fmt.Errorf("key: %w", errRecord)
	}
	if e.value, e.valueEnd = blob(b, e.keyEnd); e.valueEnd < 0 {
		return e, fmt.Errorf("value: %w", errRecord)
	}
	return e, nil
}

// AppendRecords reads the records of one batch from b, its uncompressed content, and appends those at offset from and later. They
// alias b. All of the batch is checked, also what is not appended: its records number h.Count, have rising offsets within the
// batch, and fill b exactly.
func AppendRecords(to []events.Record, h *Header, b []byte, from events.Offset) ([]events.Record, error) {
	if err := h.checkCount(); err != nil {
		return to, err
	}
	if int(h.Count) > len(b)/leastRecord {
		return to, fmt.Errorf("%d records in %d bytes", h.Count, len(b))
	}
	return appendRecords(to, h, b, from, &place{last: -1}, h.Count)
}

// place is how far the records of a batch are read.
type place struct {
	done int32 // records
	last int64 // the last one's offset delta; −1: none yet
}

// appendRecords is AppendRecords of those from a place in the batch up to the record until, which fill b exactly.
func appendRecords(to []events.Record, h *Header, b []byte, from events.Offset, at *place, until int32) ([]events.Record, error) {
	appendTime := h.Attributes&logAppendTimeBit != 0
	last := at.last
	i := 0
	var found [extentsAtOnce]extent
	for done := at.done; done < until; {
		n, err := readExtents(b, i, found[:min(extentsAtOnce, until-done)])
		if err != nil {
			return to, fmt.Errorf("record %d of %d: %w", done, h.Count, err)
		}
		for j := range found[:n] {
			e := &found[j]
			if e.delta <= last || e.delta > int64(h.LastDelta) {
				return to, fmt.Errorf("record %d of %d: offset delta %d after %d, the last is %d", done, h.Count, e.delta, last, h.LastDelta)
			}
			i, last = e.end, e.delta
			to = append(to, events.Record{}) // and not with what it holds, which is copied then
			rec := &to[len(to)-1]
			rec.Offset, rec.Timestamp = h.Base+events.Offset(e.delta), h.FirstTime+e.time
			if appendTime {
				rec.Timestamp = h.MaxTime
			}
			if e.key >= 0 {
				rec.Key = b[e.key:e.keyEnd:e.keyEnd]
			}
			if e.value >= 0 {
				rec.Value = b[e.value:e.valueEnd:e.valueEnd]
			}
			if e.valueEnd != e.end-1 || b[e.valueEnd] != 0 {
				if rec.HeaderCount, rec.Headers, err = readHeaders(b[:e.end:e.end], e.valueEnd); err != nil {
					return to[:len(to)-1], fmt.Errorf("record %d of %d: %w", done, h.Count, err)
				}
			}
			if rec.Offset < from {
				to = to[:len(to)-1]
			}
			done++
		}
	}
	if i != len(b) {
		return to, fmt.Errorf("%d bytes left over after %d records", len(b)-i, h.Count)
	}
	at.done, at.last = until, last
	return to, nil
}

// readHeaders reads the headers that begin with their count at r[at:], which they fill.
func readHeaders(r []byte, at int) (int, []byte, error) {
	count, at := varint(r, at)
	if at < 0 || count < 0 || count > int64(len(r)-at)/2 {
		return 0, nil, fmt.Errorf("headers: %w", errRecord)
	}
	headers := r[at:]
	for range count {
		key, after := blob(r, at)
		if after < 0 || key < 0 {
			return 0, nil, fmt.Errorf("headers: %w", errRecord)
		}
		if _, at = blob(r, after); at < 0 {
			return 0, nil, fmt.Errorf("headers: %w", errRecord)
		}
	}
	if at != len(r) {
		return 0, nil, fmt.Errorf("%d bytes left over", len(r)-at)
	}
	if count == 0 {
		return 0, nil, nil
	}
	return int(count), headers, nil
}
