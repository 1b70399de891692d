package recount

import (
	"bytes"
	"strconv"
	"strings"
	"time"

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
	overLimit   // rejected too
	beforeBooks // of a month before the books
)

// reading is what a record says.
type reading struct {
	outcome outcome
	app     string // empty where it cannot be read
	rules   *Rules
	month   Month
	kind    int
	day     int
	skewed  bool
	who     print
	guid    string
	typ     string
	dated   Month // of what is expired, or before the books: that its time shows
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
var names = []string{"type", "subject", "superapp", "time", "meter", "month", "day", "source", "value", "revision", "signature"}

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
	if f.AppConst != "" {
		delete(paths, "superapp")
	}
	if len(paths["type"]) != 1 || paths["type"][0] != "type" {
		paths["control"] = []string{"type"}
	}
	return paths
}

type decoder struct {
	book  *book
	ways  []map[string]way
	plain bool // the fields are those of CloudEvents

	text bytes.Reader // of the record at hand
	json jsontext.Decoder
}

func newDecoder(b *book) *decoder {
	f := b.topic.Fields
	own := *b // it keeps the rules that were asked for last
	paths := b.paths()
	d := &decoder{book: &own, ways: waysOf(paths), plain: f.AppConst == "" && f.TimeUnit == ""}
	for n, p := range paths {
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
func (d *decoder) decode(rec *kgo.Record, floor Month) (reading, error) {
	sender, refused := door(rec)
	r, err := d.read(rec, floor, refused)
	if r.outcome == rejected && r.app == "" && named(sender, 64) {
		r.app = sender
	}
	return r, err
}

// read is decode, but for who answers for what names no app; refused: a door has rejected it.
func (d *decoder) read(rec *kgo.Record, floor Month, refused bool) (r reading, err error) {
	fields, how := d.headers(rec)
	if refused {
		how = "refused"
	}
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
	for _, n := range []string{"superapp", "subject"} {
		if f, ok := fields[n]; ok {
			f.text = strings.Trim(f.text, spaces)
			fields[n] = f
		}
	}
	app, there := fields["superapp"]
	if !there {
		app.text = d.book.topic.Fields.AppConst
	}
	if !app.bad && !app.twice && !app.number && named(app.text, 64) {
		r.app = app.text
	}
	for _, n := range names[:4] {
		if f := fields[n]; f.bad || f.twice || f.number && (n != "time" || d.book.topic.Fields.TimeUnit == "") {
			return r, nil
		}
	}
	return d.judge(rec, fields, floor, r)
}

func (d *decoder) judge(rec *kgo.Record, fields map[string]field, floor Month, r reading) (reading, error) {
	typ, who, at := fields["type"].text, fields["subject"].text, fields["time"].text
	r.guid, r.typ = who, typ
	stamp := rec.Timestamp.UnixMilli()
	r.stamp = stamp
	if d.book.noStamp(stamp) {
		stamp = 0
	}
	effective := stamp
	if at != "" {
		t, ok := instant(at)
		if !ok {
			t, ok = epoch(at, d.book.topic.Fields.TimeUnit)
		}
		if !ok {
			return r, nil
		}
		ahead := t.Add(-time.Duration(d.book.topic.SkewMS) * time.Millisecond)
		r.skewed = t.Before(time.UnixMilli(d.book.topic.OldestMS)) || stamp != 0 && ahead.After(time.UnixMilli(stamp))
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
	if typ == "usage.reported" { // the month that it names decides; that of its record is only the latest that it can name
		if stamp > 0 && stamp < 253402300800_000-36*3600_000 {
			effective = stamp
		}
		return d.quantity(rec, fields, floor, effective, r)
	}
	month := d.book.monthOf(effective)
	r.dated = d.book.monthAt(effective)
	if tooFar := d.book.tooFar(month, stamp, floor); tooFar || d.book.beforeBooks(effective) {
		r.outcome = beforeBooks
		if tooFar {
			r.outcome = rejected
		}
		return r, nil
	}
	var finished bool
	if old := d.book.months[floor]; floor != 0 && old != nil && effective < old.start() {
		r.rules, finished = old, true
	} else if r.rules = d.book.at(effective); r.rules == nil {
		return r, errNoRules{effective}
	}
	r.month = r.rules.month
	kind, known := r.rules.kindOf[typ]
	switch {
	case !known:
		r.outcome = unknown
	case r.app == "" || who == "" || len(who) > 128:
	case len(rec.Value) > r.rules.Limits.Bytes:
		r.outcome = overLimit
	case r.rules.noIDs.have(who):
	case finished:
		r.outcome = expired
	default:
		r.outcome, r.kind, r.day = counted, kind, r.rules.day(effective)
		if r.rules.guid != nil {
			r.who = r.rules.guid.fingerprint(r.app, who, r.rules.Kinds[kind] == "login")
		}
	}
	return r, nil
}

// quantity judges a usage.reported, which cannot name a month after that of its record.
func (d *decoder) quantity(rec *kgo.Record, fields map[string]field, floor Month, at int64, r reading) (reading, error) {
	if r.app == "" {
		return r, nil
	}
	newest := d.book.monthOf(at)
	for _, n := range names[4:] {
		if f := fields[n]; f.bad || f.twice || f.number && n != "revision" {
			return r, nil
		}
	}
	m, ok := ParseMonth(fields["month"].text)
	if !ok || m < d.book.monthAt(d.book.topic.OldestMS) || m > newest {
		return r, nil
	}
	if day := fields["day"].text; day != "" {
		if len(day) == 10 {
			if day, ok = strings.CutPrefix(day, m.String()+"-"); !ok {
				return r, nil
			}
		}
		n, err := strconv.ParseUint(day, 10, 8)
		if err != nil || len(day) > 2 || n < 1 || int(n) > m.Days() {
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
	revision := ""
	if text := fields["revision"].text; text != "" {
		positive, negative := strings.CutPrefix(text, "-")
		if r.revision, ok = digits(positive); !ok {
			return r, nil
		}
		if r.revision >= 1<<31 {
			return r, nil
		}
		if negative {
			r.revision = -r.revision
		}
		revision = strconv.FormatInt(r.revision, 10)
	}
	if !isSignature(fields["signature"].text) {
		return r, nil
	}
	r.month, r.dated = m, m
	if stamp := rec.Timestamp.UnixMilli(); !d.book.noStamp(stamp) && d.book.tooFar(m, stamp, floor) || d.book.tooFar(m, 0, floor) {
		return r, nil
	}
	if from, ok := ParseMonth(d.book.topic.From); ok && m < from {
		r.outcome = beforeBooks
		return r, nil
	}
	if m < floor {
		r.outcome = expired
		return r, nil
	}
	r.rules = d.book.months[m]
	switch {
	case !r.rules.takes(r.app, fields, revision):
	case len(rec.Value) > r.rules.Limits.Bytes:
		r.outcome = overLimit
	default:
		r.outcome = reported
	}
	return r, nil
}
