package stream

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
	for n := range h.count {
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
		if rec.Offset >= from {
			to = append(to, rec)
		}
	}
	if i != len(b) {
		return to, fmt.Errorf("%d bytes left over after %d records", len(b)-i, h.count)
	}
	return to, nil
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
