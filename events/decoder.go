package events

import (
	"bytes"
	"cmp"
	"fmt"
	"time"
	"unicode/utf8"
)

// Decoder reads the records of one topic. Not for concurrent use.
//
// A batch is decoded at once: Reset, then Decode for each record, then use of the events. They alias the records and the
// decoder's scratch until the next Reset.
type Decoder struct {
	book  Rulebook
	keys  *Keyring
	topic *TopicRules
	zone  *time.Location
	plain bool  // the fields are those of CloudEvents
	err   error // of the topic's rules: given by every Decode

	floor   Month // months before it are finished; 0: none
	months  map[Month]*month
	current *month // the month of the last event

	members   [slots]member
	arena     arena
	skeletons skeletons
	places    [16]places
	strict    *strict
	prints    fingerprinter
	owed      owed
	dates     timeReader

	headers     []byte // the last ones that said structured: a producer's are the same in all its records
	headerCount int
}

// NewDecoder returns a decoder by the rules of book, with the keys that they name.
func NewDecoder(book Rulebook, keys *Keyring) *Decoder {
	d := &Decoder{book: book, keys: keys, topic: book.TopicRules(), months: map[Month]*month{}}
	d.skeletons.credit, d.skeletons.layouts.credit = mostCredit, mostCredit
	d.plain = d.topic.Fields.resolved() == cloudEvents
	d.strict = newStrict(d.topic.Fields, &d.members, &d.arena)
	if d.zone, d.err = d.topic.Zone(); d.err != nil {
		d.err = fmt.Errorf("topic rules: %w", d.err)
	}
	return d
}

// Reset ends the life of all events decoded since the last Reset.
func (d *Decoder) Reset() { d.arena.reset() }

// SetFloor says that months before m are finished: their events are Expired. Their types are looked up in the rules of m. 0: no
// month is finished.
func (d *Decoder) SetFloor(m Month) {
	d.floor, d.current = m, nil
	for old := range d.months {
		if old < m {
			delete(d.months, old)
		}
	}
}

// head is what is read of every event.
type head struct{ kind, guid, app, time []byte } // nil or empty: absent

// DecodeBatch reads records, one into each event, up to the first that is ours (Control), and returns how many it read. An error
// is the rulebook's, or wraps ErrUnknownKey; a record is never the reason of one: the events before it are good.
func (d *Decoder) DecodeBatch(recs []Record, to []Event) (n int, err error) {
	for n < len(recs) {
		i := n % len(d.places)
		if i == 0 {
			for j := range recs[n:min(n+len(d.places), len(recs))] {
				d.skeletons.ahead(recs[n+j].Value, &d.places[j])
			}
		}
		if err = d.decode(&recs[n], &d.places[i], &to[n]); err != nil {
			break
		}
		n++
		if to[n-1].Outcome == Control { // it may be a seal, after which records read otherwise
			break
		}
	}
	d.owed.settle()
	return n, err
}

// Decode is DecodeBatch of one record. It overwrites e, except for what it does not set on an error.
func (d *Decoder) Decode(r *Record, e *Event) error {
	d.skeletons.ahead(r.Value, &d.places[0])
	err := d.decode(r, &d.places[0], e)
	d.owed.settle()
	return err
}

// decode is Decode, but that it owes the fingerprint.
func (d *Decoder) decode(r *Record, p *places, e *Event) error {
	*e = Event{}
	if d.err != nil {
		return d.err
	}
	how := structured
	if len(r.Headers)|r.HeaderCount != 0 && (len(d.headers) == 0 || r.HeaderCount != d.headerCount || string(r.Headers) != string(d.headers)) {
		var why Reason
		how, why = d.readHeaders(r)
		if r.Value == nil && how != binaryMode {
			return nil // Tombstone
		}
		if how == unreadable {
			return reject(e, why)
		}
		if how == structured && len(r.Headers) <= maxKnownHeaders {
			d.headers, d.headerCount = append(d.headers[:0], r.Headers...), r.HeaderCount
		}
	} else if r.Value == nil {
		return nil // Tombstone
	}
	var h head
	var why Reason
	if how != structured || !d.plain || !d.skeletons.scan(r.Value, p, &h) || string(h.kind) == reportedType {
		if how == structured {
			if why = d.strict.read(r.Value); why != "" {
				return reject(e, why)
			}
		}
		h, why = d.head()
	}
	if named(h.app, MaxAppBytes) {
		e.App = h.app
	}
	e.GUID = h.guid
	if why != "" {
		return reject(e, why)
	}
	return d.judge(r, e, &h)
}

