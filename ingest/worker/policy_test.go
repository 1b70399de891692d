package worker

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/identity"
	"headcount/events/stream"
)

const october = events.Month(2026*12 + 9)

func testPolicy(keys *identity.Keyring) Policy {
	return Policy{
		Template: &events.Template{TimeZone: "UTC", Precision: 6, Limits: events.DefaultLimits, KeyID: keys.Newest().ID(), SealKey: make(ed25519.PublicKey, ed25519.PublicKeySize)},
		Keys:     keys, TemplateFile: "the config", KeyFile: "the keys",
	}
}

// fix fixes a month's rules by a policy, and returns their hash.
func fix(t *testing.T, state *checkpoint.Topic, p Policy, m events.Month) string {
	t.Helper()
	book, err := state.Rules(t.Context(), p.Template)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := book.MonthRules(m)
	if err != nil {
		t.Fatal(err)
	}
	return rules.Hash()
}

func testBucket(t *testing.T) checkpoint.Bucket {
	t.Helper()
	bucket, err := checkpoint.OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return bucket
}

func TestCheckRules(t *testing.T) {
	first, second := identity.NewGUIDKey([16]byte{1}), identity.NewGUIDKey([16]byte{2})
	old, both, lone := testPolicy(identity.NewKeyring(first)), testPolicy(identity.NewKeyring(first, second)), testPolicy(identity.NewKeyring(second))
	bucket := testBucket(t)
	state := func() *checkpoint.Topic { return checkpoint.OpenTopic(bucket, "events", "id") }
	fix(t, state(), old, october)

	if err := errors.Join(CheckRules(t.Context(), state(), old), CheckRules(t.Context(), state(), both), CheckKeys(t.Context(), state(), both)); err != nil {
		t.Errorf("the same rules, also with a newer key: %v", err)
	}
	for _, check := range []func(context.Context, *checkpoint.Topic, Policy) error{CheckRules, CheckKeys} {
		err := check(t.Context(), state(), lone)
		if e, ok := errors.AsType[*KeyMissingError](err); !ok || e.File != "the keys" || e.Month != october || e.KeyID != first.ID() || e.Newest != second.ID() {
			t.Errorf("without the key of an open month: %v", err)
		}
	}
	types := *old.Template
	types.Types = map[string]string{"scan": "scan"}
	other := old
	other.Template = &types
	err := CheckRules(t.Context(), state(), other)
	if e, ok := errors.AsType[*MonthDiffersError](err); !ok || e.Month != october || e.File != "the config" {
		t.Errorf("other types: %v", err)
	}
	if err := CheckKeys(t.Context(), state(), other); err != nil {
		t.Errorf("the keys are there: %v", err)
	}
	zone := *old.Template
	zone.TimeZone = "Asia/Shanghai"
	other.Template = &zone
	err = CheckRules(t.Context(), state(), other)
	if _, ok := errors.AsType[*checkpoint.RulesDifferError](err); !ok || !strings.HasPrefix(err.Error(), "the config: ") {
		t.Errorf("another time zone: %v", err)
	}
}

func TestCheckSiblings(t *testing.T) {
	bucket, p := testBucket(t), testPolicy(identity.NewKeyring(identity.NewGUIDKey([16]byte{1})))
	fix(t, checkpoint.OpenTopic(bucket, "events", "former"), p, october)
	state := checkpoint.OpenTopic(bucket, "events", "id")
	topic := &stream.Topic{Name: "events", ID: "id", Cluster: "cluster", Partitions: []stream.PartitionInfo{{ID: 0}}}
	_, err := CheckSiblings(t.Context(), state, topic, false)
	if e, ok := errors.AsType[*SiblingError](err); !ok || e.Former != "former" || !slices.Equal(e.Unsealed, []events.Month{october}) {
		t.Errorf("%v", err)
	}
	if lost, err := CheckSiblings(t.Context(), state, topic, true); err != nil || lost != "topic events was made again; its former self former had 2026-10 unsealed" {
		t.Errorf("accepted: %q, %v", lost, err)
	}
	// Partitions with a checkpoint began when it was accepted.
	rules, err := state.Rules(t.Context(), p.Template)
	if err != nil {
		t.Fatal(err)
	}
	id := counter.Identity{Cluster: "cluster", TopicID: "id", Partition: 0}
	part := state.Partition(id)
	if _, _, err := part.Load(t.Context(), func() *counter.Shard { return counter.NewShard(id, rules, p.Keys) }); !errors.Is(err, checkpoint.ErrNone) {
		t.Fatal(err)
	}
	shard := counter.NewShard(id, rules, p.Keys)
	if _, err := part.Save(t.Context(), shard.Cut(counter.Position{Next: 1, BatchOffset: 0})); err != nil {
		t.Fatal(err)
	}
	if lost, err := CheckSiblings(t.Context(), state, topic, false); err != nil || lost != "" {
		t.Errorf("begun: %q, %v", lost, err)
	}
}

