package amend_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"math/big"
	"strings"
	"testing"

	"headcount/events"
	"headcount/rating/ledger"
	"headcount/rollup/amend"
	"headcount/rollup/closed"
	"headcount/rollup/usage"
)

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// quantity corrects what a source reported of a day, or with day 0 of the month.
func quantity(app, source string, day events.Day, value int64) amend.Correction {
	return amend.Correction{Quantities: []usage.Correction{{App: app, Meter: "calls", Source: source, Day: day, Value: value}}}
}

// amended records the next amendment of October, which makes one revision, of acme.
func (s *site) amended(number int, total string, fix amend.Correction) {
	s.Helper()
	fix.Reason, fix.By, fix.Now = "counted twice", "me", s.now
	n, further, err := amend.Month(s.Context(), s.ledger, s.closed(october), fix)
	if err != nil || n != number || len(further) != 1 || further[0].Account != "acme" || further[0].Total != total || further[0].Reason != "amended: counted twice" {
		s.Fatalf("amendment %d: %+v, %v, want %s", n, further, err, total)
	}
}

// owed adds up acme's invoices of October.
func (s *site) owed() string {
	s.Helper()
	sum := new(big.Rat)
	for _, v := range s.closed(october).Issued {
		if amount, ok := new(big.Rat).SetString(v.Total); ok && v.Account == "acme" {
			sum.Add(sum, amount)
		}
	}
	return sum.FloatString(2)
}

// A quantity is amended on the record, again and again; an amendment of something else keeps it, and what comes late after that is settled
// beside it.
func TestQuantities(t *testing.T) {
	s := newSite(t)
	s.report("app-a", "gw", october, 3, 6000)
	s.report("app-a", "gw", october, 4, 500)
	s.report("app-a", "gw-2", october, 0, 100)
	s.open("app-b", 1, october)
	s.close(october)
	if got := s.owed(); got != "66.00" {
		t.Fatalf("acme owes %s", got)
	}
	s.amended(1, "-30.00", quantity("app-a", "gw", 3, 3000))
	s.amended(2, "-1.00", quantity("app-a", "gw-2", 0, 0))
	s.amended(3, "35.00", amend.Correction{Books: bookAt("0.02")})
	s.amended(4, "2.00", quantity("app-d", "gw", 0, 100))    // of which nothing was reported
	s.amended(5, "-20.00", quantity("app-a", "gw", 0, 2500)) // in the place of all its days
	s.amended(6, "-2.00", quantity("app-d", "gw", 0, 0))
	if got := s.owed(); got != "50.00" {
		t.Errorf("acme owes %s", got)
	}

	s.report("app-a", "gw", october, 5, 9000) // what is amended stands
	s.report("app-a", "gw-2", october, 0, 90)
	s.report("app-d", "gw-2", october, 6, 10)
	s.close(november)
	if got := s.owed(); got != "50.20" {
		t.Errorf("with what came late acme owes %s", got)
	}
	s.amended(7, "10.00", quantity("app-a", "gw", 0, 3000))
	all, err := s.ledger.Amendments(t.Context(), october)
	if err != nil || len(all) != 7 || !strings.Contains(string(all[6].Usage), `"meter":"calls","exact":3000`) {
		t.Errorf("%d amendments, %v, the last %s", len(all), err, all[len(all)-1].Usage)
	}
	for i, a := range all { // each has what is corrected so far
		if corrected, err := usage.ParseCorrections(a.Quantities); err != nil || len(corrected) != []int{1, 2, 2, 3, 3, 3, 3}[i] {
			t.Errorf("amendment %d: %+v, %v", i+1, corrected, err)
		}
	}
}

