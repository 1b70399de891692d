package counter

import (
	"crypto/ed25519"
	"errors"
	"reflect"
	"slices"
	"testing"

	"headcount/events"
	"headcount/events/signed"
)

// lostSeals is a Chain. It notes what it is asked.
type lostSeals struct {
	sealed  []events.Month
	refuses error
	asked   []events.Month  // whether it was sealed
	at      []events.Offset // offsets of seals that came next
}

func (c *lostSeals) Sealed(m events.Month) (bool, error) {
	c.asked = append(c.asked, m)
	return slices.Contains(c.sealed, m), nil
}

func (c *lostSeals) Accept(_ *signed.Seal, offset events.Offset) error {
	if c.refuses == nil {
		c.at = append(c.at, offset)
	}
	return c.refuses
}

// cutLog is a log that lost September's seal. It returns the offset of October's.
func cutLog(book *testBook) (*testLog, events.Offset) {
	l := newTestLog()
	l.open(1, "a", september, 3) // before the seal that was lost
	l.open(2, "a", september, 4) // behind it
	l.open(2, "a", october, 1)
	l.add([]byte(`no event`))
	l.open(3, "a", october, 2)
	l.seal(book, october, &signed.PreviousClosing{Month: september, Partitions: []events.Partition{3}}, nil)
	at := events.Offset(len(l.records) - 1)
	l.open(4, "a", october, 3)
	l.open(5, "a", september, 5)
	l.seal(book, november, &signed.PreviousClosing{Month: october, Partitions: []events.Partition{3}}, nil)
	return l, at
}

// A seal whose predecessor the log has lost is followed where that is accepted: all that the log has of the month before is late, and is
// united with what was sealed of it. From there on seals follow each other.
func TestSealBehindALostOne(t *testing.T) {
	book := newTestBook(nil)
	l, at := cutLog(book)
	s, chain := NewShard(testID, book, testKeys), &lostSeals{sealed: []events.Month{september}}
	s.SetChain(chain)
	sealed := countAll(t, s, l.records)
	if len(sealed) != 2 || sealed[0].Month != october || sealed[0].Offset != at || sealed[1].Month != november {
		t.Fatalf("sealed %+v, want October at offset %d, and November", sealed, at)
	}
	if want := []events.Offset{at}; !slices.Equal(chain.at, want) || !slices.Equal(chain.asked, []events.Month{september}) {
		t.Errorf("asked of %v, accepted at %v, want September, and %v", chain.asked, chain.at, want)
	}
	for _, tt := range []struct {
		what string
		rows func() RowReader
		want int
	}{{"October", sealed[0].OnTime, 2}, {"September", sealed[0].Late, 2}, {"November", sealed[1].OnTime, 0}, {"late October", sealed[1].Late, 1}} {
		got := 0
		for _, a := range readAll(t, tt.rows()) {
			got += len(a.Rows)
		}
		if got != tt.want {
			t.Errorf("%s: %d devices, want %d", tt.what, got, tt.want)
		}
	}
	if st := s.State(); st.Sealed != november || st.InvalidSeals != 0 {
		t.Errorf("state %+v", st)
	}
}

// Where the loss is not accepted the shard stops before the seal, as it was; accepted later, it goes on as if it had been at once.
func TestLostSealNotAccepted(t *testing.T) {
	book := newTestBook(nil)
	l, at := cutLog(book)
	s, refused := NewShard(testID, book, testKeys), errors.New("refused")
	chain := &lostSeals{sealed: []events.Month{september}, refuses: refused}
	s.SetChain(chain)
	n, sealed, err := s.Count(l.records)
	if events.Offset(n) != at || sealed != nil || !errors.Is(err, refused) {
		t.Fatalf("%d records counted, %v, %v; want %d, and the refusal", n, sealed, err, at)
	}
	chain.refuses = nil
	got := countAll(t, s, l.records[n:])
	at1 := NewShard(testID, book, testKeys)
	at1.SetChain(chain)
	want := countAll(t, at1, l.records)
	if len(got) != len(want) {
		t.Fatalf("%d months sealed, want %d", len(got), len(want))
	}
	for i := range got {
		for _, r := range [][2]func() RowReader{{got[i].OnTime, want[i].OnTime}, {got[i].Late, want[i].Late}} {
			if a, b := readAll(t, r[0]()), readAll(t, r[1]()); !reflect.DeepEqual(a, b) {
				t.Errorf("%s: sealed %+v, want %+v", got[i].Month, a, b)
			}
		}
	}
	if a, b := s.State(), at1.State(); !reflect.DeepEqual(a, b) {
		t.Errorf("state %+v, want %+v", a, b)
	}
}

// Only what is valid but for its place is asked of, and makes rules where the month before was sealed: what is signed by another is not
// asked of.
func TestWhichSealsTheChainIsAskedOf(t *testing.T) {
	_, stranger, _ := ed25519.GenerateKey(nil)
	closing := func(m events.Month, partitions ...events.Partition) *signed.PreviousClosing {
		return &signed.PreviousClosing{Month: m, Partitions: partitions}
	}
	for _, tt := range []struct {
		name     string
		month    events.Month // of the seal that comes after September's
		previous *signed.PreviousClosing
		forged   bool
		lost     []events.Month
		asked    bool
		valid    bool
		rules    bool
	}{
		{"follows", october, closing(september, 3), false, []events.Month{september, october}, false, true, true},
		{"was not in the closing before", november, closing(october, 1), false, []events.Month{october}, false, true, true},
		{"opens the books twice", november, nil, false, []events.Month{september, october}, false, false, false},
		{"goes back", november, closing(september-1, 3), false, []events.Month{september - 1}, false, false, false},
		{"October was lost", november, closing(october, 3), false, []events.Month{october}, true, true, true},
		{"October and November were lost", december, closing(november, 3), false, []events.Month{october, november}, true, true, true},
		{"October was never sealed here", november, closing(october, 3), false, nil, true, false, false},
		{"October was lost, and the seal is forged", november, closing(october, 3), true, []events.Month{october}, false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			other, book := newTestBook(nil), newTestBook(nil)
			l := newTestLog()
			l.seal(book, september, nil, nil)
			if tt.forged {
				rules, _ := other.MonthRules(tt.month)
				seal := signed.Seal{Cluster: testID.Cluster, TopicID: testID.TopicID, Partition: 3, Month: tt.month, SealID: "x", RulesHash: rules.Hash(), Partitions: []events.Partition{3}, Previous: tt.previous}
				l.add(seal.Sign(stranger))
			} else {
				l.seal(other, tt.month, tt.previous, nil)
			}
			s, chain := NewShard(testID, book, testKeys), &lostSeals{sealed: tt.lost}
			s.SetChain(chain)
			sealed := countAll(t, s, l.records)
			if got := len(sealed) == 2; got != tt.valid {
				t.Errorf("valid: %v, want %v", got, tt.valid)
			}
			if got := len(chain.asked) > 0; got != tt.asked {
				t.Errorf("asked: %v, want %v", got, tt.asked)
			}
			if got := len(chain.at) > 0; got != (tt.asked && tt.valid) {
				t.Errorf("accepted: %v", got)
			}
			if got := book.months[tt.month] != nil; got != tt.rules {
				t.Errorf("rules of its month: %v, want %v", got, tt.rules)
			}
		})
	}
}
