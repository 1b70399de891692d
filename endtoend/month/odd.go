package month

import (
	"fmt"
	"strings"
	"time"
)

// odds are the ways in which a record can be odd, drawn with equal chance. Each gets an event that is in order and returns the
// record's bytes. What Headcount makes of them is in the comment.
var odds = []func(g *Generator, e *event) []byte{
	// Counted like any other: another spelling of the GUID is the same device.
	func(g *Generator, e *event) []byte { return g.spelled(e, strings.ToUpper(g.uuid())) },
	func(g *Generator, e *event) []byte { return g.spelled(e, strings.ReplaceAll(g.uuid(), "-", "")) },
	func(g *Generator, e *event) []byte { return g.spelled(e, "{"+g.uuid()+"}") },
	func(g *Generator, e *event) []byte { return g.spelled(e, "urn:uuid:"+g.uuid()) },
	func(g *Generator, e *event) []byte { return g.spelled(e, "URN:Uuid:"+g.uuid()) },
	func(g *Generator, e *event) []byte { return g.spelled(e, " "+g.uuid()+`\n`) },
	func(g *Generator, e *event) []byte {
		return g.spelled(e, "{"+strings.ToUpper(strings.ReplaceAll(g.uuid(), "-", ""))+"}")
	},
	// Counted, as devices of their own: ids that are no UUIDs.
	func(g *Generator, e *event) []byte {
		return g.spelled(e, fmt.Sprintf("android-%012x", g.guidNow[0]>>16))
	},
	func(g *Generator, e *event) []byte { return g.spelled(e, fmt.Sprintf("%016x", g.guidNow[1])) },
	func(g *Generator, e *event) []byte {
		return g.spelled(e, fmt.Sprintf("%0128x", g.guidNow[0])) // as long as an id may be
	},
	func(g *Generator, e *event) []byte { return g.spelled(e, "设备-"+fmt.Sprintf("%x", g.guidNow[0])) },
	// Counted: times in other forms, and none.
	func(g *Generator, e *event) []byte {
		return g.timed(e, `"`+g.in(e.time, 8*3600, "2006-01-02T15:04:05.000Z07:00")+`"`)
	},
	func(g *Generator, e *event) []byte {
		return g.timed(e, `"`+g.in(e.time, -12600, "2006-01-02T15:04:05.000000000Z07:00")+`"`)
	},
	func(g *Generator, e *event) []byte {
		return g.timed(e, `"`+g.in(e.time/1000*1000, 0, time.RFC3339)+`"`)
	},
	func(g *Generator, e *event) []byte { return g.timed(e, `"`+g.in(e.time, 0, "2006-01-02T15:04Z")+`"`) },
	func(g *Generator, e *event) []byte {
		return g.timed(e, `"`+g.in(e.time, 19800, "2006-01-02T15:04:05.000-0700")+`"`)
	},
	func(g *Generator, e *event) []byte { return g.timed(e, "") },
	func(g *Generator, e *event) []byte { return g.timed(e, "null") },
	func(g *Generator, e *event) []byte { return g.timed(e, `""`) },
	// Counted as skewed, at the record's timestamp: wrong clocks.
	func(g *Generator, e *event) []byte {
		return g.timed(e, `"1970-01-01T00:12:`+fmt.Sprintf("%02d", g.r.below(60))+`Z"`)
	},
	func(g *Generator, e *event) []byte {
		return g.timed(e, `"`+g.in(e.time+400*dayMS, 0, time.RFC3339)+`"`)
	},
	// Counted by the millisecond: the edges of the month.
	func(g *Generator, e *event) []byte { return g.edge(e, g.start) },
	func(g *Generator, e *event) []byte { return g.edge(e, g.end-1) },
	func(g *Generator, e *event) []byte { return g.edge(e, g.start-1) }, // of the month before
	func(g *Generator, e *event) []byte { return g.edge(e, g.end) },     // of the month after
	// Counted in the month before: stragglers.
	func(g *Generator, e *event) []byte { return g.edge(e, g.start-1-int64(g.r.below(5*dayMS))) },
	// Counted, and a duplicate: a repeat of the last record, as a producer's retry makes it.
	func(g *Generator, e *event) []byte { return g.repeat(e) },
	// Counted: JSON that a careful reader takes.
	func(g *Generator, e *event) []byte { return g.shuffled(e, nil) },
	func(g *Generator, e *event) []byte { return g.shuffled(e, escaped) },
	func(g *Generator, e *event) []byte {
		return g.with(e, member{"data", `{"type":"user.login","superapp":"decoy","subject":"decoy","time":7,"deep":[[{"superapp":null}],"}{"]}`})
	},
	func(g *Generator, e *event) []byte {
		return g.with(e, member{"title", `"\ud83d\ude00 \"quoted\" \\ ✓"`}, member{"size", "-1.5e3"}, member{"size", "1"}, member{"ok", "true"}, member{"tags", "[]"})
	},
	func(g *Generator, e *event) []byte { return g.with(e, member{"n", "\"\xff\xfe\""}) }, // text that is none, where nobody reads
	func(g *Generator, e *event) []byte { return g.with(e, member{"n", `"\ud800 alone"`}) },
	func(g *Generator, e *event) []byte { return spaced(g.shuffled(e, nil)) },
	func(g *Generator, e *event) []byte {
		return g.with(e, member{"Superapp", `"decoy"`}, member{"TYPE", "1"}, member{"subjects", "{}"})
	},
	// Counted and skipped: a type that nobody knows, and a record that looks like one of Headcount's own.
	func(g *Generator, e *event) []byte { e.typ = "superapp.launch"; return g.write(e) },
	func(g *Generator, e *event) []byte { e.typ = "miniprogram.opened"; return g.write(e) },
	func(g *Generator, e *event) []byte { e.typ = "headcount.test"; return g.write(e) },
}

