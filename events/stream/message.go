package stream

import (
	"slices"

	"headcount/events"
	"headcount/events/stream/batch"
)

// Message is what Produce sends.
type Message = batch.Message

// Header is a record's header. A nil value is null.
type Header = batch.RecordHeader

// HeadersOf copies a record's headers, up to the first that the wire format does not allow.
func HeadersOf(r *events.Record) (headers []Header) {
	in := r.EncodedHeaders()
	for range r.HeaderCount {
		key, value, ok := in.Next()
		if !ok {
			break
		}
		headers = append(headers, Header{Key: string(key), Value: slices.Clone(value)})
	}
	return headers
}

// EncodeHeaders appends headers as a record has them.
func EncodeHeaders(dst []byte, headers []Header) []byte {
	for _, h := range headers {
		dst = events.EncodeHeader(dst, h.Key, h.Value)
	}
	return dst
}

// Original begins the name of a record's own header in its dead letter, where LetterHeader has that name.
const Original = "original-"

// LetterHeader says whether a dead letter has a header of that name of its own, and not of its record.
func LetterHeader(name string) bool {
	switch name {
	case "reason", "topic", "partition", "offset", "cut-from-bytes", "first-offset", "last-offset":
		return true
	}
	return false
}
