package checkpoint

import (
	"encoding/binary"
	"fmt"
	"strings"

	"headcount/counter"
	"headcount/events"
)

func appendTotals(b []byte, totals []counter.Total) (_ []byte, err error) {
	b = binary.AppendUvarint(b, uint64(len(totals)))
	for i := range totals {
		if b, err = appendTotal(b, &totals[i]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func appendTotal(b []byte, t *counter.Total) ([]byte, error) {
	if len(t.Meter) > maxText || len(t.Source) > maxText || t.Day > 31 || t.Value < 0 {
		return nil, fmt.Errorf("quantity of meter %.80q, source %.80q, day %d, value %d: out of the format's range", t.Meter, t.Source, t.Day, t.Value)
	}
	b = appendString(b, t.Meter)
	b = appendString(b, t.Source)
	b = append(b, byte(t.Day))
	b = appendVarint(b, t.Revision)
	return binary.AppendUvarint(b, uint64(t.Value)), nil
}

// parseTotals decodes a count of at most max, and so many totals.
func parseTotals(c *cursor, max uint64) (totals []counter.Total) {
	for range c.count(max, 5) {
		totals = parseTotal(c, totals)
	}
	if c.err != nil {
		return nil
	}
	return totals
}

// parseTotal decodes one more total; they are sorted and without repeats.
func parseTotal(c *cursor, totals []counter.Total) []counter.Total {
	var t counter.Total
	t.Meter = c.string(maxText)
	t.Source = c.string(maxText)
	t.Day = events.Day(c.byte(31))
	t.Revision = c.varint()
	t.Value = int64(c.uvarint(1<<63 - 1))
	if n := len(totals); n > 0 && compareTotals(totals[n-1], t) >= 0 {
		c.fail()
	}
	if c.err != nil {
		return totals
	}
	return append(totals, t)
}

// compareTotals orders totals by what they are about: meter, source, day.
func compareTotals(a, b counter.Total) int {
	if v := strings.Compare(a.Meter, b.Meter); v != 0 {
		return v
	}
	if v := strings.Compare(a.Source, b.Source); v != 0 {
		return v
	}
	return int(a.Day) - int(b.Day)
}
