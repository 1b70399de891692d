package status

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
	"headcount/rating"
	"headcount/rating/ratingtest"
	"headcount/rollup/closed"
	"headcount/rollup/forecast"
	"headcount/rollup/usage"
)

const october = events.Month(2026*12 + 9)

var bookFile = ratingtest.Book(ratingtest.Devices, `  basic:
    title: Basic
    charges:
      mau: {model: per_unit, free: "4", unit_price: "0.50"}
`)

// testLog is a log of 7 records a partition.
type testLog struct{ offsets, owners error }

func (l testLog) Offsets(context.Context) (map[events.Partition]stream.Offsets, error) {
	return map[events.Partition]stream.Offsets{0: {End: 7}, 1: {End: 7}}, l.offsets
}

func (l testLog) Owners(context.Context) (map[events.Partition]string, error) {
	return map[events.Partition]string{1: "member"}, l.owners
}

func newSource(t *testing.T) Source {
	t.Helper()
	bucket, err := checkpoint.OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	books, err := rating.ParseCatalog(map[string][]byte{"test.yaml": []byte(bookFile)})
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := rating.ParseAccounts("accounts", []byte("accounts:\n  - {id: acme, apps: [app-a], plan: test/basic, from: 2026-01-01}\n"))
	if err != nil {
		t.Fatal(err)
	}
	topic := &stream.Topic{Name: "events", ID: "id", Cluster: "cluster", Partitions: []stream.PartitionInfo{{ID: 0}, {ID: 1}}}
	return Source{
		Log: testLog{}, Topic: topic, State: checkpoint.OpenTopic(bucket, topic.Name, topic.ID), Keys: identity.NewKeyring(identity.NewGUIDKey([16]byte{1})),
		Books: books, Accounts: accounts, Zone: "UTC", Limits: usage.DefaultLimits(), Group: "readers",
	}
}

