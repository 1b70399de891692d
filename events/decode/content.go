package decode

import (
	"bytes"
	"strings"

	"headcount/events"
)

// mode is how a record carries its event.
type mode uint8

const (
	structured mode = iota // JSON in the value
	binaryMode             // CloudEvents attributes in headers; the value is not looked at
	unreadable             // neither
)

// attribute returns where the value of a header of binary mode goes, by its name after ce_.
func attribute(name []byte) (slot, bool) {
	switch string(name) {
	case "type":
		return slotType, true
	case "subject":
		return slotGUID, true
	case "superapp":
		return slotApp, true
	case "time":
		return slotTime, true
	case "meter":
		return slotMeter, true
	case "month":
		return slotMonth, true
	case "day":
		return slotDay, true
	case "source":
		return slotSource, true
	case "value":
		return slotValue, true
	case "revision":
		return slotRevision, true
	case "signature":
		return slotSignature, true
	}
	return 0, false
}

// readHeaders finds the mode and, for binary mode, what is read. Only application/cloudevents+json, and no content type at all,
// are structured; a door's verdict is final; of what is no CloudEvent (configured fields) any JSON type is. CloudEvents in other formats, such as Avro, are
// unreadable.
func (d *Decoder) readHeaders(r *events.Record) (mode, events.Reason) {
	var contentType []byte
	types, binary, quoted := 0, false, false
	var door events.Reason
	it := r.EncodedHeaders()
	for range r.HeaderCount {
		key, value, ok := it.Next()
		if !ok {
			d.answers = nil
			return unreadable, events.BadHeaders
		}
		if string(key) == "content-type" {
			types++
			contentType = value
			continue
		}
		if string(key) == events.DoorHeader {
			switch reason, app, ok := events.ReadDoor(value); {
			case ok && reason != "" && door == "":
				door, d.answers = reason, app
			case ok && reason == "" && door == "" && d.answers == nil:
				d.answers = app
			}
			continue
		}
		if len(key) < 3 || string(key[:3]) != "ce_" {
			continue
		}
		if !binary {
			binary = true
			d.members = [slots]member{}
		}
		if to, ok := attribute(key[3:]); ok {
			if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
				quoted = true
			}
			d.members[to].set(value, text)
		}
	}
	if len(it.Rest()) > 0 {
		d.answers = nil
		return unreadable, events.BadHeaders
	}
	if door != "" {
		return unreadable, door
	}
	if types > 1 {
		return unreadable, events.DuplicateName
	}
	media, _, _ := bytes.Cut(contentType, []byte(";"))
	media = bytes.Trim(media, " \t")
	switch {
	case len(media) == 0 && !binary, bytes.EqualFold(media, []byte("application/cloudevents+json")):
		return structured, ""
	case hasPrefixFold(media, "application/cloudevents"):
		return unreadable, events.BadContentType
	case binary && quoted:
		return unreadable, events.QuotedHeader
	case binary:
		return binaryMode, ""
	case !d.plain && (bytes.EqualFold(media, []byte("application/json")) || hasSuffixFold(media, "+json")):
		return structured, ""
	}
	return unreadable, events.BadContentType
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && strings.EqualFold(string(b[:len(prefix)]), prefix)
}

func hasSuffixFold(b []byte, suffix string) bool {
	return len(b) >= len(suffix) && strings.EqualFold(string(b[len(b)-len(suffix):]), suffix)
}
