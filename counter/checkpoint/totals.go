package checkpoint

import (
	"encoding/binary"
	"fmt"
	"strings"

	"headcount/counter"
	"headcount/events"
)

func appendTotals(b []byte, totals []counter.Total) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(len(totals)))
	for _, t := range totals {
		if len(t.Meter) > maxText || len(t.Source) > maxText || t.Day > 31 || t.Value < 0 {
			return nil, fmt.Errorf("quantity of meter %.80q, source %.80q, day %d, value %d: out of the format's range", t.Meter, t.Source, t.Day, t.Value)
		}
		b = appendString(b, t.Meter)
		b = appendString(b, t.Source)
		b = append(b, byte(t.Day))
		b = appendVarint(b, t.Revision)
		b = binary.AppendUvarint(b, uint64(t.Value))
	}
	return b, nil
}

// parseTotals decodes totals, which are sorted and without repeats.
func parseTotals(c *cursor, max uint64) []counter.Total {
	var totals []counter.Total
	for i := range c.count(max, 5) {
		var t counter.Total
		t.Meter = c.string(maxText)
		t.Source = c.string(maxText)
		t.Day = events.Day(c.byte(31))
		t.Revision = c.varint()
		t.Value = int64(c.uvarint(1<<63 - 1))
		if i > 0 && compareTotals(totals[i-1], t) >= 0 {
			c.fail()
		}
		if c.err != nil {
			return nil
		}
		totals = append(totals, t)
	}
	return totals
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
