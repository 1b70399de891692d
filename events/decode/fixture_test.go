package decode

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"time"

	"headcount/events"
	"headcount/events/identity"
)

// book is a Rulebook in memory. It can fail on request.
type book struct {
	template *events.Template
	months   map[events.Month]*events.MonthRules
	asked    []events.Month
	err      error
}

func (b *book) TopicRules() *events.TopicRules { return b.template.Topic() }

func (b *book) MonthRules(m events.Month) (*events.MonthRules, error) {
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

// deviceOf and userOf are what the fingerprints of a GUID and of a user id are made of.
func deviceOf(guid string) (id identity.ID) {
	new(identity.IDs).Device(&id, []byte(guid))
	return id
}

func userOf(user string) (id identity.ID) {
	new(identity.IDs).User(&id, []byte(user))
	return id
}

func testSealKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

func testTemplate() *events.Template {
	return &events.Template{
		TimeZone: "UTC", Precision: 14, Limits: events.DefaultLimits, KeyID: identity.NewGUIDKey([16]byte{1}).ID(),
		SealKey: testSealKey().Public().(ed25519.PublicKey),
	}
}

func newBook(t *events.Template) *book {
	return &book{template: t, months: map[events.Month]*events.MonthRules{}}
}

func newTestDecoder(tb testing.TB, change func(*events.Template)) (*Decoder, *book) {
	tb.Helper()
	t := testTemplate()
	if change != nil {
		change(t)
	}
	if err := t.Validate(); err != nil {
		tb.Fatal(err)
	}
	b := newBook(t)
	return NewDecoder(b), b
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
func record(tb testing.TB, value string) *events.Record {
	return &events.Record{Offset: 7, Timestamp: millis(tb, "2026-10-03T12:00:00Z"), Value: []byte(value)}
}

// with adds headers, given as name and value in turn.
func with(r *events.Record, pairs ...string) *events.Record {
	for i := 0; i < len(pairs); i += 2 {
		r.Headers = events.EncodeHeader(r.Headers, pairs[i], []byte(pairs[i+1]))
		r.HeaderCount++
	}
	return r
}

func decode(tb testing.TB, d *Decoder, r *events.Record) events.Event {
	tb.Helper()
	var e events.Event
	if err := d.Decode(r, &e); err != nil {
		tb.Fatalf("Decode(%s): %v", r.Value, err)
	}
	return e
}

// verdict is the short form of an event that tables compare.
func verdict(e events.Event) string {
	s := ""
	switch e.Outcome {
	case events.Tombstone:
		return "tombstone"
	case events.Counted:
		s = fmt.Sprintf("counted %s %s-%02d %s", events.KindNames[min(e.Kind, events.Sync)], e.Month, e.Day, e.App)
	case events.Reported:
		s = fmt.Sprintf("reported %s day %d %s %s %s %d/%d", e.Month, e.Day, e.App, e.Quantity.Meter, e.Quantity.Source, e.Quantity.Revision, e.Quantity.Value)
	case events.Unknown:
		return "unknown " + string(e.Type)
	case events.Control:
		return "control " + string(e.Type)
	case events.Expired:
		s = fmt.Sprintf("expired %s %s", e.Month, e.App)
	case events.BeforeBooks:
		return fmt.Sprintf("before the books [%s]", e.App)
	case events.Rejected:
		return fmt.Sprintf("rejected [%s] %s", e.App, e.Reason)
	}
	if e.Skewed {
		s += " skewed"
	}
	return s
}
