package dead

import (
	"crypto/ed25519"
	"testing"
	"time"

	"headcount/events"
	"headcount/events/decode"
	"headcount/events/identity"
	"headcount/events/stream"
	"headcount/events/stream/broker"
)

// What had no time is sent with its record's, or not at all: it would count in the month in which it is sent.
func TestReplayKeepsTheMonth(t *testing.T) {
	b, err := broker.Start(t.Context(), broker.Config{Addr: "127.0.0.1:0", DataDir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	log, err := stream.Dial(t.Context(), stream.Config{Brokers: []string{b.Addr()}, Topic: "t"})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.CreateTopic(t.Context(), "t", 1, nil); err != nil {
		t.Fatal(err)
	}
	september := time.Date(2026, 9, 5, 0, 0, 0, 0, time.UTC)
	const plain, elsewhere = `{"type":"miniprogram.open","subject":"g","superapp":"a"}`, `{"type":"miniprogram.open","subject":"g","superapp":"a","x":{"time":"\u00e9"}}`
	for _, c := range []struct {
		name, value string
		at          time.Time
		other       bool // the events are no CloudEvents
		sent        string
	}{
		{"no time", plain, september, false, `{"time":"2026-09-05T00:00:00Z",` + plain[1:]},
		{"the name stands elsewhere", elsewhere, september, false, `{"time":"2026-09-05T00:00:00Z",` + elsewhere[1:]},
		{"null", `{"type":"miniprogram.open","subject":"g","superapp":"a","time":null}`, september, false, ""},
		{"nor has its record", plain, time.UnixMilli(5), false, ""},
		{"where it lies is not known", plain, september, true, ""},
	} {
		fields := events.Fields{}
		if c.other {
			fields.Time = "data.at"
		}
		template := &events.Template{TimeZone: "UTC", Precision: 14, Limits: events.DefaultLimits, KeyID: identity.NewGUIDKey([16]byte{1}).ID(), Fields: fields,
			SealKey: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)}
		r := &Replay{Log: log, Decoder: decode.NewDecoder(template.Rulebook()), Plain: !c.other, DryRun: true, Now: func() time.Time { return september.AddDate(0, 2, 0) }}
		l := &Letter{Reason: events.Placeholder, Offset: 7, Last: 7, Time: c.at, Value: []byte(c.value)}
		var to Replayed
		if err := r.Add(t.Context(), l, &to); err != nil {
			t.Fatal(err)
		}
		if c.sent == "" && (to.Sent != 0 || len(to.Dead) != 1) || c.sent != "" && (to.Sent != 1 || string(l.Value) != c.sent) {
			t.Errorf("%s: sent %d, dead %v, %s", c.name, to.Sent, to.Dead, l.Value)
		}
	}
}
