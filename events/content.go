package events

import (
	"bytes"
	"strings"
)

// mode is how a record carries its event.
type mode uint8

const (
	structured mode = iota // JSON in the value
	binaryMode             // CloudEvents attributes in headers; the value is not looked at
	unreadable             // neither
)

// attributes are the headers of binary mode that are read.
var attributes = [...]struct {
	header string
	slot   slot
}{
	{"ce_type", slotType}, {"ce_subject", slotGUID}, {"ce_superapp", slotApp}, {"ce_time", slotTime},
	{"ce_meter", slotMeter}, {"ce_month", slotMonth}, {"ce_day", slotDay}, {"ce_source", slotSource},
	{"ce_value", slotValue}, {"ce_revision", slotRevision},
}

// readHeaders finds the mode and, for binary mode, what is read. Only application/cloudevents+json, and no content type at all,
// are structured; of what is no CloudEvent (configured fields) any JSON type is. CloudEvents in other formats, such as Avro, are
// unreadable.
func (d *Decoder) readHeaders(r *Record) (mode, Reason) {
	d.members = [slots]member{}
	var contentType []byte
	types, binary := 0, false
	it := headers{rest: r.Headers}
	for range r.HeaderCount {
		key, value, ok := it.next()
		if !ok {
			return unreadable, badHeaders
		}
		if string(key) == "content-type" {
			if types++; types > 1 {
				return unreadable, duplicateName
			}
			contentType = value
			continue
		}
		if !bytes.HasPrefix(key, []byte("ce_")) {
			continue
		}
		binary = true
		for i := range attributes {
			if string(key) == attributes[i].header {
				d.members[attributes[i].slot].set(value, text)
			}
		}
	}
	if len(it.rest) > 0 {
		return unreadable, badHeaders
	}
	media, _, _ := bytes.Cut(contentType, []byte(";"))
	media = bytes.Trim(media, " \t")
	switch {
	case len(media) == 0 && !binary, bytes.EqualFold(media, []byte("application/cloudevents+json")):
		return structured, ""
	case hasPrefixFold(media, "application/cloudevents"):
		return unreadable, badContentType
	case binary:
		return binaryMode, ""
	case !d.plain && (bytes.EqualFold(media, []byte("application/json")) || hasSuffixFold(media, "+json")):
		return structured, ""
	}
	return unreadable, badContentType
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && strings.EqualFold(string(b[:len(prefix)]), prefix)
}

func hasSuffixFold(b []byte, suffix string) bool {
	return len(b) >= len(suffix) && strings.EqualFold(string(b[len(b)-len(suffix):]), suffix)
}
