package verify

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/twmb/franz-go/pkg/kgo"
)

// outcome says what a record is.
type outcome int

const (
	tombstone outcome = iota
	counted
	reported
	unknown
	control
	expired
	rejected
	overLimit // rejected too
)

// reading is what a record says.
type reading struct {
	outcome outcome
	app     string // empty where it cannot be read
	rules   *monthRules
	month   month
	kind    int
	day     int
	skewed  bool
	who     print
	guid    string
	stamp   int64 // the record's timestamp, milliseconds

	meter, source   string // of reported, and below
	revision, value int64
}

// field is what stands where something is read.
type field struct {
	text   string
	number bool // as written
	bad    bool // of another type, or not UTF-8
	twice  bool
}

// The names that are read, as in CloudEvents.
var names = []string{"type", "subject", "superapp", "time", "meter", "month", "day", "source", "value", "revision"}

// paths says where each name lies in the JSON.
func (b *book) paths() map[string][]string {
	paths := map[string][]string{}
	for _, n := range names {
		paths[n] = []string{n}
	}
	f := b.topic.Fields
	for n, at := range map[string]string{"type": f.Type, "subject": f.GUID, "superapp": f.App, "time": f.Time} {
		if at != "" {
			paths[n] = strings.Split(at, ".")
		}
	}
	if len(paths["type"]) != 1 || paths["type"][0] != "type" {
		paths["control"] = []string{"type"}
	}
	return paths
}

type decoder struct {
	book  *book
	paths map[string][]string
	plain bool // the fields are those of CloudEvents
}

func newDecoder(b *book) *decoder {
	d := &decoder{book: b, paths: b.paths(), plain: true}
	for n, p := range d.paths {
		d.plain = d.plain && len(p) == 1 && p[0] == n
	}
	return d
}

// errNoRules says that an event lies in a month without rules.
type errNoRules struct{ at int64 }

func (e errNoRules) Error() string {
	return "no rules hold for " + time.UnixMilli(e.at).UTC().Format(time.RFC3339)
}

// decode reads a record where the months before floor are finished; floor 0: none is.
func (d *decoder) decode(rec *kgo.Record, floor month) (r reading, err error) {
	fields, how := d.headers(rec)
	if rec.Value == nil && how != "binary" {
		return r, nil
	}
	r.outcome = rejected
	switch how {
	case "structured":
		var ok bool
		if fields, ok = d.object(rec.Value); !ok {
			return r, nil
		}
	case "binary":
	default:
		return r, nil
	}
	if c, ok := fields["control"]; ok && !c.bad && !c.twice && !c.number && strings.HasPrefix(c.text, "headcount.") {
		r.outcome = control
		return r, nil
	}
	app := fields["superapp"]
	if !app.bad && !app.twice && !app.number && named(app.text, 64) {
		r.app = app.text
	}
	for _, n := range names[:4] {
		if f := fields[n]; f.bad || f.twice || f.number {
			return r, nil
		}
	}
	return d.judge(rec, fields, floor, r)
}

func (d *decoder) judge(rec *kgo.Record, fields map[string]field, floor month, r reading) (reading, error) {
	typ, who, at := fields["type"].text, fields["subject"].text, fields["time"].text
	r.guid = who
	stamp := rec.Timestamp.UnixMilli()
	r.stamp = stamp
	effective := stamp
	if at != "" {
		t, ok := instant(at)
		if !ok {
			return r, nil
		}
		limit := time.UnixMilli(stamp + d.book.topic.SkewMS)
		r.skewed = t.Before(time.UnixMilli(d.book.topic.OldestMS)) || stamp > 0 && t.After(limit)
		if !r.skewed {
			effective = t.UnixMilli()
		}
	}
	if typ == "" {
		return r, nil
	}
	if strings.HasPrefix(typ, "headcount.") {
		r.outcome = control
		return r, nil
	}
	if effective <= 0 || effective >= 253402300800_000-36*3600_000 {
		return r, nil
	}
	var finished bool
	if old := d.book.months[floor]; floor != 0 && old != nil && effective < old.start() {
		r.rules, finished = old, true
	} else if r.rules = d.book.at(effective); r.rules == nil {
		return r, errNoRules{effective}
	}
	r.month = r.rules.month
	if typ == "usage.reported" {
		if finished {
			r.month = d.book.monthAt(effective)
		}
		return d.quantity(rec, fields, floor, r)
	}
	kind, known := r.rules.kindOf[typ]
	switch {
	case !known:
		r.outcome = unknown
	case r.app == "" || who == "" || len(who) > 128:
	case len(rec.Value) > r.rules.Limits.Bytes:
		r.outcome = overLimit
	case finished:
		r.outcome = expired
	default:
		r.outcome, r.kind, r.day = counted, kind, r.rules.day(effective)
		if r.rules.cipher != nil {
			r.who = fingerprint(r.rules.cipher, who, r.rules.Kinds[kind] == "login")
		}
	}
	return r, nil
}

