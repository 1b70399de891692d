package decode

import (
	"bytes"
	"time"

	"headcount/events"
	"headcount/events/identity"
)

// The verdict on an event is its Outcome, and where that is Rejected the reason that its dead letter gives. What is no event at all
// is rejected before, by its reader (strict.go, content.go); a quantity is judged in quantity.go.

func reject(e *events.Event, why events.Reason) error {
	e.Outcome, e.Reason = events.Rejected, why
	return nil
}

// judge gives the verdict on an event whose head is well-formed.
func (d *Decoder) judge(r *events.Record, e *events.Event, h *head) error {
	var t instant
	if len(h.time) > 0 {
		var ok bool
		if t, ok = d.dates.readTime(h.time); !ok {
			if d.units == 0 {
				return reject(e, events.BadTime)
			}
			if t, ok = readEpoch(h.time, d.units); !ok {
				return reject(e, events.BadEpoch)
			}
		}
	}
	if len(h.kind) == 0 {
		return reject(e, events.NoType)
	}
	if h.kind[0] == events.ControlPrefix[0] && bytes.HasPrefix(h.kind, []byte(events.ControlPrefix)) {
		e.Outcome, e.Type = events.Control, h.kind
		return nil
	}
	at, ok := d.effective(r, e, t, len(h.time) > 0)
	if !ok {
		return reject(e, events.NoTime)
	}
	if string(h.kind) == events.ReportedType {
		if d.stamped(r) && r.Timestamp < latest { // by which the month that it names is not to come yet
			at = r.Timestamp
		}
		return d.reported(r, e, h, at)
	}
	if d.farOff(r, at) {
		e.Month = events.MonthAt(d.zone, at)
		return rejectFarOff(e)
	}
	if at < d.bounds.from {
		e.Month = events.MonthAt(d.zone, at)
		return beforeBooks(e)
	}
	m, finished, err := d.at(at)
	if err != nil {
		return err
	}
	kind, known := m.kinds.Find(h.kind)
	if !known {
		e.Outcome, e.Type = events.Unknown, h.kind
		return nil
	}
	if e.App == nil {
		return reject(e, whyNoApp(h))
	}
	if len(h.guid) == 0 {
		return reject(e, events.NoGUID)
	}
	if len(h.guid) > identity.MaxGUIDBytes {
		return reject(e, events.BadGUID)
	}
	if len(r.Value) > m.rules.Limits.RecordBytes {
		return reject(e, events.OverLimit)
	}
	if kind == events.Login {
		d.ids.User(&e.ID, h.guid)
	} else {
		d.ids.Device(&e.ID, h.guid)
	}
	if m.noIDs.Has(&e.ID, h.guid) {
		return reject(e, events.Placeholder)
	}
	e.Kind = kind
	if finished {
		e.Outcome, e.Month = events.Expired, events.MonthAt(d.zone, at)
		return nil
	}
	e.Outcome, e.Month, e.Day = events.Counted, m.month, m.rules.DayOf(at)
	return nil
}

// whyNoApp says what is wrong with the app of an event that has none to count it for.
func whyNoApp(h *head) events.Reason {
	if len(h.app) == 0 {
		return events.NoApp
	}
	return events.BadApp
}

// latest is the first instant of year 10000, with room for any zone: no month can be named after it.
const latest = 253402300800_000 - 36*3600_000

// effective returns the time that counts: the event's, or the record's timestamp where the event has none or its clock is
// wrong. Where the record has none either, the event's is all there is: nothing says whether it lies ahead.
func (d *Decoder) effective(r *events.Record, e *events.Event, t instant, has bool) (int64, bool) {
	at, stamped := t.ms, d.stamped(r)
	if has {
		ahead := t.ms - d.topic.SkewMS
		e.Skewed = t.ms < d.topic.OldestMS || stamped && (ahead > r.Timestamp || ahead == r.Timestamp && t.more)
	}
	if !has || e.Skewed {
		if !stamped {
			return 0, false
		}
		if e.Skewed {
			e.Clock = events.ClockOf(time.UnixMilli(t.ms).UTC().Year(), time.UnixMilli(r.Timestamp).UTC().Year())
		}
		at, e.Untimed = r.Timestamp, !has
	}
	return at, at > 0 && at < latest
}
