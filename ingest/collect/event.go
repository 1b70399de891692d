package collect

import (
	"slices"
	"time"

	"headcount/events"
	"headcount/events/decode"
	"headcount/events/stream"
	"headcount/ingest/collect/keyring"
)

// reader reads events as a shard will.
type reader struct {
	decoder *decode.Decoder
	headers []byte
}

// judge makes records of events, and says which of them will be dead letters. key is nil where whoever comes may send. The records' bytes are
// those of the request.
func (d *Door) judge(parts []part, key *keyring.Key, now time.Time) ([]stream.Message, []Dead, error) {
	rd := d.decoders.Get().(*reader)
	defer d.decoders.Put(rd)
	messages := make([]stream.Message, len(parts))
	var dead []Dead
	for i := range parts {
		p := &parts[i]
		e, err := rd.read(p, now)
		if err != nil {
			return nil, nil, err
		}
		if key != nil && d.cfg.FillApp && e.Outcome == events.Rejected && e.Reason == events.NoApp {
			if e, err = rd.fill(p, key.App, now, e); err != nil {
				return nil, nil, err
			}
		}
		reason := events.Reason("")
		if e.Outcome == events.Rejected {
			reason = e.Reason
		}
		answers := ""
		if key != nil {
			answers = key.App
		}
		switch {
		case e.Outcome == events.Control:
			reason = events.ReservedType
		case key != nil && len(e.App) > 0 && string(e.App) != key.App:
			reason = events.OtherApp
		}
		switch {
		case reason == events.ReservedType || reason == events.OtherApp:
			p.door(events.DoorVerdict(reason, answers))
		case reason != "" && len(e.App) == 0 && key != nil: // nobody else's invoice waits for it
			p.door(events.DoorSender(answers))
		}
		if reason != "" {
			dead = append(dead, Dead{i, reason})
		}
		m := &messages[i]
		*m = stream.Message{Partition: -1, Value: p.value, Headers: p.headers, Time: now}
		if e.Quantity != nil || len(e.GUID) > 0 {
			m.Key = e.Key()
		}
	}
	return messages, dead, nil
}

// read decodes one event; it is valid until the next.
func (rd *reader) read(p *part, now time.Time) (e events.Event, err error) {
	r := events.Record{Timestamp: now.UnixMilli(), Value: p.value}
	if len(p.headers) > 0 {
		rd.headers = stream.EncodeHeaders(rd.headers[:0], p.headers)
		r.Headers, r.HeaderCount = rd.headers, len(p.headers)
	}
	rd.decoder.Reset()
	err = rd.decoder.Decode(&r, &e)
	return e, err
}

// door puts a header of the door's before all others: dead letters keep the first ones.
func (p *part) door(value []byte) {
	p.headers = slices.Insert(p.headers, 0, stream.Header{Key: events.DoorHeader, Value: value})
}

const appAttribute = "superapp"

// fill names the app of an event that names none, where that makes it one that counts; e is what it is without.
func (rd *reader) fill(p *part, app string, now time.Time, e events.Event) (events.Event, error) {
	filled := part{value: p.value, headers: p.headers}
	if len(p.headers) > 0 {
		filled.headers = append(slices.Clip(p.headers), stream.Header{Key: "ce_" + appAttribute, Value: []byte(app)})
	} else {
		var ok bool
		if filled.value, ok = events.AddAttribute(p.value, appAttribute, app); !ok {
			return e, nil
		}
	}
	with, err := rd.read(&filled, now)
	if err != nil {
		return e, err
	}
	if with.Outcome == events.Rejected && (with.Reason == events.DuplicateName || with.Reason == events.NoApp) { // it is there, and empty or null
		return rd.read(p, now)
	}
	*p = filled
	return with, nil
}
