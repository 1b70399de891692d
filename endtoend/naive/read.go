package naive

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Outcome says what a record is.
type Outcome string

// Outcomes of a record.
const (
	Tombstone Outcome = "tombstone"
	Control   Outcome = "control" // of Headcount's own: not looked at
	Counted   Outcome = "counted"
	Reported  Outcome = "reported"
	Unknown   Outcome = "unknown"
	Rejected  Outcome = "rejected"

	BeforeBooks Outcome = "before the books"
)

// Reading is what a record says.
type Reading struct {
	Outcome Outcome
	App     string // empty where it cannot be read
	Kind    string
	Who     string // device or user; spelled in one way
	At      time.Time
	Skewed  bool

	Month, Meter, Source string // of Reported, and below
	Day                  int    // 0: none
	Value, Revision      int64
}

// Grammar is how records are read.
type Grammar struct {
	Zone        *time.Location
	Types       map[string]string // event type → kind
	RecordBytes int               // longest value; 0: without limit
	From        string            // month with which the books open, as 2026-10; empty: no bound
	MonthsBack  int               // how many months an event may lie before its record; 0: no bound
}

// Types are those that every month knows.
func Types() map[string]string {
	return map[string]string{
		"miniprogram.open": "open", "minigame.open": "open",
		"miniprogram.search": "search", "minigame.search": "search",
		"miniprogram.predownload": "predownload", "minigame.predownload": "predownload",
		"user.login":        "login",
		"component.release": "release", "component.h5": "h5", "component.basic-analysis": "basic-analysis",
		"component.custom-analysis": "custom-analysis", "component.performance": "performance", "component.push": "push",
		"component.sync": "sync",
	}
}

var year2000 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Read reads a record in structured mode; stamp is its timestamp in the log.
func (g *Grammar) Read(value []byte, stamp time.Time) Reading {
	if value == nil {
		return Reading{Outcome: Tombstone}
	}
	members, err := object(value)
	if err != nil {
		return Reading{Outcome: Rejected}
	}
	return g.judge(members, len(value), stamp)
}

// ReadBinary reads a record in binary mode by its headers.
func (g *Grammar) ReadBinary(headers map[string]string, value []byte, stamp time.Time) Reading {
	members := map[string][]any{}
	for name, v := range headers {
		if name, ok := strings.CutPrefix(name, "ce_"); ok {
			members[name] = []any{v}
		}
	}
	return g.judge(members, len(value), stamp)
}

// attribute returns a member that must be text: empty where absent, null or empty.
func attribute(members map[string][]any, name string) (string, error) {
	switch values := members[name]; len(values) {
	case 0:
		return "", nil
	case 1:
		switch v := values[0].(type) {
		case nil:
			return "", nil
		case string:
			return v, nil
		}
		return "", fmt.Errorf("%s is no text", name)
	}
	return "", fmt.Errorf("%s is there twice", name)
}

func (g *Grammar) judge(members map[string][]any, size int, stamp time.Time) Reading {
	app, errApp := attribute(members, "superapp")
	app = strings.Trim(app, asciiSpace)
	r := Reading{Outcome: Rejected}
	if errApp == nil && name(app) {
		r.App = app
	}
	typ, errType := attribute(members, "type")
	who, errWho := attribute(members, "subject")
	who = strings.Trim(who, asciiSpace)
	at, errAt := attribute(members, "time")
	if errors.Join(errApp, errType, errWho, errAt) != nil || typ == "" {
		return r
	}
	r.At = stamp
	stamped := !stamp.Before(year2000)
	if at != "" {
		t, ok := instant(at)
		if !ok {
			return r
		}
		if r.Skewed = t.Before(year2000) || stamped && t.After(stamp.Add(10*time.Minute)); !r.Skewed {
			r.At = t
		}
	}
	if r.At.Before(year2000) && !strings.HasPrefix(typ, "headcount.") {
		return r // neither has a time
	}
	r.At = r.At.In(g.Zone)
	if far, before := g.beyond(r.At, stamp, stamped); (far || before) && typ != "usage.reported" && !strings.HasPrefix(typ, "headcount.") {
		if !far {
			r.Outcome = BeforeBooks
		}
		return r
	}
	switch kind := g.Types[typ]; {
	case strings.HasPrefix(typ, "headcount."):
		r.Outcome = Control
	case typ == "usage.reported":
		g.quantity(&r, members)
	case kind == "":
		r.Outcome = Unknown
	case r.App == "" || who == "" || len(who) > 128:
	case g.RecordBytes > 0 && size > g.RecordBytes:
	case noIDs[strings.ToLower(who)], noIDs[device(who)]:
	default:
		r.Outcome, r.Kind, r.Who = Counted, kind, "user "+who
		if kind != "login" {
			r.Who = device(who)
		}
	}
	return r
}

