package recount

import (
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/twmb/franz-go/pkg/kgo"
)

// doorVerdicts are what a door may say of a record, in a header of its own, before a colon and the app that answers for it.
var doorVerdicts = []string{"other-app", "reserved-type"}

// door reads what a door said of the record: whether it has rejected it, and who answers for it. Without a verdict that is whose key it came with, who
// answers only where it is rejected and names no app.
func door(rec *kgo.Record) (app string, refused bool) {
	said := false
	for _, h := range rec.Headers {
		if h.Key != "headcount-door" {
			continue
		}
		word, of, ok := strings.Cut(string(h.Value), ":")
		switch {
		case ok && slices.Contains(doorVerdicts, word):
			return of, true
		case ok && word == "from" && !said:
			app, said = of, true
		}
	}
	return app, false
}

// headers finds how a record carries its event, and the attributes of binary mode.
func (d *decoder) headers(rec *kgo.Record) (fields map[string]field, how string) {
	var media string
	types, binary, quoted := 0, false, false
	fields = map[string]field{}
	for _, h := range rec.Headers {
		if h.Key == "content-type" {
			types++
			media = string(h.Value)
		}
		name, ok := strings.CutPrefix(h.Key, "ce_")
		if !ok {
			continue
		}
		binary = true
		f, there := fields[name]
		f = field{text: string(h.Value), twice: there || f.twice}
		f.bad = !utf8.Valid(h.Value)
		quoted = quoted || slices.Contains(names, name) && len(h.Value) > 1 && h.Value[0] == '"' && h.Value[len(h.Value)-1] == '"'
		fields[name] = f
	}
	if types > 1 {
		return nil, "unreadable"
	}
	delete(fields, "control")
	media, _, _ = strings.Cut(media, ";")
	media = strings.ToLower(strings.Trim(media, " \t"))
	switch {
	case media == "" && !binary, media == "application/cloudevents+json":
		return nil, "structured"
	case strings.HasPrefix(media, "application/cloudevents"):
		return nil, "unreadable"
	case binary && quoted:
		return nil, "unreadable"
	case binary:
		return fields, "binary"
	case !d.plain && (media == "application/json" || strings.HasSuffix(media, "+json")):
		return nil, "structured"
	}
	return nil, "unreadable"
}

// object reads one JSON object, strictly, and what lies at the paths. Broken text is no matter but in what is read.
func (d *decoder) object(text []byte) (map[string]field, bool) {
	d.text.Reset(text)
	dec := &d.json
	dec.Reset(&d.text, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if dec.PeekKind() != '{' {
		return nil, false
	}
	fields := map[string]field{}
	if !d.members(dec, 0, "", fields, map[string]bool{}) {
		return nil, false
	}
	_, err := dec.ReadToken()
	return fields, errors.Is(err, io.EOF)
}

// way is what lies at a place in the JSON, or below it: names of fields that are read.
type way struct{ at, below []string }

// waysOf returns the ways to some paths: for each depth, those by the names so far, with zero bytes between.
func waysOf(paths map[string][]string) (ways []map[string]way) {
	for name, p := range paths {
		for n := 1; n <= len(p); n++ {
			if len(ways) < n {
				ways = append(ways, map[string]way{})
			}
			key := strings.Join(p[:n], "\x00")
			w := ways[n-1][key]
			if w.below = append(w.below, name); n == len(p) {
				w.at = append(w.at, name)
			}
			ways[n-1][key] = w
		}
	}
	return ways
}

// members reads an object that lies at a path of that many names, which above has, each with a zero byte behind it. Where a name on a way is there twice, so is all that lies below it.
func (d *decoder) members(dec *jsontext.Decoder, depth int, above string, fields map[string]field, seen map[string]bool) bool {
	if _, err := dec.ReadToken(); err != nil {
		return false
	}
	for dec.PeekKind() != '}' {
		raw, err := dec.ReadValue()
		if err != nil {
			return false
		}
		name, whole := unquote(raw)
		var at, below []string
		key, twice := above+name, false
		if whole && depth < len(d.ways) {
			at, below = d.ways[depth][key].at, d.ways[depth][key].below
		}
		if len(below) > 0 {
			twice = seen[key]
			seen[key] = true
		}
		if len(below) > len(at) && dec.PeekKind() == '{' && !twice {
			if !d.members(dec, depth+1, key+"\x00", fields, seen) {
				return false
			}
			for _, name := range at {
				fields[name] = field{bad: true}
			}
			continue
		}
		if raw, err = dec.ReadValue(); err != nil {
			return false
		}
		if twice {
			for _, name := range below {
				fields[name] = field{twice: true}
			}
			continue
		}
		for _, name := range at {
			fields[name] = valueOf(raw)
		}
	}
	_, err := dec.ReadToken()
	return err == nil
}

func valueOf(raw jsontext.Value) (f field) {
	switch raw.Kind() {
	case '"':
		text, whole := unquote(raw)
		return field{text: text, bad: !whole}
	case 'n':
		return f
	case '0':
		return field{text: string(raw), number: true}
	}
	return field{bad: true}
}

// unquote returns what a JSON string says, and whether none of it is broken: bytes that are no UTF-8, half a surrogate pair.
func unquote(raw jsontext.Value) (string, bool) {
	text, err := jsontext.AppendUnquote(nil, raw)
	return string(text), err == nil && utf8.Valid(raw)
}
