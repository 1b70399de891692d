package collect

import (
	"slices"
	"time"

	"headcount/events"
	"headcount/events/decode"
	"headcount/events/identity"
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
		if key != nil && d.cfg.FillApp && e.Outcome == events.Rejected && e.Reason == events.NoApp && p.fillApp(key.App) {
			if e, err = rd.read(p, now); err != nil {
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
		if reason == events.ReservedType || reason == events.OtherApp {
			p.headers = append(p.headers, stream.Header{Key: events.DoorHeader, Value: events.DoorVerdict(reason, answers)})
		}
		if reason != "" {
			dead = append(dead, Dead{i, reason})
		}
		m := &messages[i]
		*m = stream.Message{Partition: -1, Value: p.value, Headers: p.headers, Time: now}
		switch {
		case e.Quantity != nil: // all of a reporter's in one partition, as `ingest load` and `ingest report` have them
			m.Key = []byte(e.Quantity.Source)
		case len(e.GUID) > 0:
			m.Key = identity.Canonical(e.GUID)
		}
	}
	return messages, dead, nil
}

// read decodes one event; it is valid until the next.
func (rd *reader) read(p *part, now time.Time) (e events.Event, err error) {
	r := events.Record{Timestamp: now.UnixMilli(), Value: p.value}
	if len(p.headers) > 0 {
		rd.headers = rd.headers[:0]
		for _, h := range p.headers {
			rd.headers = events.EncodeHeader(rd.headers, h.Key, h.Value)
		}
		r.Headers, r.HeaderCount = rd.headers, len(p.headers)
	}
	rd.decoder.Reset()
	err = rd.decoder.Decode(&r, &e)
	return e, err
}

const appAttribute = "superapp"

// fillApp names the app of an event that names none; false: it cannot be done, as where one is named and empty.
func (p *part) fillApp(app string) bool {
	if len(p.headers) > 0 {
		if slices.ContainsFunc(p.headers, func(h stream.Header) bool { return h.Key == "ce_"+appAttribute }) {
			return false
		}
		p.headers = append(p.headers, stream.Header{Key: "ce_" + appAttribute, Value: []byte(app)})
		return true
	}
	value, ok := events.AddAttribute(p.value, appAttribute, app)
	p.value = value
	return ok
}
