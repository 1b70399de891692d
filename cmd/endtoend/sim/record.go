package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What a record was made to be.
type verdict uint8

const (
	counted verdict = iota
	reported
	unknown
	tombstone
	rejected
)

// made says what a record was made to be.
type made struct {
	verdict verdict
	app     string // of rejected: empty where none can be read
	who     string // a device's or a user's id, in one form
	kind    int    // index into kindNames
	at      int64  // the event's time; 0: it has none
	stamp   int64  // the record's

	meter, source, month string // of reported
	day                  int
	revision, value      int64
}

var (
	kindNames = []string{"open", "search", "predownload", "login", "push"}
	kindIndex = []int{0, 1, 2, 3, 9} // as a month's rules have them
	typeNames = [][]string{{"miniprogram.open", "minigame.open"}, {"miniprogram.search"}, {"minigame.predownload"}, {"user.login"}, {"component.push"}}
)

const login = 3

// value is the record as it is sent.
func (m *made) bytes(w *World) []byte {
	switch m.verdict {
	case tombstone:
		return nil
	case rejected:
		switch {
		case m.app == "":
			return []byte([]string{`{"specversion":"1.0","type":"minip`, `no event`, `{"type":"miniprogram.open","subject":"x"}`, `[]`}[w.draw(4)])
		case w.chanceEven():
			return []byte(`{"specversion":"1.0","type":"miniprogram.open","superapp":"` + m.app + `"}`)
		}
		return []byte(`{"type":"miniprogram.open","superapp":"` + m.app + `","subject":"x","time":"yesterday"}`)
	case reported:
		day := ""
		if m.day > 0 {
			day = fmt.Sprintf(`,"day":%q`, fmt.Sprintf("%s-%02d", m.month, m.day))
		}
		return fmt.Appendf(nil, `{"type":"usage.reported","superapp":%q,"meter":%q,"month":%q%s,"source":%q,"value":"%d","revision":%d%s}`,
			m.app, m.meter, m.month, day, m.source, m.value, m.revision, m.time(w))
	}
	kind := "other.thing"
	if m.verdict == counted {
		names := typeNames[m.kind]
		kind = names[w.draw(len(names))]
	}
	b := make([]byte, 0, 200)
	b = append(b, `{"specversion":"1.0","type":"`...)
	b = append(b, kind...)
	b = append(b, `","id":"`...)
	b = strconv.AppendInt(b, int64(w.draw(1<<30)), 16)
	b = append(b, `","subject":"`...)
	b = append(b, m.subject(w)...)
	b = append(b, `","superapp":"`...)
	b = append(b, m.app...)
	b = append(b, '"')
	b = append(b, m.time(w)...)
	return append(b, '}')
}

func (m *made) time(w *World) string {
	if m.at == 0 {
		return ""
	}
	t := time.UnixMilli(m.at).UTC()
	if w.draw(4) == 0 {
		t = t.In(w.zone)
	}
	return `,"time":"` + t.Format("2006-01-02T15:04:05.000Z07:00") + `"`
}

// subject is the id in one of the forms in which it may be written.
func (m *made) subject(w *World) string {
	if m.kind == login || len(m.who) != 32 {
		return m.who
	}
	hyphens := m.who[:8] + "-" + m.who[8:12] + "-" + m.who[12:16] + "-" + m.who[16:20] + "-" + m.who[20:]
	switch w.draw(8) {
	case 0:
		return m.who
	case 1:
		return strings.ToUpper(hyphens)
	case 2:
		return "{" + hyphens + "}"
	case 3:
		return "urn:uuid:" + hyphens
	}
	return hyphens
}
