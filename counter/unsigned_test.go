package counter

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"testing"

	"headcount/events"
	"headcount/events/signed"
)

// forgery is a record of ours that nobody with the seal key wrote.
type forgery struct {
	name  string
	value []byte
	seal  bool // it is counted as a seal that is not valid
}

// forgeries are seals of a month, which would follow one of another (0: none), and other records of ours.
func forgeries(t *testing.T, m, after events.Month) []forgery {
	t.Helper()
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := newTestBook(nil).MonthRules(m)
	if err != nil {
		t.Fatal(err)
	}
	s := signed.Seal{
		Cluster: testID.Cluster, TopicID: testID.TopicID, Partition: testID.Partition, Month: m, SealID: "forged", RulesHash: rules.Hash(), Partitions: []events.Partition{3},
	}
	if after != 0 {
		s.Previous = &signed.PreviousClosing{Month: after, Partitions: []events.Partition{3}}
	}
	genuine := s.Sign(testSealKey)
	another := s
	another.Month += 2
	var members map[string]json.RawMessage
	if err := json.Unmarshal(another.Sign(testSealKey), &members); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(genuine, []byte(`,"signature":"`))
	borrowed := append(bytes.Clone(genuine[:at]), `,"signature":`+string(members["signature"])+`}`...)
	closed := signed.Closed{Cluster: testID.Cluster, TopicID: testID.TopicID, Month: m, SealID: "forged", LedgerHead: "sha256:00"}
	closed.SetUsage(nil)
	return []forgery{
		{"another key", s.Sign(stranger), true},
		{"no signature", append(bytes.Clone(genuine[:at]), '}'), true},
		{"an empty signature", append(bytes.Clone(genuine[:at]), `,"signature":""}`...), true},
		{"zeros for a signature", append(bytes.Clone(genuine[:at]), `,"signature":"`+string(bytes.Repeat([]byte("A"), 86))+`=="}`...), true},
		{"the signature of another seal", borrowed, true},
		{"a month that was changed", bytes.Replace(another.Sign(testSealKey), []byte(another.Month.String()), []byte(m.String()), 1), true},
		{"nothing but a type", []byte(`{"type":"headcount.seal"}`), true},
		{"closed", closed.Sign(stranger), false},
		{"closed, and nothing else", []byte(`{"type":"headcount.closed"}`), false},
		{"another record of ours", fmt.Appendf(nil, `{"type":"headcount.anything","data":{"month":%q}}`, m), false},
	}
}

// TestUnsignedRecordsChangeNothing: no rules, no window, no floor, nothing that a checkpoint would hold but the counters of records and of
// seals that are not valid.
func TestUnsignedRecordsChangeNothing(t *testing.T) {
	for _, months := range []struct{ month, after events.Month }{
		{october, 0}, {october, september}, {november, september}, {november, october}, {october + 36, 0}, {october + 36, september}, {events.MonthOf(9999, 12), september}, {september, 0},
	} {
		for _, f := range forgeries(t, months.month, months.after) {
			t.Run(fmt.Sprintf("%s after %s: %s", months.month, months.after, f.name), func(t *testing.T) {
				book := newTestBook(nil)
				s := NewShard(testID, book, testKeys)
				chain := &lostSeals{sealed: []events.Month{september, october}}
				s.SetChain(chain)
				l := newTestLog()
				l.open(1, "a", september, 3)
				if months.after != 0 {
					l.seal(book, september, nil, nil)
				}
				l.open(1, "a", september, 4)
				l.add([]byte("no event"))
				countAll(t, s, l.records)
				s.TakeDead()
				s.Cut(Position{})
				fixed, before := maps.Clone(book.months), s.State()
				asked := book.asked

				forged := newTestLog()
				forged.add(f.value)
				forged.add(f.value)
				if sealed := countAll(t, s, forged.records); len(sealed) != 0 {
					t.Fatalf("sealed %+v", sealed[0])
				}
				want := before
				want.Records += 2
				if f.seal {
					want.InvalidSeals += 2
				}
				if got := s.State(); !reflect.DeepEqual(got, want) {
					t.Errorf("state %+v, want %+v", got, want)
				}
				if !maps.Equal(book.months, fixed) || book.asked != asked {
					t.Errorf("rules were fixed of %d months, before of %d; they were asked for %d times, to be fixed if there are none", len(book.months), len(fixed), book.asked-asked)
				}
				if len(chain.asked) > 0 {
					t.Errorf("the state store was asked of %v", chain.asked)
				}
				if d := s.Cut(Position{}); len(d.Windows) > 0 || len(d.Dropped) > 0 || len(s.TakeDead()) > 0 {
					t.Errorf("windows %v and months %v are of the next checkpoint", d.Windows, d.Dropped)
				}
				after := newTestLog()
				after.open(2, "a", september, 5)
				after.open(2, "a", october, 5)
				countAll(t, s, after.records)
				if got := s.State(); got.Apps["a"].Expired != 0 || got.TotalRejected != before.TotalRejected {
					t.Errorf("events count otherwise: %+v", got)
				}
			})
		}
	}
}

