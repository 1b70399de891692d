package collect

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"headcount/events/stream"
)

// mostAttributes is how many attributes an event of binary mode may have.
const mostAttributes = 64

var errAttributes = errors.New("more than 64 ce- headers")

// binaryMode says whether attributes stand in headers.
func binaryMode(h http.Header) bool {
	return h.Get("Ce-Specversion") != "" || h.Get("Ce-Type") != ""
}

// binaryPart makes ce- headers those of a record, as the Kafka binding of CloudEvents has them; the HTTP binding percent-encodes what does not
// fit a header. No other header goes on but the content type.
func binaryPart(h http.Header, body []byte) (part, error) {
	p := part{value: body}
	for name, values := range h {
		attribute, is := strings.CutPrefix(name, "Ce-") // canonical, as net/http has it
		if !is {
			continue
		}
		for _, v := range values { // an attribute that is there twice stays so, and makes a dead letter
			if u, err := url.PathUnescape(v); err == nil {
				v = u
			}
			p.headers = append(p.headers, stream.Header{Key: "ce_" + strings.ToLower(attribute), Value: []byte(v)})
		}
		if len(p.headers) > mostAttributes {
			return p, errAttributes
		}
	}
	slices.SortStableFunc(p.headers, func(a, b stream.Header) int { return strings.Compare(a.Key, b.Key) })
	if media := h.Get("Content-Type"); media != "" {
		p.headers = append(p.headers, stream.Header{Key: "content-type", Value: []byte(media)})
	}
	if p.value == nil {
		p.value = []byte{}
	}
	return p, nil
}
