package closing

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"

	"headcount/counter"
	"headcount/events"
	"headcount/events/signed"
	"headcount/events/stream"
	"headcount/rating"
	"headcount/rollup/closed"
)

func TestSome(t *testing.T) {
	all := strings.Fields("a b c d e f g h i j")
	for n, want := range map[int]string{0: "", 1: "a", 8: "a; b; c; d; e; f; g; h", 10: "a; b; c; d; e; f; g; h … and 2 more"} {
		if got := some(all[:n]); got != want {
			t.Errorf("some of %d: %q, want %q", n, got, want)
		}
	}
}

// Accepted losses hold every invoice of the month, also those of which the record cannot be read.
func TestLossHolds(t *testing.T) {
	for _, damaged := range []bool{false, true} {
		s := newTestSite(t)
		s.octoberEvents()
		part := s.state().Partition(counter.Identity{Cluster: "cluster", TopicID: "topic-1", Partition: 1})
		if err := part.Accept(t.Context(), counter.Gap{From: 0, To: 2, Reason: "retention"}, s.now.AddDate(0, 0, -10)); err != nil {
			t.Fatal(err)
		}
		want := "partition 1: records were lost (retention), and the loss was accepted"
		if damaged {
			want = "partition 1: records were lost, and which ones cannot be read: "
			for name, text := range s.files {
				if strings.Contains(name, "/gaps/") {
					text[len(text)/2] ^= 1
				}
			}
		}
		r := s.mustClose(october)
		if !r.Held() {
			t.Fatal("no invoice is held")
		}
		for _, v := range s.issued(r) {
			if !strings.HasPrefix(v.Reason, want) {
				t.Errorf("invoice of %s: reason %q, want %q", v.Account, v.Reason, want)
			}
		}
	}
}

// What was lost may have come late: the revisions of the month before are held too.
func TestLossHoldsLate(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.mustClose(october)
	s.novemberEvents()
	part := s.state().Partition(counter.Identity{Cluster: "cluster", TopicID: "topic-1", Partition: 0})
	if err := part.Accept(t.Context(), counter.Gap{From: 4, To: 6, Reason: "retention"}, s.now.AddDate(0, 0, -10)); err != nil {
		t.Fatal(err)
	}
	r := s.mustClose(november)
	if len(r.Late) != 2 || len(r.Invoices) != 2 {
		t.Fatalf("%d late revisions, %d invoices", len(r.Late), len(r.Invoices))
	}
	for _, v := range s.issued(r) {
		if v.Status != rating.StatusHeld || v.Reason != "partition 0: records were lost (retention), and the loss was accepted" {
			t.Errorf("invoice of %s for %s: %s, %q", v.Account, v.Month, v.Status, v.Reason)
		}
	}
}

func (s *testSite) issued(r *closed.Result) []rating.Invoice {
	s.t.Helper()
	invoices, err := closed.Decode(append(r.Late, r.Invoices...))
	if err != nil {
		s.t.Fatal(err)
	}
	return invoices
}

// A log that lacks the seal by which a month was counted holds its invoices, also where it has grown past that place since.
func TestCutHolds(t *testing.T) {
	for want, grown := range map[string]int{
		"topic sdk-events partition 0: the log ends at offset 1, before the seal of 2026-10 at offset ":                      0,
		"topic sdk-events partition 0: the log was replaced by another, which has grown past the seal of 2026-10 at offset ": 20,
	} {
		s := newTestSite(t)
		s.octoberEvents()
		c := s.closer(october)
		c.Progress = func(done, total int64) {
			if done < total {
				return
			}
			s.log[0] = slices.Clone(s.log[0][:1])
			for range grown {
				s.append(0, []byte("{}"))
			}
		}
		r, err := c.Close(t.Context(), october)
		if err != nil || !r.Held() {
			t.Fatalf("%v, held: %v", err, r != nil && r.Held())
		}
		for _, v := range s.issued(r) {
			if !strings.HasPrefix(v.Reason, want) {
				t.Errorf("invoice of %s: reason %q, want %q", v.Account, v.Reason, want)
			}
		}
	}
}

// So does one that has, at that place, all that the seal says, but not signed with the key in the month's rules.
func TestForgedSealInItsPlaceHolds(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := s.closer(october)
	forged := false
	c.Progress = func(done, total int64) {
		for i, r := range s.log[0] {
			if seal, _, err := signed.ParseSeal(r.Value); err == nil && done == total {
				s.log[0][i].Value, forged = seal.Sign(stranger), true
			}
		}
	}
	r, err := c.Close(t.Context(), october)
	if err != nil || !forged || !r.Held() {
		t.Fatalf("%v, forged: %v, held: %v", err, forged, r != nil && r.Held())
	}
	const want = "topic sdk-events partition 0: the log was replaced by another, which has grown past the seal of 2026-10 at offset "
	for _, v := range s.issued(r) {
		if !strings.HasPrefix(v.Reason, want) {
			t.Errorf("invoice of %s: reason %q, want %q", v.Account, v.Reason, want)
		}
	}
}

// What the log says when it is asked for a seal that it has.
func TestSealRead(t *testing.T) {
	for _, c := range []struct {
		err   error
		held  string // reason; empty: none
		fails bool
	}{
		{&stream.TruncatedError{Topic: "sdk-events", Detail: "the log ends at offset 3"}, "topic sdk-events partition 0: the log ends at offset 3, before the seal of 2026-10 at offset ", false},
		{&stream.CorruptError{Topic: "sdk-events", Offset: 5, Err: errFault}, "topic sdk-events partition 0: the log cannot be read (", false},
		{&stream.GapError{Topic: "sdk-events", Start: 9}, "", false}, // retention, just now
		{errFault, "", true},
	} {
		s := newTestSite(t)
		s.octoberEvents()
		closer := s.closer(october)
		closer.Progress = func(done, total int64) {
			if done == total {
				s.faults = faults{name: "Next", err: c.err}
			}
		}
		r, err := closer.Close(t.Context(), october)
		if c.fails {
			if !is[*closed.UnreachableError](err) || err.Error() != "read the seal of 2026-10 in partition 0: it broke; run the close again" {
				t.Errorf("%v: %v", c.err, err)
			}
			continue
		}
		if err != nil || r.Held() != (c.held != "") {
			t.Fatalf("%v: close: %v, held %v", c.err, err, r != nil && r.Held())
		}
		for _, v := range s.issued(r) {
			if !strings.HasPrefix(v.Reason, c.held) {
				t.Errorf("%v: reason %q, want %q", c.err, v.Reason, c.held)
			}
		}
	}
}

// A seal that retention took since does not say that anything was lost.
func TestRetention(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	c := s.closer(october)
	c.Progress = func(done, total int64) {
		if done == total {
			s.start = map[events.Partition]events.Offset{0: events.Offset(len(s.log[0]))}
		}
	}
	r, err := c.Close(t.Context(), october)
	if err != nil || r.Held() {
		t.Errorf("%v, held: %v", err, r != nil && r.Held())
	}
}
