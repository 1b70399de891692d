package closing

import (
	"encoding/hex"
	"strings"
	"testing"

	"headcount/events/signed"
	"headcount/rating/ledger"
	"headcount/rollup/closed"
)

// octoberEvents are those of the first month.
func (s *testSite) octoberEvents() {
	for device := range 5 {
		s.open(device%2, "app-a", device, october, 3+device)
		s.open(device%2, "app-b", 100+device, october, 3+device)
	}
	s.open(1, "app-a", 0, october, 9) // the same device in both partitions
	s.after(october, 3)
}

// novemberEvents are those of the second, after what came late of the first.
func (s *testSite) novemberEvents() {
	s.open(0, "app-a", 50, october, 31) // after the seal
	s.open(1, "app-b", 150, october, 31)
	s.open(0, "app-a", 7, november, 4)
	s.open(1, "app-a", 8, november, 5)
	s.open(1, "app-c", 9, november, 5) // nobody is billed for it
	s.after(november, 3)
}

func TestClose(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	r := s.mustClose(october)
	doc, err := r.Usage()
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Usage) != 2 || doc.Usage[0].Meters[0].Exact != 5 || doc.Usage[1].Meters[0].Exact != 5 {
		t.Fatalf("usage of October: %+v", doc.Usage)
	}
	if len(r.Invoices) != 2 || r.Invoices[0].Status != ledger.Final || len(r.Late) != 0 {
		t.Fatalf("invoices of October: %+v, late %+v", r.Invoices, r.Late)
	}
	invoices, err := closed.Decode(r.Invoices)
	if err != nil || invoices[0].Total != "2.00" { // 5 devices, 1 free, at 0.50
		t.Fatalf("invoice of acme: %v, %v", invoices, err)
	}

	s.novemberEvents()
	r = s.mustClose(november)
	late, err := closed.Decode(r.Late)
	if err != nil {
		t.Fatal(err)
	}
	if len(late) != 2 || late[0].Account != "acme" || late[0].Month != october || late[0].Revision != 2 || late[0].Total != "0.50" || late[1].Total != "0.00" {
		t.Fatalf("late revisions: %+v", late)
	}
	if doc, err = r.Usage(); err != nil || doc.Usage[0].Late[0].Devices != 1 || doc.Usage[2].Account != nil {
		t.Fatalf("usage of November: %+v, %v", doc.Usage, err)
	}

	if _, err := s.ledger.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := s.ledger.Outbox(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("outbox: %v, %v", left, err)
	}
	seals, closed := s.signed()
	if seals != 4 || closed != 2 {
		t.Errorf("%d seals and %d closed records, want 4 and 2", seals, closed)
	}
}

// signed counts the records that closes wrote to the log.
func (s *testSite) signed() (seals, closed int) {
	for _, records := range s.log {
		for _, r := range records {
			if _, _, err := signed.ParseSeal(r.Value); err == nil {
				seals++
			} else if strings.Contains(string(r.Value), "headcount.closed") {
				closed++
			}
		}
	}
	return seals, closed
}

// Of two closes that begin at once one adopts the other's closing: the month is sealed once.
func TestTwoBegin(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	raced := false
	s.faults.before = func(what string) {
		if what != "Begin" || raced {
			return
		}
		raced = true
		other := s.closer(october)
		other.Random = strings.NewReader("sixteen bytes id")
		s.accounts = strings.Replace(accountsFile, "test/basic", "test/double", 1)
		if _, err := other.Close(t.Context(), october); err != nil {
			t.Error(err)
		}
	}
	r := s.mustClose(october)
	if !raced {
		t.Fatal("nobody raced")
	}
	c, err := s.ledger.Closing(t.Context(), october)
	if err != nil || c.SealID != hex.EncodeToString([]byte("sixteen bytes id")) {
		t.Errorf("closing: %+v, %v", c, err)
	}
	if invoices := s.issued(r); len(invoices) != 2 || invoices[0].Plan != "test/double" {
		t.Errorf("invoices: %+v", invoices)
	}
	if seals, closed := s.signed(); seals != 2 || closed != 1 {
		t.Errorf("%d seals and %d closed records, want 2 and 1", seals, closed)
	}
}

// Two first closes make one ledger.
func TestTwoFirst(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	raced := false
	s.faults.before = func(what string) {
		if what == "CreateLedger" && !raced {
			raced = true
			s.mustClose(october)
		}
	}
	if r := s.mustClose(october); len(r.Invoices) != 2 || !raced {
		t.Errorf("%d invoices, raced: %v", len(r.Invoices), raced)
	}
	if seals, closed := s.signed(); seals != 2 || closed != 1 {
		t.Errorf("%d seals and %d closed records, want 2 and 1", seals, closed)
	}
}
