package endtoend

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"headcount/events"
	"headcount/events/signed"
)

// forgeSeals sends, to every partition, records of ours that whoever may produce records can make: seals of 36 months from one on, which
// would come next there, signed with a key of the sender's own, and closed records.
func (s *site) forgeSeals(first events.Month) {
	s.Helper()
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		s.Fatal(err)
	}
	var records []record
	add := func(p int, value []byte) {
		r := record{partition: p}
		r.Value, r.Timestamp = value, time.Date(2025, 4, 2, 0, 0, 0, 0, time.UTC).UnixMilli()
		records = append(records, r)
	}
	cluster, topicID := s.identity()
	for p := range partitions {
		for m := first; m < first+36; m++ {
			rules := "sha256:" + strings.Repeat("0", 64)
			for _, previous := range []*signed.PreviousClosing{nil, {Month: m - 1, Partitions: []events.Partition{}}} {
				x := signed.Seal{Cluster: cluster, TopicID: topicID, Partition: events.Partition(p), Month: m, SealID: "forged", RulesHash: rules, Partitions: []events.Partition{events.Partition(p)}, Previous: previous}
				add(p, x.Sign(stranger))
			}
		}
		c := signed.Closed{Cluster: cluster, TopicID: topicID, Month: first - 1, SealID: "forged", LedgerHead: strings.Repeat("0", 64)}
		c.SetUsage(map[string]string{"a1": "sha256:00"})
		add(p, c.Sign(stranger))
		add(p, []byte(`{"type":"headcount.closed"}`))
		add(p, []byte(`{"type":"headcount.seal","data":"x"}`))
		add(p, []byte(`{"type":"headcount.anything"}`))
	}
	s.send(nil, records)
}

// identity is by what a checkpoint names cluster and topic.
func (s *site) identity() (cluster, topicID string) {
	s.Helper()
	for _, name := range s.files("data/state/*/*/*/checkpoint/*.manifest") {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // there is a newer one
		}
		var m struct {
			Cluster string `json:"cluster"`
			TopicID string `json:"topic_id"`
		}
		if err := json.Unmarshal([]byte(strings.Split(string(text), "\n")[1]), &m); err != nil {
			s.Fatal(err)
		}
		return m.Cluster, m.TopicID
	}
	s.Fatal("no checkpoint")
	return "", ""
}

// rulesOf are the rules of each month that has some.
func (s *site) rulesOf() map[string]string {
	s.Helper()
	all := map[string]string{}
	for _, name := range s.files("data/state/*/*/rules/*.json") {
		text, err := os.ReadFile(name)
		if err != nil {
			s.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(name), ".json")] = string(text)
	}
	delete(all, "topic")
	return all
}

// Whoever may produce records writes seals of months to come, and closed records: no rules are fixed by them, so that a rotated key and
// a changed map of types hold from the next month on, and ingest starts; closes and verifications come to what they would without.
func TestForgedControlRecords(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 40, "2025-03-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	s.forgeSeals(events.MonthOf(2025, 3)) // before the books are opened
	s.ok("ingest", "run", "--until-end")
	wantMAU(t, decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json")), 40)
	s.forgeSeals(events.MonthOf(2025, 4))
	s.want(0, "ingest", "run", "--until-end").says(t, "seals ignored")
	if rules := s.rulesOf(); len(rules) != 1 || rules["2025-03"] == "" {
		t.Fatalf("there are rules of %d months, want those of March alone", len(rules))
	}

	keys, err := os.ReadFile(s.path("data/guid.key"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("data/guid.key", strings.TrimSpace(string(keys))+"\n00112233445566778899aabbccddeeff\n")
	s.config["events"] = `{types: {"session.start": open}}`
	s.configure()
	april := devices(0, 50, "2025-04-10T10:00:00Z")
	for i := range 7 {
		april = append(april, event("session.start", "a1", fmt.Sprint("session-", i), "2025-04-11T10:00:00Z"))
	}
	s.send(nil, april)
	s.want(0, "ingest", "run", "--until-end")
	rules := s.rulesOf()
	if was, is := keyOf(t, rules["2025-03"]), keyOf(t, rules["2025-04"]); len(rules) != 2 || is == was || !strings.Contains(rules["2025-04"], "session.start") {
		t.Errorf("April counts with key %s, March with %s; rules: %v", is, was, rules)
	}
	wantMAU(t, decode[usage](t, s.ok("rollup", "close", "--month", "2025-04", "--json")), 57)
	s.forgeSeals(events.MonthOf(2025, 5))
	for _, month := range []string{"2025-03", "2025-04"} {
		v := s.verify(0, "--month", month)
		if notes := strings.Join(v.Notes, "\n"); !strings.Contains(notes, "closed records that are not valid and change nothing") || len(v.Notes) > 10 {
			t.Errorf("%s: notes %q", month, v.Notes)
		}
		s.ok("rollup", "explain", "--month", month, "--app", "a1", "--guid", "device-1")
	}
}

// keyOf is the id of the GUID key that rules name.
func keyOf(t *testing.T, rules string) string {
	t.Helper()
	var r struct {
		KeyID string `json:"key_id"`
	}
	if err := json.Unmarshal([]byte(rules), &r); err != nil {
		t.Fatal(err)
	}
	return r.KeyID
}
