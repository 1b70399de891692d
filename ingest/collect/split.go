package collect

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"headcount/events/stream"
)

// part is one event of a request.
type part struct {
	value   []byte
	headers []stream.Header // of binary mode; else none
}

// split takes a body apart, by its content type: a CloudEvent in structured or binary mode, a batch of them, or one a line.
func (d *Door) split(r *http.Request, body []byte) ([]part, *answer) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		media, _, _ = strings.Cut(r.Header.Get("Content-Type"), ";")
	}
	if binaryMode(r.Header) && !strings.HasPrefix(media, "application/cloudevents") {
		p, err := binaryPart(r.Header, body)
		if err != nil {
			return nil, no(http.StatusBadRequest, err.Error())
		}
		return d.bounded([]part{p})
	}
	var values [][]byte
	switch media {
	case "application/cloudevents+json":
		values = [][]byte{body}
	case "application/cloudevents-batch+json":
		values, err = splitArray(body, d.cfg.MaxEvents)
	case "application/x-ndjson", "application/jsonl", "application/ndjson":
		values, err = splitLines(body, d.cfg.MaxEvents)
	case "application/json", "text/plain", "": // a beacon's is text/plain
		if text := bytes.TrimLeft(body, space); len(text) > 0 && text[0] == '[' {
			values, err = splitArray(body, d.cfg.MaxEvents)
		} else {
			values = [][]byte{body}
		}
	default:
		return nil, no(http.StatusUnsupportedMediaType, fmt.Sprintf("content type %.80q: want application/cloudevents+json, application/cloudevents-batch+json, or ce- headers", media))
	}
	if errors.Is(err, errTooMany) {
		return nil, no(http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d events: send fewer at a time", d.cfg.MaxEvents))
	}
	if err != nil {
		return nil, no(http.StatusBadRequest, "the batch is no JSON array: "+err.Error())
	}
	parts := make([]part, len(values))
	for i, v := range values {
		parts[i].value = v
	}
	return d.bounded(parts)
}

func (d *Door) bounded(parts []part) ([]part, *answer) {
	for i := range parts {
		if n := len(parts[i].value); n > d.cfg.MaxEvent {
			return nil, no(http.StatusRequestEntityTooLarge, fmt.Sprintf("event %d has %d bytes: one may have %d, as the log takes them", i, n, d.cfg.MaxEvent))
		}
	}
	return parts, nil
}

const space = " \t\r\n"

// splitLines returns the lines of a body that are not empty. errTooMany: there are more than most.
func splitLines(body []byte, most int) (values [][]byte, err error) {
	for line := range bytes.Lines(body) {
		if line = bytes.Trim(line, space); len(line) > 0 {
			if len(values) == most {
				return nil, errTooMany
			}
			values = append(values, line)
		}
	}
	return values, nil
}

var (
	errNoArray  = errors.New("it does not begin with [")
	errNoEnd    = errors.New("it does not end")
	errNoValue  = errors.New("a value is missing between commas")
	errTrailing = errors.New("something follows its end")
	errTooMany  = errors.New("too many events") // not split any further: where each lies takes more memory than a small event
)

// splitArray finds where the elements of a JSON array lie. Each is text between commas outside of strings and brackets; whether it is JSON
// is for whoever reads it. errTooMany: there are more than most.
func splitArray(b []byte, most int) (values [][]byte, err error) {
	i := skipSpace(b, 0)
	if i == len(b) || b[i] != '[' {
		return nil, errNoArray
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == ']' {
		return nil, atEnd(b, i+1)
	}
	begin, depth := i, 0
	for i < len(b) {
		switch b[i] {
		case '"':
			end := endOfString(b, i+1)
			if end < 0 {
				return nil, errNoEnd
			}
			i = end
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth > 0 {
				depth--
				break
			}
			if b[i] == '}' {
				return nil, errNoEnd
			}
			v := bytes.TrimRight(b[begin:i], space)
			if len(v) == 0 {
				return nil, errNoValue
			}
			if len(values) == most {
				return nil, errTooMany
			}
			return append(values, v), atEnd(b, i+1)
		case ',':
			if depth > 0 {
				break
			}
			v := bytes.TrimRight(b[begin:i], space)
			if len(v) == 0 {
				return nil, errNoValue
			}
			if len(values) == most {
				return nil, errTooMany
			}
			values = append(values, v)
			i = skipSpace(b, i+1)
			begin = i
			continue
		}
		i++
	}
	return nil, errNoEnd
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

func atEnd(b []byte, i int) error {
	if skipSpace(b, i) < len(b) {
		return errTrailing
	}
	return nil
}

// endOfString returns where what follows a string begins, whose text begins at i; −1: it does not end.
func endOfString(b []byte, i int) int {
	for {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		back := 0
		for k := i + n - 1; k >= i && b[k] == '\\'; k-- {
			back++
		}
		i += n + 1
		if back%2 == 0 {
			return i
		}
	}
}
