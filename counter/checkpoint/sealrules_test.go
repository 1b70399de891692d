package checkpoint

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"

	"headcount/events"
	"headcount/internal/durable/durabletest"
)

// Rules for a seal are those that are fixed, else the template's where the seal is signed by their key. None are fixed, and for seals of
// anybody the store is asked once.
func TestSealRules(t *testing.T) {
	_, mine, _ := ed25519.GenerateKey(nil)
	ours, theirs := template(), template()
	theirs.SealKey = mine.Public().(ed25519.PublicKey)
	by := func(key ed25519.PublicKey) func(ed25519.PublicKey) bool {
		return func(with ed25519.PublicKey) bool { return bytes.Equal(with, key) }
	}
	nobody := by(nil)
	disk := inMemory(durabletest.NewMemory())
	b, err := openOn(disk, "state")
	if err != nil {
		t.Fatal(err)
	}
	calls := &flaky{Bucket: b, at: -2} // never
	r, err := OpenTopic(calls, "sdk-events", shardID.TopicID).Rules(t.Context(), ours)
	if err != nil {
		t.Fatal(err)
	}
	want := func(m events.Month, signed func(ed25519.PublicKey) bool, key ed25519.PublicKey) {
		t.Helper()
		rules, err := r.SealRules(m, signed)
		if err != nil {
			t.Fatal(err)
		}
		if key == nil {
			if rules != nil {
				t.Errorf("rules of %s: %+v", m, rules)
			}
			return
		}
		if rules == nil || rules.Month != m {
			t.Fatalf("rules of %s: %+v", m, rules)
		}
		if got, err := rules.PublicKey(); err != nil || !bytes.Equal(got, key) {
			t.Errorf("rules of %s: key %x, %v, want %x", m, got, err, key)
		}
	}
	want(october, nobody, nil)
	asked := calls.calls
	for range 1000 {
		want(october, nobody, nil)
		want(october, by(theirs.SealKey), nil)
	}
	if calls.calls != asked {
		t.Errorf("%d more calls for forged seals of a month that has no rules", calls.calls-asked)
	}
	want(october, by(ours.SealKey), ours.SealKey)
	if months, err := r.Months(t.Context()); err != nil || len(months) > 0 {
		t.Errorf("rules were fixed of %v: %v", months, err)
	}

	// What another process fixes counts, by the configuration that it has.
	other, err := openTopic(t, disk).Rules(t.Context(), theirs)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []events.Month{october, october + 1} {
		if _, err := other.MonthRules(m); err != nil {
			t.Fatal(err)
		}
	}
	want(october, by(ours.SealKey), theirs.SealKey)
	want(october+1, nobody, theirs.SealKey)
	want(october+1, by(theirs.SealKey), theirs.SealKey)

	// One without a template, as a reader has it, proposes none; a store that does not answer is an error.
	if r, err = openTopic(t, disk).Rules(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	want(october, nobody, theirs.SealKey)
	want(october+2, by(ours.SealKey), nil)
	if r, err = OpenTopic(calls, "sdk-events", shardID.TopicID).Rules(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	calls.at = calls.calls
	if _, err := r.SealRules(october+3, nobody); !errors.Is(err, errRemote) {
		t.Errorf("the store is away: %v", err)
	}
	want(october+3, nobody, nil)
}

// A month that is counted again has its seals checked by the newest revision of its rules.
func TestSealRulesOfARecount(t *testing.T) {
	disk := inMemory(durabletest.NewMemory())
	r, err := openTopic(t, disk).Rules(t.Context(), template())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.MonthRules(october); err != nil {
		t.Fatal(err)
	}
	again := template()
	_, key, _ := ed25519.GenerateKey(nil) // the seal key was lost
	again.SealKey = key.Public().(ed25519.PublicKey)
	fixed, err := openTopic(t, disk).Recount(t.Context(), october, again)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = openTopic(t, disk).Rules(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := r.SealRules(october, func(ed25519.PublicKey) bool { return false }); err != nil || got.Hash() != fixed.Hash() {
			t.Errorf("rules of a seal: %v, %v, want those of the recount", got, err)
		}
	}
}