// broken are records that cannot be counted, drawn a third as often as odds: each is a dead letter.
var broken = []func(g *Generator, e *event) []byte{
	// JSON that is none.
	func(g *Generator, e *event) []byte { b := g.write(e); return b[:len(b)/2] },
	func(g *Generator, e *event) []byte { return append(g.write(e), `{"more":1}`...) },
	func(g *Generator, e *event) []byte { return append(g.write(e), 'x') },
	func(*Generator, *event) []byte { return []byte(`["an","array"]`) },
	func(*Generator, *event) []byte { return []byte(`"text"`) },
	func(*Generator, *event) []byte { return []byte(`not json at all`) },
	func(g *Generator, e *event) []byte { return g.with(e, member{"n", "01"}) },
	func(g *Generator, e *event) []byte { return g.with(e, member{"n", `"\x"`}) },
	func(g *Generator, e *event) []byte { return g.with(e, member{"n", "\"tab\there\""}) },
	func(g *Generator, e *event) []byte { return g.with(e, member{"n", "{,}"}) },
	// Text that is none.
	func(g *Generator, e *event) []byte { return g.spelled(e, "\xc0\xaf") },
	func(g *Generator, e *event) []byte { return g.replaced(e, "superapp", `"\ud800 alone"`) },
	// Ids that are none.
	func(g *Generator, e *event) []byte { return g.spelled(e, "00000000-0000-0000-0000-000000000000") },
	func(g *Generator, e *event) []byte { return g.spelled(e, "Undefined") },
	func(g *Generator, e *event) []byte { return g.spelled(e, " 0") },
	func(g *Generator, e *event) []byte { return g.spelled(e, `\udc00`) },
	// A name that is read, twice.
	func(g *Generator, e *event) []byte { return g.with(e, member{"type", quote(e.typ)}) },
	func(g *Generator, e *event) []byte {
		return g.with(e, member{`sub\u006aect`, quote(string(e.subject))})
	},
	func(g *Generator, e *event) []byte { return g.with(e, member{"superapp", "null"}) },
	// A value that is no string.
	func(g *Generator, e *event) []byte { return g.replaced(e, "type", "1") },
	func(g *Generator, e *event) []byte { return g.replaced(e, "subject", `{"id":"x"}`) },
	func(g *Generator, e *event) []byte { return g.replaced(e, "superapp", "42") },
	func(g *Generator, e *event) []byte { return g.timed(e, "1790000000000") },
	// Nothing where something must be.
	func(g *Generator, e *event) []byte { return g.replaced(e, "type", "") },
	func(g *Generator, e *event) []byte { return g.replaced(e, "type", "null") },
	func(g *Generator, e *event) []byte { return g.replaced(e, "subject", "") },
	func(g *Generator, e *event) []byte { return g.replaced(e, "subject", `""`) },
	func(g *Generator, e *event) []byte { return g.replaced(e, "superapp", "") },
	func(g *Generator, e *event) []byte { return g.replaced(e, "superapp", "null") },
	// Times that are none.
	func(g *Generator, e *event) []byte { return g.timed(e, `"yesterday"`) },
	func(g *Generator, e *event) []byte { return g.timed(e, `"2026-02-30T10:00:00Z"`) },
	func(g *Generator, e *event) []byte { return g.timed(e, `"2026-10-03 08:15:30Z"`) },
	func(g *Generator, e *event) []byte { return g.timed(e, `"2026-10-03T08:15:30"`) },
	func(g *Generator, e *event) []byte { return g.timed(e, `"2026-10-03T24:00:00Z"`) },
	func(g *Generator, e *event) []byte { return g.timed(e, `"2026-10-03T08:15:30,5Z"`) },
	// Ids that are out of bounds.
	func(g *Generator, e *event) []byte { return g.spelled(e, fmt.Sprintf("%0129x", g.guidNow[0])) },
	func(g *Generator, e *event) []byte { return g.replaced(e, "superapp", quote(strings.Repeat("a", 65))) },
	func(g *Generator, e *event) []byte { return g.replaced(e, "superapp", `"bell\u0007"`) },
}