// quantity judges a usage.reported; r.month is the month of its time, the latest that it can name.
func (d *decoder) quantity(rec *kgo.Record, fields map[string]field, floor month, r reading) (reading, error) {
	if r.app == "" {
		return r, nil
	}
	for _, n := range names[4:] {
		if f := fields[n]; f.bad || f.twice || f.number && n != "revision" {
			return r, nil
		}
	}
	m, ok := parseMonth(fields["month"].text)
	if !ok || m < d.book.monthAt(d.book.topic.OldestMS) || m > r.month {
		return r, nil
	}
	if day := fields["day"].text; day != "" {
		if len(day) == 10 {
			if day, ok = strings.CutPrefix(day, m.String()+"-"); !ok {
				return r, nil
			}
		}
		n, err := strconv.ParseUint(day, 10, 8)
		if err != nil || len(day) > 2 || n < 1 || int(n) > m.days() {
			return r, nil
		}
		r.day = int(n)
	}
	r.meter, r.source = fields["meter"].text, fields["source"].text
	if !named(r.meter, 64) || !named(r.source, 256) {
		return r, nil
	}
	if r.value, ok = digits(fields["value"].text); !ok {
		return r, nil
	}
	if text := fields["revision"].text; text != "" {
		positive, negative := strings.CutPrefix(text, "-")
		if r.revision, ok = digits(positive); !ok {
			return r, nil
		}
		if negative {
			r.revision = -r.revision
		}
	}
	r.month = m
	if m < floor {
		r.outcome = expired
		return r, nil
	}
	if r.rules = d.book.months[m]; r.rules == nil {
		return r, errNoRules{rec.Timestamp.UnixMilli()}
	}
	r.outcome = reported
	if len(rec.Value) > r.rules.Limits.Bytes {
		r.outcome = overLimit
	}
	return r, nil
}

var digitsForm = regexp.MustCompile(`^[0-9]+$`)

// digits reads a decimal integer of digits alone, below 2^63.
func digits(s string) (int64, bool) {
	if !digitsForm.MatchString(s) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// named says whether s is 1–limit bytes of UTF-8 without control characters.
func named(s string, limit int) bool {
	return s != "" && len(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

var timeForm = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$`)

// instant reads an RFC 3339 time. A leap second is the last instant of the second before it, at the end of a month in UTC.
func instant(s string) (time.Time, bool) {
	m := timeForm.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	second, leap := m[3], m[3] == "60"
	if leap {
		second = "59"
	}
	zone := strings.ToUpper(m[5])
	if zone != "Z" && (zone[1:3] > "23" || zone[4:] > "59") {
		return time.Time{}, false
	}
	t, err := time.Parse("2006-01-02T15:04:05Z", m[1]+"T"+m[2]+":"+second+"Z")
	if err != nil {
		return time.Time{}, false
	}
	if zone != "Z" {
		hours, _ := strconv.Atoi(zone[1:3])
		minutes, _ := strconv.Atoi(zone[4:])
		offset := time.Duration(hours*60+minutes) * time.Minute
		if zone[0] == '+' {
			offset = -offset
		}
		t = t.Add(offset)
	}
	if leap {
		next := t.Add(time.Second).UTC()
		return t.Add(time.Second - time.Nanosecond), next.Day() == 1 && next.Hour() == 0 && next.Minute() == 0 && next.Second() == 0
	}
	if m[4] != "" {
		fraction := m[4][1:]
		rest := ""
		if len(fraction) > 9 {
			fraction, rest = fraction[:9], fraction[9:]
		}
		n, _ := strconv.Atoi((fraction + "000000000")[:9])
		if strings.Trim(rest, "0") != "" && n%1e6 == 0 {
			n++ // beyond what a time holds: still after the millisecond
		}
		t = t.Add(time.Duration(n))
	}
	return t, true
}

// headers finds how a record carries its event, and the attributes of binary mode.
func (d *decoder) headers(rec *kgo.Record) (fields map[string]field, how string) {
	var media string
	types, binary := 0, false
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
	case binary:
		return fields, "binary"
	case !d.plain && (media == "application/json" || strings.HasSuffix(media, "+json")):
		return nil, "structured"
	}
	return nil, "unreadable"
}

// object reads one JSON object, strictly, and what lies at the paths.
func (d *decoder) object(text []byte) (map[string]field, bool) {
	if !utf8.Valid(text) {
		return nil, false
	}
	dec := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
	if dec.PeekKind() != '{' {
		return nil, false
	}
	fields := map[string]field{}
	if !d.members(dec, nil, fields, map[string]bool{}) {
		return nil, false
	}
	_, err := dec.ReadToken()
	return fields, errors.Is(err, io.EOF)
}

// members reads an object that lies at a path. Where a name on a way is there twice, so is all that lies below it.
func (d *decoder) members(dec *jsontext.Decoder, path []string, fields map[string]field, seen map[string]bool) bool {
	if _, err := dec.ReadToken(); err != nil {
		return false
	}
	for dec.PeekKind() != '}' {
		token, err := dec.ReadToken()
		if err != nil {
			return false
		}
		here := append(path[:len(path):len(path)], token.String())
		var at, below []string
		for name, p := range d.paths {
			if len(p) >= len(here) && strings.Join(p[:len(here)], "\x00") == strings.Join(here, "\x00") {
				if below = append(below, name); len(p) == len(here) {
					at = append(at, name)
				}
			}
		}
		key := strings.Join(here, "\x00")
		twice := len(below) > 0 && seen[key]
		seen[key] = len(below) > 0
		if len(below) > len(at) && dec.PeekKind() == '{' && !twice {
			if !d.members(dec, here, fields, seen) {
				return false
			}
			for _, name := range at {
				fields[name] = field{bad: true}
			}
			continue
		}
		raw, err := dec.ReadValue()
		if err != nil {
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
		text, err := jsontext.AppendUnquote(nil, raw)
		return field{text: string(text), bad: err != nil}
	case 'n':
		return f
	case '0':
		return field{text: string(raw), number: true}
	}
	return field{bad: true}
}