// count counts three devices of October in partition 0, and checkpoints them.
func (s *Source) count(t *testing.T) {
	t.Helper()
	template := &events.Template{TimeZone: s.Zone, Precision: 6, Limits: events.DefaultLimits, KeyID: s.Keys.Newest().ID(), SealKey: make(ed25519.PublicKey, ed25519.PublicKeySize)}
	rules, err := s.State.Rules(t.Context(), template)
	if err != nil {
		t.Fatal(err)
	}
	id := counter.Identity{Cluster: s.Topic.Cluster, TopicID: s.Topic.ID, Partition: 0}
	part := s.State.Partition(id)
	if _, _, err := part.Load(t.Context(), func() *counter.Shard { return counter.NewShard(id, rules, s.Keys) }); !errors.Is(err, checkpoint.ErrNone) {
		t.Fatal(err)
	}
	shard := counter.NewShard(id, rules, s.Keys)
	var records []events.Record
	for i := range 3 {
		at := time.Date(2026, 10, 1+i, 12, 0, 0, 0, time.UTC)
		value := fmt.Appendf(nil, `{"specversion":"1.0","type":"miniprogram.open","time":%q,"subject":"d%031x","superapp":"app-a"}`, at.Format(time.RFC3339), i)
		records = append(records, events.Record{Offset: events.Offset(i), Timestamp: at.UnixMilli(), Value: value})
	}
	if _, _, err := shard.Count(records); err != nil {
		t.Fatal(err)
	}
	if _, err := part.Save(t.Context(), shard.Cut(counter.Position{Next: 3, BatchOffset: 0})); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	s := newSource(t)
	now := time.Date(2026, 10, 16, 12, 0, 0, 0, time.UTC) // half of the month
	doc, err := Read(t.Context(), s, 0, now)
	if err != nil || doc.Month != october || !doc.Provisional || len(doc.Usage) != 0 || len(doc.Forecast) != 0 {
		t.Fatalf("before the first event: %+v, %v", doc, err)
	}
	s.count(t)
	for _, c := range []struct {
		asked events.Month
		now   time.Time
	}{{october, now}, {0, now}, {0, now.AddDate(0, 1, 0)}} { // November has no events yet
		if doc, err = Read(t.Context(), s, c.asked, c.now); err != nil || doc.Month != october {
			t.Fatalf("%s at %s: %v, %v", c.asked, c.now, doc, err)
		}
		want := []usage.Progress{{Partition: 0, Offset: 3, End: 7, Lag: 4}, {Partition: 1, End: 7, Lag: 7, Owner: "member"}}
		if len(doc.Partitions) != 2 || doc.Partitions[0] != want[0] || doc.Partitions[1] != want[1] {
			t.Errorf("partitions: got %+v, want %+v", doc.Partitions, want)
		}
		if len(doc.Usage) != 1 || doc.Usage[0].Meters[0].Exact != 3 {
			t.Fatalf("usage: %+v", doc.Usage)
		}
	}
	if doc, err = Read(t.Context(), s, october, now); err != nil {
		t.Fatal(err)
	}
	if want := (Forecast{App: "app-a", Meter: "mau", Exact: 3, Free: "4", Used: "0.75", Forecast: 4, Low: 3, High: 6, By: forecast.ByFit}); len(doc.Forecast) != 1 || doc.Forecast[0] != want {
		t.Errorf("forecast: got %+v, want %+v", doc.Forecast, want)
	}
	s.Before = func(m events.Month) (*usage.Document, error) { // of whose 400 devices 300 had come by then
		before := usage.App{App: "app-a", Meters: []usage.Meter{{Meter: "mau", Exact: 400, Days: []usage.Value{{Day: "2026-09-01", Value: 300}, {Day: "2026-09-20", Value: 100}}}}}
		for d := range m.Days() {
			before.Daily = append(before.Daily, usage.Day{Day: fmt.Sprintf("%s-%02d", m, d+1)})
		}
		return &usage.Document{Month: m, Usage: []usage.App{before}}, nil
	}
	if doc, err = Read(t.Context(), s, october, now); err != nil || doc.Forecast[0].By != forecast.ByFormer || doc.Forecast[0].Forecast != 4 {
		t.Errorf("by the month before: %+v, %v", doc.Forecast, err)
	}
	down := errors.New("down")
	s.Before = func(events.Month) (*usage.Document, error) { return nil, down }
	if _, err := Read(t.Context(), s, october, now); !errors.Is(err, down) {
		t.Errorf("where the month before cannot be read: %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	down := errors.New("down")
	for _, c := range []struct {
		log   testLog
		group string
		want  string // empty: no error
	}{
		{testLog{offsets: down}, "readers", "offsets of events: down"},
		{testLog{owners: down}, "readers", "group readers: down"},
		{testLog{owners: down}, "", ""},
	} {
		s := newSource(t)
		s.Log, s.Group = c.log, c.group
		_, err := Read(t.Context(), s, 0, time.Now())
		if c.want == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if e, ok := errors.AsType[*closed.UnreachableError](err); !ok || e.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// A month without an event has no rules. What was rejected since the last seal would hold its invoices all the same, and that an account's
// apps are silent is said.
func TestAMonthWithoutEvents(t *testing.T) {
	s := newSource(t)
	template := &events.Template{TimeZone: s.Zone, Precision: 6, Limits: events.DefaultLimits, KeyID: s.Keys.Newest().ID(), SealKey: make(ed25519.PublicKey, ed25519.PublicKeySize)}
	rules, err := s.State.Rules(t.Context(), template)
	if err != nil {
		t.Fatal(err)
	}
	id := counter.Identity{Cluster: s.Topic.Cluster, TopicID: s.Topic.ID, Partition: 0}
	part := s.State.Partition(id)
	if _, _, err := part.Load(t.Context(), func() *counter.Shard { return counter.NewShard(id, rules, s.Keys) }); !errors.Is(err, checkpoint.ErrNone) {
		t.Fatal(err)
	}
	shard := counter.NewShard(id, rules, s.Keys)
	at := time.Date(2026, 10, 20, 12, 0, 0, 0, time.UTC)
	var records []events.Record
	for i := range 30 {
		records = append(records, events.Record{Offset: events.Offset(i), Timestamp: at.UnixMilli(), Value: []byte("{")})
	}
	if _, _, err := shard.Count(records); err != nil {
		t.Fatal(err)
	}
	if _, err := part.Save(t.Context(), shard.Cut(counter.Position{Next: 30, BatchOffset: 0})); err != nil {
		t.Fatal(err)
	}
	s.Before = func(m events.Month) (*usage.Document, error) {
		return &usage.Document{Month: m, Usage: []usage.App{{App: "app-a", Events: 300, Daily: []usage.Day{{Day: m.String() + "-01", New: 100}}}}}, nil
	}
	doc, err := Read(t.Context(), s, october, at)
	if err != nil {
		t.Fatal(err)
	}
	var causes []usage.Cause
	for _, n := range doc.NotBilled {
		causes = append(causes, n.Cause)
	}
	if !slices.Equal(causes, []usage.Cause{usage.RejectedRecords, usage.Silent}) || doc.Rejected != 30 || len(doc.Usage) != 0 {
		t.Errorf("%d rejected, not billed: %+v, usage: %+v", doc.Rejected, doc.NotBilled, doc.Usage)
	}
	invoices, err := doc.Invoices(nil)
	if err != nil {
		t.Fatal(err)
	}
	doc.Hold(invoices)
	if len(invoices) != 1 || invoices[0].Status != rating.StatusHeld || len(doc.Alarms) != 1 {
		t.Errorf("invoices: %+v, alarms: %q", invoices, doc.Alarms)
	}
}
