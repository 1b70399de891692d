package verify

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"headcount/events"
	"headcount/events/signed"
	"headcount/rating/ledger"
	"headcount/rollup/amend"
	"headcount/rollup/closed"
	"headcount/verify/recount"
	"headcount/verify/report"
)

const july = events.Month(2025*12 + 6)

// forged are records of ours that no close of the site wrote, of a month.
func (s *randomSite) forged(t *testing.T, m events.Month, partition events.Partition) map[string][]byte {
	t.Helper()
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := s.template.Month(m)
	if err != nil {
		t.Fatal(err)
	}
	closed := func(key ed25519.PrivateKey, change func(*signed.Closed)) []byte {
		c := signed.Closed{Cluster: s.topic.Cluster, TopicID: s.topic.ID, Month: m, SealID: "forged", LedgerHead: "sha256:" + strings.Repeat("0", 64)}
		c.SetUsage(map[string]string{"app-001": "sha256:00"})
		change(&c)
		return c.Sign(key)
	}
	seal := func(previous *signed.PreviousClosing) []byte {
		x := signed.Seal{Cluster: s.topic.Cluster, TopicID: s.topic.ID, Partition: partition, Month: m, SealID: "forged", RulesHash: rules.Hash(), Partitions: []events.Partition{partition}, Previous: previous}
		return x.Sign(stranger)
	}
	same := func(*signed.Closed) {}
	good := closed(s.sealKey, same)
	return map[string][]byte{
		"closed: another key":        closed(stranger, same),
		"closed: a byte changed":     bytes.Replace(good, []byte(`"apps":1`), []byte(`"apps":2`), 1),
		"closed: no signature":       append(bytes.Clone(good[:bytes.Index(good, []byte(`,"signature"`))]), '}'),
		"closed: another cluster":    closed(s.sealKey, func(c *signed.Closed) { c.Cluster = "the mirrored one" }),
		"closed: another topic":      closed(s.sealKey, func(c *signed.Closed) { c.TopicID = "the mirrored one" }),
		"closed: without rules":      closed(stranger, func(c *signed.Closed) { c.Month += 400 }),
		"closed: nothing but a type": []byte(`{"type":"headcount.closed"}`),
		"closed: garbage":            []byte(`{"type":"headcount.closed","data":[{"headcount.closed":"\u001b[2J"}],"signature":"AAAA"}`),
		"of ours":                    []byte(`{"type":"headcount.anything","data":{"month":"2025-07"}}`),
		"seal: opens the books":      seal(nil),
		"seal: follows":              seal(&signed.PreviousClosing{Month: m - 1, Partitions: []events.Partition{partition}}),
		"seal: follows by a gap":     seal(&signed.PreviousClosing{Month: m - 1, Partitions: []events.Partition{}}),
		"seal: nothing but a type":   []byte(`{"type":"headcount.seal"}`),
	}
}

// forge puts forged records of many months to come, and of those that are closed, into every partition.
func (s *randomSite) forge(t *testing.T) {
	t.Helper()
	for p := range s.log {
		for ahead := range 36 {
			for _, value := range s.forged(t, july+events.Month(ahead), events.Partition(p)) {
				s.log.append(p, events.Record{Timestamp: time.Date(2025, 7, 2, 0, 0, 0, 0, time.UTC).UnixMilli(), Value: value})
			}
		}
	}
}

// rules are the months that have rules.
func (s *randomSite) rules() (months []string) {
	for name := range s.bucket.memory {
		if _, month, ok := strings.Cut(name, "/rules/"); ok && month != "topic.json" {
			months = append(months, strings.TrimSuffix(month, ".json"))
		}
	}
	return months
}

func named(r *report.Report, what, words string) bool {
	for _, d := range r.Differences {
		if d.What == what && strings.Contains(d.String(), words) {
			return true
		}
	}
	return false
}