// spoil makes an odd record of an event.
func (g *Generator) spoil(e *event) []byte {
	if g.r.below(4) == 0 {
		return broken[g.r.below(len(broken))](g, e)
	}
	return odds[g.r.below(len(odds))](g, e)
}

// uuid returns the present device's GUID as it is usually spelled.
func (g *Generator) uuid() string { return string(appendUUID(nil, g.guidNow)) }

func (g *Generator) spelled(e *event, id string) []byte {
	e.subject = []byte(id)
	return g.write(e)
}

// in formats a time at an offset from UTC.
func (g *Generator) in(ms int64, offset int, layout string) string {
	return time.UnixMilli(ms).In(time.FixedZone("", offset)).Format(layout)
}

func (g *Generator) timed(e *event, value string) []byte { return g.replaced(e, "time", value) }

// edge puts an event at an instant; it reaches the log soon after, or later where the log is already beyond.
func (g *Generator) edge(e *event, ms int64) []byte {
	e.time = ms
	e.arrival = max(e.arrival, ms)
	return g.write(e)
}

func (g *Generator) repeat(e *event) []byte {
	if len(g.last) == 0 {
		return g.write(e)
	}
	e.subject = g.lastKey
	return append(g.value[:0], g.last...)
}

// with adds members at the end.
func (g *Generator) with(e *event, more ...member) []byte {
	return appendMembers(g.value[:0], append(e.members(&g.calendar), more...))
}

// replaced gives a member another raw value; empty takes the member out.
func (g *Generator) replaced(e *event, name, value string) []byte {
	var members []member
	for _, m := range e.members(&g.calendar) {
		if m.name == name {
			if m.value = value; value == "" {
				continue
			}
			if name == "subject" {
				e.subject = nil
			}
		}
		members = append(members, m)
	}
	return appendMembers(g.value[:0], members)
}

// shuffled writes members in any order; change, if given, rewrites each.
func (g *Generator) shuffled(e *event, change func(member) member) []byte {
	members := e.members(&g.calendar)
	for i := len(members) - 1; i > 0; i-- {
		j := g.r.below(i + 1)
		members[i], members[j] = members[j], members[i]
	}
	if change != nil {
		for i := range members {
			members[i] = change(members[i])
		}
	}
	return appendMembers(g.value[:0], members)
}

// escaped writes a name's and a value's first character in the long way.
func escaped(m member) member {
	long := func(s string) string { return fmt.Sprintf(`\u%04x%s`, s[0], s[1:]) }
	m.name = long(m.name)
	if len(m.value) > 2 {
		m.value = quote(long(m.value[1 : len(m.value)-1]))
	}
	m.value = strings.ReplaceAll(m.value, "/", `\/`)
	return m
}

// spaced puts white space wherever JSON allows it; no text of an event holds the characters it goes by.
func spaced(b []byte) []byte {
	s := strings.NewReplacer("{", " { ", "}", "\t} ", `":"`, "\" :\r \"", `","`, `" , "`).Replace(string(b))
	return []byte(s)
}
