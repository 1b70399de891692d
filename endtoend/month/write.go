package month

import (
	"strconv"
	"time"
)

// event is what a plain CloudEvent says. Slices are valid until the next event.
type event struct {
	typ     string
	app     []byte
	subject []byte // the GUID or user id, as it is spelled
	time    int64  // milliseconds since 1970
	arrival int64  // when it reached the log
	id      [2]uint64
	source  string
	program int // mini program or game, in the "miniprogram" member; 0: none
}

var sources = []string{"sdk/android/2.4.1", "sdk/android/2.3.0", "sdk/ios/2.4.0", "sdk/ios/2.4.1", "sdk/harmony/1.0.9"}

const hexDigits = "0123456789abcdef"

// hexPairs are the two digits of every byte.
var hexPairs = func() (t [256][2]byte) {
	for i := range t {
		t[i] = [2]byte{hexDigits[i>>4], hexDigits[i&15]}
	}
	return t
}()

func appendHex(b []byte, v uint64, bytes int) []byte {
	for shift := (bytes - 1) * 8; shift >= 0; shift -= 8 {
		pair := &hexPairs[byte(v>>shift)]
		b = append(b, pair[0], pair[1])
	}
	return b
}

// appendUUID writes the form 8-4-4-4-12 in lower case.
func appendUUID(b []byte, id [2]uint64) []byte {
	b = append(appendHex(b, id[0]>>32, 4), '-')
	b = append(appendHex(b, id[0]>>16, 2), '-')
	b = append(appendHex(b, id[0], 2), '-')
	b = append(appendHex(b, id[1]>>48, 2), '-')
	return appendHex(b, id[1], 6)
}

// calendar writes times; it keeps the last day's text, because most events are of the day of the one before.
type calendar struct {
	day  int64
	text [11]byte // 2026-10-03T
}

const dayMS = 86_400_000

func (c *calendar) append(b []byte, ms int64) []byte {
	day, rest := ms/dayMS, ms%dayMS
	if day != c.day || c.text[0] == 0 {
		c.day = day
		time.UnixMilli(ms).UTC().AppendFormat(c.text[:0], "2006-01-02T")
	}
	b = append(b, c.text[:]...)
	b = append(two(b, rest/3_600_000), ':')
	b = append(two(b, rest/60_000%60), ':')
	b = append(two(b, rest/1000%60), '.')
	b = append(b, '0'+byte(rest/100%10), '0'+byte(rest/10%10), '0'+byte(rest%10))
	return append(b, 'Z')
}

func two(b []byte, v int64) []byte { return append(b, '0'+byte(v/10), '0'+byte(v%10)) }

// append writes the event as SDKs do: structured JSON, about 247 bytes.
func (e *event) append(b []byte, c *calendar) []byte {
	b = append(b, `{"specversion":"1.0","type":"`...)
	b = append(b, e.typ...)
	b = append(b, `","source":"`...)
	b = append(b, e.source...)
	b = append(b, `","id":"`...)
	b = appendUUID(b, e.id)
	b = append(b, `","time":"`...)
	b = c.append(b, e.time)
	b = append(b, `","subject":"`...)
	b = append(b, e.subject...)
	b = append(b, `","superapp":"`...)
	b = append(b, e.app...)
	b = append(b, '"')
	if e.program > 0 {
		b = append(b, `,"miniprogram":"mp-`...)
		b = strconv.AppendInt(b, int64(e.program), 10)
		b = append(b, '"')
	}
	return append(b, '}')
}

// member is a name and a raw JSON value.
type member struct{ name, value string }

// members returns the event as members, for those that are written in odd ways.
func (e *event) members(c *calendar) []member {
	m := []member{
		{"specversion", `"1.0"`},
		{"type", quote(e.typ)},
		{"source", quote(e.source)},
		{"id", quote(string(appendUUID(nil, e.id)))},
		{"time", quote(string(c.append(nil, e.time)))},
		{"subject", quote(string(e.subject))},
		{"superapp", quote(string(e.app))},
	}
	if e.program > 0 {
		m = append(m, member{"miniprogram", quote("mp-" + strconv.Itoa(e.program))})
	}
	return m
}

// quote puts text between quotation marks; what is written here needs no escapes unless they are already in it.
func quote(s string) string { return `"` + s + `"` }

// appendMembers writes an object.
func appendMembers(b []byte, members []member) []byte {
	b = append(b, '{')
	for i, m := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, m.name...)
		b = append(b, '"', ':')
		b = append(b, m.value...)
	}
	return append(b, '}')
}
