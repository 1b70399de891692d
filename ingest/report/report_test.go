package report

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"headcount/endtoend/reporter"
	"headcount/events"
	"headcount/events/decode"
	"headcount/events/stream"
)

// sent is a log.
type sent struct{ messages []stream.Message }

func (s *sent) Produce(_ context.Context, messages []stream.Message) error {
	s.messages = append(s.messages, messages...)
	return nil
}

func template() *events.Template {
	t := &events.Template{
		TimeZone: "UTC", Precision: 14, Limits: events.DefaultLimits, KeyID: "none",
		SealKey: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)).Public().(ed25519.PublicKey), Reporters: reporter.All("gw"),
	}
	t.Reporters[0].Meters, t.Reporters[0].Apps = []string{"calls"}, []string{"app-*"}
	return t
}

// What is sent counts as it was typed; what would not is refused for the reason that its dead letter would have, and not sent.
func TestSend(t *testing.T) {
	october := events.MonthOf(2026, 10)
	now := time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)
	good := Report{Reporter: "gw", App: "app-1", Meter: "calls", Month: october, Value: 42}
	but := func(change func(*Report)) Report {
		r := good
		change(&r)
		return r
	}
	for _, tt := range []struct {
		report Report
		key    string // whose
		want   events.Reason
	}{
		{good, "gw", ""},
		{but(func(r *Report) { r.Day, r.Revision, r.Value = 3, 7, 0 }), "gw", ""},
		{but(func(r *Report) { r.Month = october - 1 }), "gw", ""},
		{good, "other", events.WrongSignature},
		{but(func(r *Report) { r.Reporter = "other" }), "other", events.UnknownReporter},
		{but(func(r *Report) { r.App = "shop" }), "gw", events.NotItsApp},
		{but(func(r *Report) { r.App = "app-\x00" }), "gw", events.BadApp},
		{but(func(r *Report) { r.Meter = "groups" }), "gw", events.NotItsMeter},
		{but(func(r *Report) { r.Month = october + 1 }), "gw", events.FutureMonth},
		{but(func(r *Report) { r.Day = 32 }), "gw", events.BadDay},
		{but(func(r *Report) { r.Value = -1 }), "gw", events.BadValue},
		{but(func(r *Report) { r.Revision = 1 << 31 }), "gw", events.BadRevision},
	} {
		var log sent
		book := template().Rulebook()
		err := Send(t.Context(), &log, book, reporter.Key(tt.key), tt.report, now)
		if tt.want != "" {
			if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Reason != tt.want || len(log.messages) > 0 || !strings.Contains(err.Error(), string(tt.want)) {
				t.Errorf("%s: %v, want %q; %d records sent", &tt.report, err, tt.want, len(log.messages))
			}
			continue
		}
		if err != nil || len(log.messages) != 1 || string(log.messages[0].Key) != "gw" {
			t.Fatalf("%s: %v, %+v", &tt.report, err, log.messages)
		}
		var e events.Event
		if err := decode.NewDecoder(book).Decode(&events.Record{Timestamp: now.UnixMilli(), Value: log.messages[0].Value}, &e); err != nil {
			t.Fatal(err)
		}
		got := Report{Reporter: e.Quantity.Source, App: string(e.App), Meter: e.Quantity.Meter, Month: e.Month, Day: e.Day, Value: e.Quantity.Value, Revision: e.Quantity.Revision}
		if e.Outcome != events.Reported || got != tt.report {
			t.Errorf("sent %+v, read %+v", tt.report, got)
		}
	}
}
