package decode

import (
	"math"

	"headcount/events"
)

// Which times are counted at all is decided by a record's own times, the topic's rules and what is sealed: no rules of a month are made
// or asked for. So whoever writes records, with whatever clock, opens no month beyond the bounds, and uses up none that others need.

// bounds are those of the times that are counted, milliseconds since 1970.
type bounds struct {
	from  int64        // where the books open
	until int64        // from which on it is too long after what is sealed, or after the books' opening
	last  events.Month // the month that ends there
	near  int64        // so far behind its record's a time may always lie
}

// setBounds follows the topic's rules and the floor. Without either there is no bound but MonthsBack.
func (d *Decoder) setBounds() {
	b := bounds{from: d.topic.FromMS, until: math.MaxInt64, last: math.MaxInt32, near: math.MaxInt64}
	if back := events.Month(d.topic.MonthsBack); back > 0 && d.zone != nil {
		b.near = int64(back) * 27 * 86400_000 // at least so long are as many whole months, and some hours
		if after := max(d.floor, d.topic.From); after != 0 {
			b.last = after + back
			b.until = events.DayStart(d.zone, b.last.Year(), b.last.Calendar()+1, 1) * 1000
		}
	}
	d.bounds = b
}

// stamped says whether a record has a timestamp: one of a clock that was never set, or in seconds, is none.
func (d *Decoder) stamped(r *events.Record) bool {
	return r.Timestamp > 0 && r.Timestamp >= d.topic.OldestMS
}

// farOff says whether a time lies in a month that is too far from its record's, or from what is sealed.
func (d *Decoder) farOff(r *events.Record, at int64) bool {
	if at >= d.bounds.until {
		return true
	}
	return r.Timestamp-at > d.bounds.near && d.tooOld(r, events.MonthAt(d.zone, at))
}

// tooOld says whether a month lies too many months before that of the record's timestamp.
func (d *Decoder) tooOld(r *events.Record, m events.Month) bool {
	if d.topic.MonthsBack == 0 || !d.stamped(r) {
		return false
	}
	return r.Timestamp >= latest || int(events.MonthAt(d.zone, r.Timestamp)-m) > d.topic.MonthsBack
}

// rejectFarOff gives the verdict on an event, or a quantity, of a month that is too far off.
func rejectFarOff(e *events.Event) error {
	e.FarOff = true
	return reject(e, events.OverLimit)
}

// beforeBooks gives the verdict on an event, or a quantity, of a month before the books.
func beforeBooks(e *events.Event) error {
	e.Outcome = events.BeforeBooks
	return nil
}
