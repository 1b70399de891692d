package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"headcount/events"
)

// leastRecord is the size of the smallest record: seven one-byte fields, its length with them.
const leastRecord = 7

var errRecord = errors.New("record runs past its end")

// varint reads a zigzag varint at b[i:] and returns the index after it; −1 where there is none.
func varint(b []byte, i int) (int64, int) {
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

// blob reads a varint length and that many bytes; length −1 is nil.
func blob(b []byte, i int) ([]byte, int) {
	n, i := varint(b, i)
	if i < 0 || n < -1 || n > int64(len(b)-i) {
		return nil, -1
	}
	if n == -1 {
		return nil, i
	}
	end := i + int(n)
	return b[i:end:end], end
}

// appendRecords reads the records of one batch from b, its uncompressed content, and appends those at offset from and later. They
// alias b. All of the batch is checked, also what is not appended: its records number h.count, have rising offsets within the
// batch, and fill b exactly.
func appendRecords(to []events.Record, h *header, b []byte, from int64) ([]events.Record, error) {
	if int(h.count) > len(b)/leastRecord {
		return to, fmt.Errorf("%d records in %d bytes", h.count, len(b))
	}
	appendTime := h.attributes&logAppendTimeBit != 0
	last := int64(-1)
	i := 0
	var before events.Record // of the last that had any, the headers
	for n := range h.count {
		if len(to) == cap(to) {
			to = append(to, events.Record{})[:len(to)]
		}
		usual := &to[:len(to)+1][len(to)]
		if next := usualRecord(usual, b, i, h, last, &before); next > 0 {
			last, i = usual.Offset-h.base, next
			if appendTime {
				usual.Timestamp = h.maxTime
			}
			if usual.Offset >= from {
				to = to[:len(to)+1]
			}
			continue
		}
		size, at := varint(b, i)
		if at < 0 || size < leastRecord-1 || size > int64(len(b)-at) {
			return to, fmt.Errorf("record %d of %d: %w", n, h.count, errRecord)
		}
		i = at + int(size)
		r := b[at:i:i]
		timeDelta, at := varint(r, 1) // after the attributes, of which none is defined
		if at < 0 {
			return to, fmt.Errorf("record %d of %d: %w", n, h.count, errRecord)
		}
		delta, at := varint(r, at)
		if at < 0 {
			return to, fmt.Errorf("record %d of %d: %w", n, h.count, errRecord)
		}
		if delta <= last || delta > int64(h.lastDelta) {
			return to, fmt.Errorf("record %d of %d: offset delta %d after %d, the last is %d", n, h.count, delta, last, h.lastDelta)
		}
		last = delta
		rec := events.Record{Offset: h.base + delta, Timestamp: h.firstTime + timeDelta}
		if appendTime {
			rec.Timestamp = h.maxTime
		}
		if rec.Key, at = blob(r, at); at < 0 {
			return to, fmt.Errorf("record %d of %d: key: %w", n, h.count, errRecord)
		}
		if rec.Value, at = blob(r, at); at < 0 {
			return to, fmt.Errorf("record %d of %d: value: %w", n, h.count, errRecord)
		}
		headers, at := varint(r, at)
		if at < 0 || headers < 0 || headers > int64(len(r)-at)/2 {
			return to, fmt.Errorf("record %d of %d: headers: %w", n, h.count, errRecord)
		}
		if headers > 0 {
			rec.HeaderCount, rec.Headers = int(headers), r[at:]
			if at = skipHeaders(r, at, headers); at < 0 {
				return to, fmt.Errorf("record %d of %d: headers: %w", n, h.count, errRecord)
			}
		}
		if at != len(r) {
			return to, fmt.Errorf("record %d of %d: %d bytes left over", n, h.count, len(r)-at)
		}
		if headers > 0 {
			before.HeaderCount, before.Headers = rec.HeaderCount, rec.Headers
		}
		if rec.Offset >= from {
			to = append(to, rec)
		}
	}
	if i != len(b) {
		return to, fmt.Errorf("%d bytes left over after %d records", len(b)-i, h.count)
	}
	return to, nil
}

// usualRecord reads the record at b[i:] that has a key, a value, no headers or those of the one before, and lengths and deltas of up
// to three bytes, which are read at once. It returns the index after it; 0 where it is not such a one, or wrong.
func usualRecord(rec *events.Record, b []byte, i int, h *header, last int64, before *events.Record) int {
	if len(b)-i < 20 { // four numbers of three bytes before the key, the attributes, and what is read with the last too much
		return 0
	}
	at := uint(i)
	size, n1 := shortVarint(binary.LittleEndian.Uint32(b[at:]))
	at += n1
	end := at + uint(size>>1)
	timeDelta, n2 := shortVarint(binary.LittleEndian.Uint32(b[at+1:])) // after the attributes
	at += 1 + n2
	delta, n3 := shortVarint(binary.LittleEndian.Uint32(b[at:]))
	at += n3
	key, n4 := shortVarint(binary.LittleEndian.Uint32(b[at:]))
	at += n4
	keyEnd := at + uint(key>>1)
	if n1|n2|n3|n4 > 3 || (size|delta|key)&1 != 0 || end > uint(len(b)) || keyEnd+4 > end {
		return 0
	}
	value, n5 := shortVarint(binary.LittleEndian.Uint32(b[keyEnd:]))
	from := keyEnd + n5
	valueEnd := from + uint(value>>1)
	offset := int64(delta >> 1)
	if n5 > 3 || value&1 != 0 || valueEnd >= end || offset <= last || offset > int64(h.lastDelta) {
		return 0
	}
	rec.HeaderCount, rec.Headers = 0, nil
	if headers := b[valueEnd+1 : end : end]; b[valueEnd] != 0 || len(headers) > 0 {
		if b[valueEnd] != uint8(2*before.HeaderCount) || before.HeaderCount > 63 || string(headers) != string(before.Headers) {
			return 0
		}
		rec.HeaderCount, rec.Headers = before.HeaderCount, headers
	}
	rec.Offset, rec.Timestamp = h.base+offset, h.firstTime+(int64(timeDelta>>1)^-int64(timeDelta&1))
	rec.Key, rec.Value = b[at:keyEnd:keyEnd], b[from:valueEnd:valueEnd]
	return int(end)
}

// shortVarint reads the varint that the first three bytes of w hold, without its zigzag, and says how many it takes; 5: it is
// longer.
func shortVarint(w uint32) (v uint32, n uint) {
	ends := ^w & 0x808080
	v = w & (ends ^ (ends - 1))
	return v&0x7f | v>>1&0x3f80 | v>>2&0x1fc000, uint(bits.TrailingZeros32(ends))>>3 + 1
}

func skipHeaders(r []byte, at int, n int64) int {
	for ; n > 0; n-- {
		key, after := blob(r, at)
		if after < 0 || key == nil {
			return -1
		}
		if _, at = blob(r, after); at < 0 {
			return -1
		}
	}
	return at
}
