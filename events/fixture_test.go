package events

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"time"
)

// book is a Rulebook in memory. It can fail on request.
type book struct {
	template *Template
	months   map[Month]*MonthRules
	asked    []Month
	err      error
}

func (b *book) TopicRules() *TopicRules { return b.template.Topic() }

func (b *book) MonthRules(m Month) (*MonthRules, error) {
	if b.err != nil {
		return nil, b.err
	}
	if b.months[m] == nil {
		b.asked = append(b.asked, m)
		r, err := b.template.Month(m)
		if err != nil {
			return nil, err
		}
		b.months[m] = r
	}
	return b.months[m], nil
}

var errStore = errors.New("the store is away")

func testKey(seed byte) *GUIDKey {
	var raw [16]byte
	for i := range raw {
		raw[i] = seed + byte(i)
	}
	return NewGUIDKey(raw)
}

func testSealKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

func testTemplate() *Template {
	return &Template{
		TimeZone: "UTC", Precision: 14, Limits: DefaultLimits, KeyID: testKey(1).ID(),
		SealKey: testSealKey().Public().(ed25519.PublicKey),
	}
}

func newBook(t *Template) *book { return &book{template: t, months: map[Month]*MonthRules{}} }

func newTestDecoder(tb testing.TB, change func(*Template)) (*Decoder, *book) {
	tb.Helper()
	t := testTemplate()
	if change != nil {
		change(t)
	}
	if err := t.Validate(); err != nil {
		tb.Fatal(err)
	}
	b := newBook(t)
	return NewDecoder(b, NewKeyring(testKey(1))), b
}

// millis reads an RFC 3339 time by the standard library.
func millis(tb testing.TB, s string) int64 {
	tb.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		tb.Fatal(err)
	}
	return at.UnixMilli()
}

const (
	testGUID  = "6f1c2f0e-7e5c-4b7e-9b1f-1f0e2d3c4b5a"
	testEvent = `{"specversion":"1.0","type":"miniprogram.open","source":"sdk/android/2.4.1","id":"0198f7d2-6a4c-7c31-9b55-0f6d0a5b7c11",` +
		`"time":"2026-10-03T08:15:30.123Z","subject":"` + testGUID + `","superapp":"app-001","miniprogram":"mp-42"}`
)

// record is a structured event at noon of 2026-10-03.
func record(tb testing.TB, value string) *Record {
	return &Record{Offset: 7, Timestamp: millis(tb, "2026-10-03T12:00:00Z"), Value: []byte(value)}
}

// with adds headers, given as name and value in turn.
func (r *Record) with(pairs ...string) *Record {
	for i := 0; i < len(pairs); i += 2 {
		r.Headers = EncodeHeader(r.Headers, pairs[i], []byte(pairs[i+1]))
		r.HeaderCount++
	}
	return r
}

func decode(tb testing.TB, d *Decoder, r *Record) Event {
	tb.Helper()
	var e Event
	if err := d.Decode(r, &e); err != nil {
		tb.Fatalf("Decode(%s): %v", r.Value, err)
	}
	return e
}

// verdict is the short form of an event that tables compare.
func verdict(e Event) string {
	s := ""
	switch e.Outcome {
	case Tombstone:
		return "tombstone"
	case Counted:
		s = fmt.Sprintf("counted %s %s-%02d %s", KindNames[min(e.Kind, Sync)], e.Month, e.Day, e.App)
	case Reported:
		s = fmt.Sprintf("reported %s day %d %s %s %s %d/%d", e.Month, e.Day, e.App, e.Quantity.Meter, e.Quantity.Source, e.Quantity.Revision, e.Quantity.Value)
	case Unknown:
		return "unknown " + string(e.Type)
	case Control:
		return "control " + string(e.Type)
	case Expired:
		s = fmt.Sprintf("expired %s %s", e.Month, e.App)
	case Rejected:
		return fmt.Sprintf("rejected [%s] %s", e.App, e.Reason)
	}
	if e.Skewed {
		s += " skewed"
	}
	return s
}