// Records of ours that anybody can produce change nothing, wherever they lie: no rules, no number, no verdict; there is a remark.
func TestForgedRecordsAreRemarks(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	s := newRandomSite(t, rnd)
	for m := july; m <= july+1; m++ {
		s.forge(t)
		s.send(t, rnd, m.String(), 60)
		s.forge(t)
		s.close(t, m)
	}
	s.forge(t)
	for m := july; m <= july+1; m++ {
		for _, how := range []reading{fromSeals, whole, fromSealed} {
			r := s.verify(t, m, how, 0)
			if !r.OK {
				t.Errorf("%s, from %s: %v", m, how, r.Differences)
			}
			notes := strings.Join(r.Notes, "\n")
			for _, words := range []string{"closed records that are not valid and change nothing", "seals that are not valid and change nothing"} {
				if strings.Contains(notes, words) == (how == fromSealed) {
					t.Errorf("%s, from %s: notes %s", m, how, notes)
				}
			}
			if len(r.Notes) > 20 || strings.Contains(notes, "\x1b") {
				t.Errorf("%d notes: %.2000q", len(r.Notes), notes)
			}
		}
	}
	for _, month := range s.rules() {
		if m, err := events.ParseMonth(month); err != nil || m > july+3 { // the months' own events may be of those around them
			t.Errorf("there are rules of %s", month)
		}
	}
}

// A closed record that the log has lost, or that was changed there, is found all the same, also an amendment's.
func TestClosedRecordsAreMissed(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	s := newRandomSite(t, rnd)
	s.accounts = "accounts:\n  - {id: acme, apps: [app-001], plan: tcmpp/pro, from: 2025-01-01}\n"
	s.send(t, rnd, july.String(), 60)
	s.close(t, july)
	s.amend(t, strings.Replace(s.accounts, "[app-001]", "[app-001, app-002]", 1))
	s.forge(t)
	if r := s.verify(t, july, fromSeals, 0); !r.OK {
		t.Fatalf("honest: %v", r.Differences)
	}
	at := s.closedRecords()
	if len(at) != 2 {
		t.Fatalf("%d closed records, want that of the close and the amendment's", len(at))
	}
	for i, offset := range at {
		genuine := s.log[0][offset].Value
		for what, value := range map[string][]byte{
			"missing":         []byte(`{}`),
			"its head":        bytes.Replace(genuine, []byte(`"ledger_head":"`), []byte(`"ledger_head":"0`), 1),
			"another's words": s.forged(t, july, 0)["closed: another key"],
			"its signature":   bytes.Replace(genuine, []byte(`"signature":"`), []byte(`"signature":"A`), 1),
		} {
			s.log[0][offset].Value = value
			if r := s.verify(t, july, fromSeals, 0); r.OK || !named(r, "closed records", "partition 0") {
				t.Errorf("closed record %d, %s: %v", i, what, r.Differences)
			}
		}
		s.log[0][offset].Value = genuine
	}
	if r := s.verify(t, july, fromSeals, 0); !r.OK {
		t.Fatalf("honest again: %v", r.Differences)
	}
}

// closedRecords are the offsets of the site's own closed records, all in partition 0.
func (s *randomSite) closedRecords() (at []int) {
	for i, r := range s.log[0] {
		c, sig, err := recount.OpenClosed(r.Value)
		if err == nil && c.TopicID == s.topic.ID && c.Cluster == s.topic.Cluster && sig.By(s.sealKey.Public().(ed25519.PublicKey)) && c.Month == july.String() {
			at = append(at, i)
		}
	}
	return at
}

// amend prices July by other accounts, and tells the log.
func (s *randomSite) amend(t *testing.T, accounts string) {
	t.Helper()
	l, err := ledger.Open(t.Context(), "sqlite://"+s.file)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m, err := closed.Open(t.Context(), l, s.bucket, july)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, _, err := amend.Month(t.Context(), l, m, amend.Correction{Accounts: []byte(accounts), Reason: "an app was forgotten", By: "ann", Now: hasty{}.Now(), SealKey: s.sealKey}); err != nil {
		t.Fatal(err)
	}
	if err := amend.Announce(t.Context(), l, m, s.log, s.topic, hasty{}.Now()); err != nil {
		t.Fatal(fmt.Errorf("announce: %w", err))
	}
}