// maxKnownHeaders is the most bytes of headers that are remembered.
const maxKnownHeaders = 256

// MaxAppBytes is the longest id of an app, bytes.
const MaxAppBytes = 64

func reject(e *Event, why Reason) error {
	e.Outcome, e.Reason = Rejected, why
	return nil
}

// head takes what is read of every event from members, and says what is wrong with it.
func (d *Decoder) head() (h head, why Reason) {
	if c := &d.members[slotControl]; c.shape == text && bytes.HasPrefix(c.val, []byte(controlPrefix)) {
		return head{kind: c.val}, ""
	}
	for i, to := range [...]*[]byte{slotType: &h.kind, slotGUID: &h.guid, slotApp: &h.app, slotTime: &h.time} {
		switch m := &d.members[i]; m.shape {
		case text:
			*to = m.val
			if !utf8.Valid(m.val) { // of a header; JSON is checked already
				*to, why = nil, cmp.Or(why, badUTF8)
			}
		case repeated:
			why = cmp.Or(why, duplicateName)
		case number, other:
			why = cmp.Or(why, notString)
		}
	}
	return h, why
}

// judge gives the verdict on an event whose head is well-formed.
func (d *Decoder) judge(r *Record, e *Event, h *head) error {
	var t instant
	if len(h.time) > 0 {
		var ok bool
		if t, ok = d.dates.readTime(h.time); !ok {
			return reject(e, badTime)
		}
	}
	if len(h.kind) == 0 {
		return reject(e, noType)
	}
	if h.kind[0] == controlPrefix[0] && bytes.HasPrefix(h.kind, []byte(controlPrefix)) {
		e.Outcome, e.Type = Control, h.kind
		return nil
	}
	at, ok := d.effective(r, e, t, len(h.time) > 0)
	if !ok {
		return reject(e, noTime)
	}
	if string(h.kind) == reportedType {
		return d.reported(r, e, at)
	}
	m, finished, err := d.at(at)
	if err != nil {
		return err
	}
	kind, known := m.kinds.find(h.kind)
	if !known {
		e.Outcome, e.Type = Unknown, h.kind
		return nil
	}
	if e.App == nil {
		if len(h.app) == 0 {
			return reject(e, noApp)
		}
		return reject(e, badApp)
	}
	if len(h.guid) == 0 {
		return reject(e, noGUID)
	}
	if len(h.guid) > MaxGUIDBytes {
		return reject(e, badGUID)
	}
	if len(r.Value) > m.rules.Limits.RecordBytes {
		return reject(e, OverLimit)
	}
	e.Kind = kind
	if finished {
		e.Outcome, e.Month = Expired, MonthAt(d.zone, at)
		return nil
	}
	e.Outcome, e.Month, e.Day = Counted, m.month, m.rules.DayOf(at)
	if in := d.owed.to(m.key, e); kind == Login {
		d.prints.user(in, h.guid)
	} else {
		d.prints.device(in, h.guid)
	}
	return nil
}

// latest is the first instant of year 10000, with room for any zone: no month can be named after it.
const latest = 253402300800_000 - 36*3600_000

// effective returns the time that counts: the event's, or the record's timestamp where the event has none or its clock is
// wrong.
func (d *Decoder) effective(r *Record, e *Event, t instant, has bool) (int64, bool) {
	at := t.ms
	if has {
		ahead := t.ms - d.topic.SkewMS
		e.Skewed = t.ms < d.topic.OldestMS || r.Timestamp > 0 && (ahead > r.Timestamp || ahead == r.Timestamp && t.more)
	}
	if !has || e.Skewed {
		at = r.Timestamp
	}
	return at, at > 0 && at < latest
}