// What is no quantity, of nobody who reports, or the same again is refused with a typed error; nothing is recorded, nor by a dry run.
func TestRefused(t *testing.T) {
	s := newSite(t)
	s.report("app-a", "gw", october, 3, 6000)
	s.close(october)
	m := s.closed(october)
	try := func(fix amend.Correction) error {
		fix.Reason, fix.By, fix.Now = "counted twice", "me", s.now
		_, _, err := amend.Month(t.Context(), s.ledger, m, fix)
		return err
	}
	for _, tt := range []struct {
		of usage.Correction
		is func(error) bool
	}{
		{usage.Correction{App: "app-a", Meter: "mau", Source: "gw", Value: 1}, is[*amend.NoQuantityError]},
		{usage.Correction{App: "app-a", Meter: "call", Source: "gw", Value: 1}, is[*amend.NoQuantityError]},
		{usage.Correction{App: "app-x", Meter: "calls", Source: "gw", Value: 1}, is[*amend.NoQuantityError]},
		{usage.Correction{App: "app-a", Meter: "calls", Source: "gx", Value: 1}, is[*amend.NoReporterError]},
	} {
		if err := try(amend.Correction{Quantities: []usage.Correction{tt.of}}); !tt.is(err) {
			t.Errorf("%+v: %v", tt.of, err)
		}
	}
	if err := try(amend.Correction{}); !errors.Is(err, amend.ErrSame) {
		t.Errorf("nothing: %v", err)
	}
	dry := quantity("app-a", "gw", 3, 1)
	dry.DryRun = true
	if err := try(dry); err != nil {
		t.Error(err)
	}
	if err := try(amend.Correction{Books: map[string][]byte{"test.yaml": []byte("no book")}}); err == nil {
		t.Error("no book is taken")
	}
	if all, err := s.ledger.Amendments(t.Context(), october); err != nil || len(all) != 0 {
		t.Errorf("recorded: %+v, %v", all, err)
	}
	s.amended(1, "-59.99", quantity("app-a", "gw", 3, 1))
	m = s.closed(october)
	if err := try(quantity("app-a", "gw", 3, 1)); !errors.Is(err, amend.ErrSame) {
		t.Errorf("again: %v", err)
	}
}

// An amendment is recorded once or not at all: a ledger that fails says so, one that has done it all the same takes no second.
func TestLedgerFails(t *testing.T) {
	s := newSite(t)
	s.report("app-a", "gw", october, 3, 6000)
	s.close(october)
	fix := quantity("app-a", "gw", 3, 1)
	fix.Reason, fix.By, fix.Now = "counted twice", "me", s.now
	m := s.closed(october)
	for _, done := range []bool{false, true} {
		_, _, err := amend.Month(t.Context(), failing{s.ledger, done}, m, fix)
		if e, ok := errors.AsType[*closed.UnreachableError](err); !ok || e.Error() != "ledger: it broke" {
			t.Errorf("done %v: %v", done, err)
		}
	}
	if _, _, err := amend.Month(t.Context(), s.ledger, m, fix); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if all, err := s.ledger.Amendments(t.Context(), october); err != nil || len(all) != 1 || s.owed() != "0.01" {
		t.Errorf("%d amendments, %v; acme owes %s", len(all), err, s.owed())
	}
}

// failing is a ledger that fails to amend, having done it or not.
type failing struct {
	*ledger.Ledger
	done bool
}

func (l failing) Amend(ctx context.Context, m ledger.Amendment, invoices []ledger.Invoice) (bool, error) {
	if l.done {
		if _, err := l.Ledger.Amend(ctx, m, invoices); err != nil {
			return false, err
		}
	}
	return false, errors.New("it broke")
}

// The record of an amendment goes to the log, signed with the month's key, on its topic alone.
func TestAnnounce(t *testing.T) {
	s := newSite(t)
	s.report("app-a", "gw", october, 3, 6000)
	s.close(october)
	m := s.closed(october)
	if err := amend.MayAnnounce(t.Context(), s.ledger, m, ed25519.NewKeyFromSeed(make([]byte, 32))); err == nil {
		t.Error("another key may announce")
	}
	if err := amend.MayAnnounce(t.Context(), s.ledger, m, sealKey); err != nil {
		t.Error(err)
	}
	fix := quantity("app-a", "gw", 3, 1)
	fix.SealKey = sealKey
	s.amended(1, "-59.99", fix)
	topic, before := s.topic(), len(s.records)
	topic.ID = "topic-2"
	if err := amend.Announce(t.Context(), s.ledger, m, log{s}, topic, s.now); err == nil || len(s.records) != before {
		t.Errorf("announced on another topic: %v", err)
	}
	for range 2 {
		if err := amend.Announce(t.Context(), s.ledger, m, log{s}, s.topic(), s.now); err != nil || len(s.records) != before+1 {
			t.Errorf("%d records more, %v", len(s.records)-before, err)
		}
	}
}
