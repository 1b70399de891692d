package decode

import (
	"bytes"
	"cmp"
	"fmt"
	"time"
	"unicode/utf8"

	"headcount/events"
	"headcount/events/identity"
	"headcount/internal/appid"
)

// Decoder reads the records of one topic. Not for concurrent use.
//
// A batch is decoded at once: Reset, then Decode for each record, then use of the events. They alias the records and the
// decoder's scratch until the next Reset.
type Decoder struct {
	book  events.Rulebook
	topic *events.TopicRules
	zone  *time.Location
	plain bool   // the fields are those of CloudEvents
	app   []byte // of JSON that names none; nil: there is no such
	units int64  // of times that are numbers, in a second; 0: no time is
	err   error  // of the topic's rules: given by every Decode

	floor   events.Month // months before it are finished; 0: none
	bounds  bounds
	months  map[events.Month]*month
	current *month // the month of the last event

	members   [slots]member
	arena     arena
	skeletons skeletons
	places    [16]places
	strict    *strict
	ids       identity.IDs
	dates     timeReader

	answers     []byte // the app that a door names, as answering for the record at hand
	headers     []byte // the last ones that said structured: a producer's are the same in all its records
	headerCount int
}

// NewDecoder returns a decoder by the rules of book.
func NewDecoder(book events.Rulebook) *Decoder {
	d := &Decoder{book: book, topic: book.TopicRules(), months: map[events.Month]*month{}}
	d.skeletons.credit, d.skeletons.layouts.credit = mostCredit, mostCredit
	d.units = events.TimeUnits[d.topic.Fields.TimeUnit]
	if app := d.topic.Fields.AppConst; app != "" {
		d.app = []byte(app)
	}
	d.plain = d.topic.Fields.Resolved() == events.CloudEventsFields
	d.strict = newStrict(d.topic.Fields, &d.members, &d.arena)
	if d.zone, d.err = d.topic.Zone(); d.err != nil {
		d.err = fmt.Errorf("topic rules: %w", d.err)
	}
	d.setBounds()
	return d
}

// Reset ends the life of all events decoded since the last Reset.
func (d *Decoder) Reset() { d.arena.reset() }

// SetFloor says that months before m are finished: their events are Expired. Their types are looked up in the rules of m. 0: no
// month is finished.
func (d *Decoder) SetFloor(m events.Month) {
	d.floor, d.current = m, nil
	d.setBounds()
	for old := range d.months {
		if old < m {
			delete(d.months, old)
		}
	}
}

// head is what is read of every event.
type head struct{ kind, guid, app, time []byte } // nil or empty: absent

// DecodeBatch reads records, one into each event, up to the first that is ours (Control), and returns how many it read. An error
// is the rulebook's; a record is never the reason of one: the events before it are good.
func (d *Decoder) DecodeBatch(recs []events.Record, to []events.Event) (n int, err error) {
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
		if to[n-1].Outcome == events.Control { // it may be a seal, after which records read otherwise
			break
		}
	}
	return n, err
}

// Decode is DecodeBatch of one record. It overwrites e, except for what it does not set on an error.
func (d *Decoder) Decode(r *events.Record, e *events.Event) error {
	d.skeletons.ahead(r.Value, &d.places[0])
	return d.decode(r, &d.places[0], e)
}

func (d *Decoder) decode(r *events.Record, p *places, e *events.Event) error {
	err := d.read(r, p, e)
	if e.Outcome == events.Rejected && len(e.App) == 0 && named(d.answers, appid.MaxBytes) {
		e.App = d.answers
	}
	return err
}

func (d *Decoder) read(r *events.Record, p *places, e *events.Event) error {
	*e = events.Event{}
	d.answers = nil
	if d.err != nil {
		return d.err
	}
	how := structured
	if len(r.Headers)|r.HeaderCount != 0 && (len(d.headers) == 0 || r.HeaderCount != d.headerCount || string(r.Headers) != string(d.headers)) {
		var why events.Reason
		how, why = d.readHeaders(r)
		if r.Value == nil && how != binaryMode {
			return nil // Tombstone
		}
		if how == unreadable {
			return reject(e, why)
		}
		if how == structured && d.answers == nil && len(r.Headers) <= maxKnownHeaders {
			d.headers, d.headerCount = append(d.headers[:0], r.Headers...), r.HeaderCount
		}
	} else if r.Value == nil {
		return nil // Tombstone
	}
	var h head
	var why events.Reason
	if how != structured || !d.plain || !d.skeletons.scan(r.Value, p, &h) || string(h.kind) == events.ReportedType {
		if how == structured {
			if why = d.strict.read(r.Value); why != "" {
				return reject(e, why)
			}
		}
		h, why = d.head()
	}
	h.app, h.guid = identity.Trim(h.app), identity.Trim(h.guid)
	if named(h.app, appid.MaxBytes) {
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

// head takes what is read of every event from members, and says what is wrong with it.
func (d *Decoder) head() (h head, why events.Reason) {
	if c := &d.members[slotControl]; c.shape == text && bytes.HasPrefix(c.val, []byte(events.ControlPrefix)) {
		return head{kind: c.val}, ""
	}
	for i, to := range [...]*[]byte{slotType: &h.kind, slotGUID: &h.guid, slotApp: &h.app, slotTime: &h.time} {
		switch m := &d.members[i]; m.shape {
		case text:
			*to = m.val
			if !utf8.Valid(m.val) { // of a header; JSON is checked already
				*to, why = nil, cmp.Or(why, events.BadUTF8)
			}
		case notUTF8:
			why = cmp.Or(why, events.BadUTF8)
		case loneSurrogate:
			why = cmp.Or(why, events.BadSurrogate)
		case repeated:
			why = cmp.Or(why, events.DuplicateName)
		case number:
			if slot(i) == slotTime && d.units != 0 {
				*to = m.val
				continue
			}
			why = cmp.Or(why, events.NotString)
		case other:
			why = cmp.Or(why, events.NotString)
		}
	}
	if d.members[slotApp].shape == absent {
		h.app = d.app
	}
	return h, why
}