// beyond says whether a month lies too far before its record's, and whether it lies before the books.
func (g *Grammar) beyond(at, stamp time.Time, stamped bool) (far, before bool) {
	months := func(t time.Time) int { t = t.In(g.Zone); return 12*t.Year() + int(t.Month()) }
	far = g.MonthsBack > 0 && stamped && months(stamp)-months(at) > g.MonthsBack
	return far, at.Format("2006-01") < g.From
}

func (g *Grammar) quantity(r *Reading, members map[string][]any) {
	var text [6]string
	for i, name := range []string{"meter", "source", "month", "day", "value", "revision"} {
		var err error
		if n, ok := members[name]; ok && name == "revision" && len(n) == 1 {
			if number, ok := n[0].(jsontext.Value); ok {
				text[i] = string(number)
				continue
			}
		}
		if text[i], err = attribute(members, name); err != nil {
			return
		}
	}
	month, err := time.ParseInLocation("2006-01", text[2], g.Zone)
	if err != nil || month.After(r.At) || r.App == "" || !name(text[0]) || text[1] == "" {
		return
	}
	value, err := strconv.ParseUint(text[4], 10, 63)
	if err != nil {
		return
	}
	revision := int64(0)
	if text[5] != "" {
		if revision, err = strconv.ParseInt(text[5], 10, 64); err != nil {
			return
		}
	}
	day := 0
	if text[3] != "" {
		t, err := time.Parse("2006-01-02", text[3])
		if err != nil || t.Format("2006-01") != text[2] {
			return
		}
		day = t.Day()
	}
	r.Meter, r.Source, r.Month, r.Day = text[0], text[1], text[2], day
	r.Value, r.Revision, r.Outcome = int64(value), revision, Reported
}

// name says whether an id is 1–64 bytes without control characters.
func name(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, unicode.IsControl)
}

const asciiSpace = " \t\n\v\f\r"

// noIDs are what SDKs send that have no id.
var noIDs = map[string]bool{
	"uuid 00000000000000000000000000000000": true, "uuid ffffffffffffffffffffffffffffffff": true,
	"undefined": true, "null": true, "(null)": true, "none": true, "nil": true, "unknown": true, "anonymous": true, "0": true, "-1": true,
}

// The four spellings of a UUID.
var uuids = regexp.MustCompile(`^(?:[uU][rR][nN]:[uU][uU][iI][dD]:)?\{?([0-9a-fA-F]{8})(-?)([0-9a-fA-F]{4})(-?)([0-9a-fA-F]{4})(-?)([0-9a-fA-F]{4})(-?)([0-9a-fA-F]{12})\}?$`)

// device spells an id in one way.
func device(id string) string {
	m := uuids.FindStringSubmatch(id)
	braces := strings.Count(id, "{") + strings.Count(id, "}")
	urn := strings.HasPrefix(strings.ToLower(id), "urn:")
	if m == nil || braces == 1 || braces == 2 && urn || m[2] != m[4] || m[2] != m[6] || m[2] != m[8] {
		return "id " + id
	}
	b, err := hex.DecodeString(m[1] + m[3] + m[5] + m[7] + m[9])
	if err != nil {
		panic(err)
	}
	return "uuid " + hex.EncodeToString(b)
}

var rfc3339 = regexp.MustCompile(`^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d)(:\d\d(?:\.\d+)?)?(?:([Zz])|([+-]\d\d):?(\d\d))$`)

// instant reads an RFC 3339 time without leap seconds; seconds and an offset's colon may be left out.
func instant(s string) (time.Time, bool) {
	m := rfc3339.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	zone := m[3]
	if zone == "" {
		zone = m[4] + ":" + m[5]
	}
	if m[2] == "" {
		m[2] = ":00"
	}
	t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(m[1]+m[2]+zone))
	return t, err == nil
}

// broken is text that is none.
type broken struct{}

// object reads one JSON object, strictly: all values of each name, text as string, null as nil, numbers as they are written.
func object(b []byte) (map[string][]any, error) {
	d := jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != '{' {
		return nil, errors.New("not an object")
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	members := map[string][]any{}
	for d.PeekKind() != '}' {
		spelled, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		name, wrong := jsontext.AppendUnquote(nil, spelled)
		if wrong != nil || !utf8.Valid(spelled) {
			name = []byte("\xff") // no name that is read
		}
		raw, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		var v any
		switch raw.Kind() {
		case '"':
			text, err := jsontext.AppendUnquote(nil, raw)
			if v = string(text); err != nil || !utf8.Valid(raw) {
				v = broken{}
			}
		case 'n':
		case '0':
			v = raw.Clone()
		default:
			v = false
		}
		members[string(name)] = append(members[string(name)], v)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("bytes after the object")
	}
	return members, nil
}
