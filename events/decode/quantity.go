package decode

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"headcount/events"
)

// The longest names of a quantity, bytes.
const (
	MaxMeterBytes  = 64
	MaxSourceBytes = 256
)

// reported gives the verdict on a usage.reported, whose members hold what it says. Its month is the one it names: at only says
// which month is the latest it can be.
func (d *Decoder) reported(r *events.Record, e *events.Event, h *head, at int64) error {
	newest, err := d.newest(at)
	if err != nil {
		return err
	}
	if e.App == nil {
		return reject(e, whyNoApp(h))
	}
	q, month, why := d.readQuantity(newest)
	if why != "" {
		return reject(e, why)
	}
	e.Month = month
	if d.tooOld(r, month) || month > d.bounds.last {
		return rejectFarOff(e)
	}
	if month < d.topic.From {
		return beforeBooks(e)
	}
	if month < d.floor {
		e.Outcome = events.Expired
		return nil
	}
	rules, err := d.load(month)
	if err != nil {
		return err
	}
	if len(r.Value) > rules.rules.Limits.RecordBytes {
		return reject(e, events.OverLimit)
	}
	e.Outcome, e.Day, e.Quantity = events.Reported, q.Day, q
	return nil
}

// newest returns the month of an instant. Beyond the bounds no month's rules are asked for.
func (d *Decoder) newest(at int64) (events.Month, error) {
	if at < d.bounds.from || at >= d.bounds.until {
		return events.MonthAt(d.zone, at), nil
	}
	now, finished, err := d.at(at)
	if err != nil {
		return 0, err
	}
	if finished { // the rules are then of a later month
		return events.MonthAt(d.zone, at), nil
	}
	return now.month, nil
}

// readQuantity reads a quantity and its month from members, or says what is wrong with it.
func (d *Decoder) readQuantity(newest events.Month) (q *events.Quantity, month events.Month, why events.Reason) {
	if why = d.checkShapes(); why != "" {
		return nil, 0, why
	}
	month, ok := readMonth(d.members[slotMonth].val)
	if !ok || month < events.MonthAt(d.zone, d.topic.OldestMS) {
		return nil, 0, events.BadMonth
	}
	if month > newest {
		return nil, 0, events.FutureMonth
	}
	q = &events.Quantity{}
	if day := d.members[slotDay].val; len(day) > 0 {
		if q.Day, ok = readDay(day, month); !ok {
			return nil, 0, events.BadDay
		}
	}
	meter, source := d.members[slotMeter].val, d.members[slotSource].val
	if !named(meter, MaxMeterBytes) {
		return nil, 0, events.BadMeter
	}
	if !named(source, MaxSourceBytes) {
		return nil, 0, events.BadSource
	}
	q.Meter, q.Source = string(meter), string(source)
	if q.Value, ok = readValue(d.members[slotValue].val); !ok {
		return nil, 0, events.BadValue
	}
	if revision := d.members[slotRevision].val; len(revision) > 0 {
		if q.Revision, ok = readRevision(revision); !ok {
			return nil, 0, events.BadRevision
		}
	}
	return q, month, ""
}

// checkShapes says whether what a quantity is read from is text, each once; its revision may be a number.
func (d *Decoder) checkShapes() events.Reason {
	for _, s := range [...]slot{slotMeter, slotMonth, slotDay, slotSource, slotValue, slotRevision} {
		switch m := &d.members[s]; {
		case m.shape == repeated:
			return events.DuplicateName
		case m.shape == other, m.shape == number && s != slotRevision:
			return events.NotString
		case m.shape == notUTF8, m.shape == text && !utf8.Valid(m.val): // of a header; JSON is checked already
			return events.BadUTF8
		case m.shape == loneSurrogate:
			return events.BadSurrogate
		}
	}
	return ""
}

func readMonth(b []byte) (events.Month, bool) {
	m, err := events.ParseMonth(string(b))
	return m, err == nil
}

// readDay reads a day of the month: its date, 2026-10-03, or its number, 3 or 03.
func readDay(b []byte, m events.Month) (events.Day, bool) {
	if len(b) == len("2026-10-03") {
		if !bytes.HasPrefix(b, []byte(m.String())) || b[7] != '-' {
			return 0, false
		}
		b = b[8:]
	}
	if len(b) > 2 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b), 10, 8)
	return events.Day(n), err == nil && n >= 1 && int(n) <= m.Days()
}

// readValue reads a decimal integer of digits alone, below 2^63.
func readValue(b []byte) (int64, bool) {
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

// readRevision reads an integer, written as a JSON number or, in a string or a header, as digits.
func readRevision(b []byte) (int64, bool) {
	digits, _ := bytes.CutPrefix(b, []byte("-"))
	n, ok := readValue(digits)
	if len(digits) < len(b) {
		n = -n
	}
	return n, ok && len(digits) > 0
}