// What was lost with each of several former topics goes on record.
func TestSiblingsAccepted(t *testing.T) {
	bucket, p := testBucket(t), testPolicy(identity.NewKeyring(identity.NewGUIDKey([16]byte{1})))
	fix(t, checkpoint.OpenTopic(bucket, "events", "first"), p, october)
	fix(t, checkpoint.OpenTopic(bucket, "events", "second"), p, october+1)
	topic := &stream.Topic{Name: "events", ID: "id", Cluster: "cluster", Partitions: []stream.PartitionInfo{{ID: 0}}}
	lost, err := CheckSiblings(t.Context(), checkpoint.OpenTopic(bucket, "events", "id"), topic, true)
	const want = "topic events was made again; its former self first had 2026-10 unsealed; topic events was made again; its former self second had 2026-11 unsealed"
	if err != nil || lost != want {
		t.Errorf("accepted: got %q, %v, want %q", lost, err, want)
	}
}

func TestRestoreRules(t *testing.T) {
	keys := identity.NewKeyring(identity.NewGUIDKey([16]byte{1}), identity.NewGUIDKey([16]byte{2}))
	now := testPolicy(keys)
	then := testPolicy(identity.NewKeyring(identity.NewGUIDKey([16]byte{1})))
	lost := checkpoint.OpenTopic(testBucket(t), "events", "id")
	before := *then.Template // counted by an earlier tz database, and by a release that named none
	before.Zoneinfo = "2026b"
	closed := []ClosedRules{{october, fix(t, lost, then, october)}, {october - 1, fix(t, lost, Policy{Template: &before}, october-1)}}
	untold := before
	untold.Zoneinfo = events.EarlierZoneinfo()[len(events.EarlierZoneinfo())-1]
	closed = append(closed, ClosedRules{october - 2, fix(t, lost, Policy{Template: &untold}, october-2)})
	log := slog.New(slog.DiscardHandler)
	asked := 0
	tell := func(context.Context) ([]ClosedRules, error) {
		asked++
		return closed, nil
	}

	bucket := testBucket(t)
	state := checkpoint.OpenTopic(bucket, "events", "id")
	if err := RestoreRules(t.Context(), state, "the state", tell, now, log); err != nil {
		t.Fatal(err)
	}
	book, err := checkpoint.OpenTopic(bucket, "events", "id").Rules(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range closed {
		if rules, err := book.Known(c.Month); err != nil || rules.Hash() != c.Hash {
			t.Errorf("rules of %s were not put back: %v", c.Month, err)
		}
	}
	if err := RestoreRules(t.Context(), state, "the state", tell, now, log); err != nil || asked != 1 {
		t.Errorf("with rules there, what was closed was asked for %d times: %v", asked, err)
	}

	empty := checkpoint.OpenTopic(testBucket(t), "events", "id")
	closed = []ClosedRules{{october, "sha256:00"}}
	err = RestoreRules(t.Context(), empty, "the state", tell, now, log)
	if e, ok := errors.AsType[*RulesLostError](err); !ok || e.ClosedRules != closed[0] || e.State != "the state" {
		t.Errorf("rules that no key gives: %v", err)
	}
	down := errors.New("down")
	if err := RestoreRules(t.Context(), empty, "the state", func(context.Context) ([]ClosedRules, error) { return nil, down }, now, log); !errors.Is(err, down) {
		t.Errorf("what was closed is not known: %v", err)
	}
}
