package sim

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"strconv"
	"strings"
	"time"

	"headcount/endtoend/reporter"
	"headcount/events"
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
	forged  bool   // rejected: a quantity that no reporter signed
	size    int    // of the record, at least; 0: what it takes

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
		case m.forged:
			return m.forgery(w)
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
		b := fmt.Appendf(nil, `{"type":"usage.reported","superapp":%q,"meter":%q,"month":%q%s,"source":%q,"value":"%d","revision":%d`,
			m.app, m.meter, m.month, day, m.source, m.value, m.revision)
		return reporter.Sign(append(m.appendTime(b, w), '}'), w.template.SealKey)
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
	b = m.appendSubject(b, w)
	b = append(b, `","superapp":"`...)
	b = append(b, m.app...)
	b = append(b, '"')
	if b = append(m.appendTime(b, w), '}'); m.size > len(b) {
		b = m.pad(b)
	}
	return b
}

// forgery is a quantity that no reporter signed so: not at all, and of a month that may be long past; to another installation; or before it
// was changed.
func (m *made) forgery(w *World) []byte {
	form, month := w.draw(3), w.monthOf(m.stamp)
	if form == 0 {
		month -= events.Month(w.draw(40))
	}
	b := fmt.Appendf(nil, `{"type":"usage.reported","superapp":%q,"meter":"calls","month":%q,"source":"source-%d","value":"60000000000000","revision":2147483647}`,
		m.app, month, w.draw(3))
	switch form {
	case 1:
		return reporter.Sign(b, strangeKey.Public().(ed25519.PublicKey))
	case 2:
		b = bytes.Replace(reporter.Sign(b, w.template.SealKey), []byte(`"60000000000000"`), []byte(`"0"`), 1)
	}
	return b
}

// appendTime appends the time that the record says, if it says one.
func (m *made) appendTime(b []byte, w *World) []byte {
	if m.at == 0 {
		return b
	}
	t := time.UnixMilli(m.at).UTC()
	if w.draw(4) == 0 {
		t = t.In(w.zone)
	}
	b = append(b, `,"time":"`...)
	return append(t.AppendFormat(b, "2006-01-02T15:04:05.000Z07:00"), '"')
}

// appendSubject appends the id in one of the forms in which it may be written.
func (m *made) appendSubject(b []byte, w *World) []byte {
	form := 0
	if m.kind != login && len(m.who) == 32 {
		form = 1 + w.draw(8)
	}
	switch form {
	case 0, 1:
		return append(b, m.who...)
	case 2:
		return appendHyphens(b, strings.ToUpper(m.who))
	case 3:
		return append(appendHyphens(append(b, '{'), m.who), '}')
	case 4:
		return appendHyphens(append(b, "urn:uuid:"...), m.who)
	}
	return appendHyphens(b, m.who)
}

func appendHyphens(b []byte, id string) []byte {
	for i, n := range []int{8, 4, 4, 4, 12} {
		if i > 0 {
			b = append(b, '-')
		}
		b, id = append(b, id[:n]...), id[n:]
	}
	return b
}