// TestSealIsCheckedByTheMonthsRules: of a month whose rules are fixed under another key than the configuration's a seal is valid by that one,
// and by no other.
func TestSealIsCheckedByTheMonthsRules(t *testing.T) {
	_, former, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	then := newTestBook(func(t *events.Template) { t.SealKey = former.Public().(ed25519.PublicKey) })
	rules, err := then.MonthRules(october)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		key   ed25519.PrivateKey
		fixed bool // the rules of the month, with the former key
		want  int
	}{
		{"the month's", former, true, 1},
		{"the configuration's", testSealKey, true, 0},
		{"the former, and nobody has fixed rules", former, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			book := newTestBook(nil)
			if tt.fixed {
				book.months[october] = rules
			}
			l := newTestLog()
			seal := signed.Seal{Cluster: testID.Cluster, TopicID: testID.TopicID, Partition: testID.Partition, Month: october, SealID: "x", RulesHash: rules.Hash(), Partitions: []events.Partition{3}}
			l.add(seal.Sign(tt.key))
			if sealed := countAll(t, NewShard(testID, book, testKeys), l.records); len(sealed) != tt.want {
				t.Errorf("%d months sealed, want %d", len(sealed), tt.want)
			}
			if (book.months[october] != nil) != tt.fixed {
				t.Errorf("rules of the month are fixed: %v", !tt.fixed)
			}
		})
	}
}

// TestValidSealFixesRules: state that was lost is counted again from the log, where a partition may have nothing of a month but its seal.
func TestValidSealFixesRules(t *testing.T) {
	l := newTestLog()
	l.seal(newTestBook(nil), september, nil, nil)
	l.seal(newTestBook(nil), october, &signed.PreviousClosing{Month: september, Partitions: []events.Partition{3}}, nil)
	book := newTestBook(nil)
	if sealed := countAll(t, NewShard(testID, book, testKeys), l.records); len(sealed) != 2 || sealed[1].RulesHash != book.months[october].Hash() {
		t.Errorf("sealed %+v, want September and October", sealed)
	}

	// A seal of other rules than the configuration would fix is not valid, and fixes none.
	book = newTestBook(func(t *events.Template) { t.Precision = 12 })
	if sealed := countAll(t, NewShard(testID, book, testKeys), l.records); len(sealed) != 0 || len(book.months) != 0 {
		t.Errorf("sealed %+v, rules of %v", sealed, book.months)
	}
	book.fails[september] = errors.New("the store is away")
	l = newTestLog()
	l.seal(newTestBook(func(t *events.Template) { t.Precision = 12 }), september, nil, nil)
	if n, _, err := NewShard(testID, book, testKeys).Count(l.records); n != 0 || err == nil {
		t.Errorf("the store is away: %d records counted, %v", n, err)
	}
}
