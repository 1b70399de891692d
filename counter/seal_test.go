package counter

import (
	"crypto/ed25519"
	"testing"

	"headcount/events"
	"headcount/events/signed"
)

// TestWhichSealsCount tries one seal on a shard that has sealed September, or nothing.
func TestWhichSealsCount(t *testing.T) {
	closing := func(m events.Month, partitions ...events.Partition) *signed.PreviousClosing {
		return &signed.PreviousClosing{Month: m, Partitions: partitions}
	}
	const valid, repeat, invalid = "valid", "repeat", "invalid"
	for _, tt := range []struct {
		name     string
		sealed   bool // September is
		month    events.Month
		previous *signed.PreviousClosing
		change   func(*signed.Seal)
		want     string
	}{
		{"opens the books", false, october, nil, nil, valid},
		{"opens the books twice", true, october, nil, nil, invalid},
		{"follows", true, october, closing(september, 3), nil, valid},
		{"follows a closing that was not sealed here", false, october, closing(september, 3), nil, invalid},
		{"was not in the closing before", false, october, closing(september, 1, 2), nil, valid},
		{"was not in the closing before, sealed one earlier", true, november, closing(october, 1, 2), nil, valid},
		{"skips a month that was closed here", true, november, closing(october, 1, 3), nil, invalid},
		{"skips a month that nobody closed", true, november, closing(september, 3), nil, valid},
		{"repeat", true, september, nil, nil, repeat},
		{"repeat with another id", true, september, nil, func(s *signed.Seal) { s.SealID = "another" }, repeat},
		{"older month", true, september - 1, nil, nil, invalid},
		{"cluster", true, october, closing(september, 3), func(s *signed.Seal) { s.Cluster = "x" }, invalid},
		{"topic", true, october, closing(september, 3), func(s *signed.Seal) { s.TopicID = "x" }, invalid},
		{"partition", true, october, closing(september, 3), func(s *signed.Seal) { s.Partition = 1 }, invalid},
		{"rules", true, october, closing(september, 3), func(s *signed.Seal) { s.RulesHash = "sha256:0" }, invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			book := newTestBook(nil)
			l := newTestLog()
			if tt.sealed {
				l.seal(book, september, nil, nil)
			}
			l.seal(book, tt.month, tt.previous, tt.change)
			s := NewShard(testID, book, testKeys)
			sealed := countAll(t, s, l.records)
			before := 0
			if tt.sealed {
				before = 1
			}
			got := repeat
			if len(sealed) > before {
				got = valid
			} else if s.State().InvalidSeals == 1 {
				got = invalid
			}
			if got != tt.want {
				t.Errorf("%s, want %s: %+v", got, tt.want, s.State())
			}
		})
	}
}

func TestSealOfAnotherKey(t *testing.T) {
	book := newTestBook(nil)
	l := newTestLog()
	_, stranger, _ := ed25519.GenerateKey(nil)
	rules, _ := book.MonthRules(october)
	seal := signed.Seal{Cluster: testID.Cluster, TopicID: testID.TopicID, Partition: testID.Partition, Month: october, SealID: "x", RulesHash: rules.Hash(), Partitions: []events.Partition{3}}
	l.add(seal.Sign(stranger))
	l.add([]byte(`{"type":"headcount.seal"}`))
	l.add([]byte(`{"type":"headcount.closed"}`))
	s := NewShard(testID, book, testKeys)
	if sealed := countAll(t, s, l.records); len(sealed) != 0 {
		t.Fatalf("sealed %+v", sealed[0])
	}
	if st := s.State(); st.InvalidSeals != 2 || st.Records != 3 {
		t.Errorf("state %+v, want 2 invalid seals in 3 records", st)
	}
}

// TestForgedSealsMakeNoRules wants what says of itself that it is not for us to be refused before rules are made for its month.
func TestForgedSealsMakeNoRules(t *testing.T) {
	other := newTestBook(nil)
	l := newTestLog()
	l.seal(other, october, nil, func(s *signed.Seal) { s.TopicID = "another" })
	l.seal(other, october, &signed.PreviousClosing{Month: september, Partitions: []events.Partition{3}}, nil)
	book := newTestBook(nil)
	countAll(t, NewShard(testID, book, testKeys), l.records)
	if len(book.months) != 0 {
		t.Errorf("rules were made for %v", book.months)
	}
}
