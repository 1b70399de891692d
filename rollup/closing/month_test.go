package closing

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"headcount/events"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rollup/amend"
	"headcount/rollup/closed"
	"headcount/rollup/compare"
)

// twoClosed is a site with two closed months, of which the second has settled what came late of the first.
func twoClosed(t *testing.T) *testSite {
	t.Helper()
	s := newTestSite(t)
	s.octoberEvents()
	s.mustClose(october)
	s.novemberEvents()
	s.mustClose(november)
	return s
}

func (s *testSite) closed(m events.Month) *closed.Month {
	s.t.Helper()
	c, err := closed.Open(s.t.Context(), s.ledger, memory{s.files}, m)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

func TestNotClosed(t *testing.T) {
	s := twoClosed(t)
	if _, err := closed.Open(t.Context(), s.ledger, memory{s.files}, december); !is[*closed.NotClosedError](err) {
		t.Errorf("open: %v", err)
	}
	if _, err := closed.Stored(t.Context(), s.ledger, december); !is[*closed.NotClosedError](err) {
		t.Errorf("stored: %v", err)
	}
}

func TestUsage(t *testing.T) {
	s := twoClosed(t)
	m := s.closed(october)
	prices, err := m.Prices(&closed.PriceCache{})
	if err != nil {
		t.Fatal(err)
	}
	onTime, all, err := m.Usage(t.Context(), prices.Biller(m))
	if err != nil || onTime.Usage[0].Meters[0].Exact != 5 || all.Usage[0].Meters[0].Exact != 6 {
		t.Errorf("usage of October: %v, %+v, %+v", err, onTime, all)
	}
	// November's late events are not settled.
	m = s.closed(november)
	if onTime, all, err = m.Usage(t.Context(), prices.Biller(m)); err != nil || onTime != all {
		t.Errorf("usage of November: %v", err)
	}
}

func TestNotAsBilled(t *testing.T) {
	s := twoClosed(t)
	m := s.closed(october)
	m.Digests["app-b"] = "sha256:00"
	_, _, err := m.Usage(t.Context(), nobody)
	if e, ok := errors.AsType[*closed.NotAsBilledError](err); !ok || e.App != "app-b" || e.Billed != "sha256:00" {
		t.Errorf("%v", err)
	}
}

func TestAmend(t *testing.T) {
	s := twoClosed(t)
	m := s.closed(october)
	if _, _, err := amend.Month(t.Context(), s.ledger, m, amend.Correction{Reason: "none", By: "me", Now: s.now}); !errors.Is(err, amend.ErrSame) {
		t.Errorf("a correction of nothing: %v", err)
	}
	fix := amend.Correction{Books: map[string][]byte{"test.yaml": fmt.Appendf(nil, bookFile, "0.60")}, Reason: "wrong price", By: "me", Now: s.now, DryRun: true}
	n, further, err := amend.Month(t.Context(), s.ledger, m, fix)
	if err != nil || n != 1 || len(further) != 2 || further[0].Account != "acme" || further[0].Total != "0.50" { // 6 devices, 1 free, 0.10 more each
		t.Fatalf("dry run: amendment %d, %v, %v", n, further, err)
	}
	if all, err := s.ledger.Amendments(t.Context(), october); err != nil || len(all) != 0 {
		t.Fatalf("a dry run recorded %v, %v", all, err)
	}
	other := ed25519.NewKeyFromSeed([]byte("another seed of thirty-two bytes"))
	if err := amend.MayAnnounce(t.Context(), s.ledger, m, other); err == nil {
		t.Error("another key may announce")
	}
	if err := amend.MayAnnounce(t.Context(), s.ledger, m, sealKey); err != nil {
		t.Error(err)
	}
	fix.DryRun, fix.SealKey = false, sealKey
	if n, further, err = amend.Month(t.Context(), s.ledger, m, fix); err != nil || n != 1 || further[0].Revision != 3 {
		t.Fatalf("amendment %d, %v, %v", n, further, err)
	}
	topic := *s.topic
	topic.ID = "topic-2"
	if err := amend.Announce(t.Context(), s.ledger, m, testLog{s}, &topic, s.now); err == nil {
		t.Error("announced on another topic")
	}
	if err := amend.Announce(t.Context(), s.ledger, m, testLog{s}, s.topic, s.now); err != nil {
		t.Error(err)
	}
	if _, closed := s.signed(); closed != 3 {
		t.Errorf("%d closed records, want 3", closed)
	}
	// The month is now priced by the amendment, and so is what is corrected next.
	again := s.closed(october)
	if again.Amended != 1 || !bytes.Equal(again.Books["test.yaml"], fix.Books["test.yaml"]) || len(again.Issued) != 6 {
		t.Errorf("after the amendment: %d amendments, %d invoices", again.Amended, len(again.Issued))
	}
	if _, _, err := amend.Month(t.Context(), s.ledger, again, amend.Correction{Books: fix.Books, Reason: "again", By: "me", Now: s.now}); !errors.Is(err, amend.ErrSame) {
		t.Errorf("the same correction again: %v", err)
	}
	if !bytes.Equal(again.Closing.Books["test.yaml"], s.books["test.yaml"]) {
		t.Error("the closing is not as it was begun")
	}
}

func TestAmendFails(t *testing.T) {
	s := twoClosed(t)
	m := s.closed(october)
	fix := amend.Correction{Books: map[string][]byte{"test.yaml": fmt.Appendf(nil, bookFile, "0.60")}, Reason: "wrong price", By: "me", Now: s.now}
	_, _, err := amend.Month(t.Context(), noAmender{s.ledger}, m, fix)
	if !is[*closed.UnreachableError](err) || err.Error() != "ledger: it broke" {
		t.Errorf("%v", err)
	}
}

// noAmender is a ledger that takes no amendment.
type noAmender struct{ *ledger.Ledger }

func (noAmender) Amend(context.Context, ledger.Amendment, []ledger.Invoice) (bool, error) {
	return false, errFault
}

// What came late of an amended month is settled by the amendment's books.
func TestLateOfAmended(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.mustClose(october)
	fix := amend.Correction{Books: map[string][]byte{"test.yaml": fmt.Appendf(nil, bookFile, "0.75")}, Reason: "wrong price", By: "me", Now: s.now}
	if _, _, err := amend.Month(t.Context(), s.ledger, s.closed(october), fix); err != nil {
		t.Fatal(err)
	}
	s.novemberEvents()
	late, err := closed.Decode(s.mustClose(november).Late)
	if err != nil || late[0].Account != "acme" || late[0].Total != "0.75" {
		t.Errorf("late revisions: %+v, %v", late, err)
	}
}

func TestCompare(t *testing.T) {
	s := twoClosed(t)
	catalog, err := rating.ParseCatalog(s.books)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		other *compare.Alternative
		want  []string // account, billed, priced, difference
	}{
		{&compare.Alternative{Catalog: catalog, Plan: "test/double"}, []string{"acme 2.50 6.00 3.50", "beta 2.00 5.00 3.00"}},
		{&compare.Alternative{Catalog: catalog, Accounts: s.doubled()}, []string{"acme 2.50 6.00 3.50"}},
	} {
		rows, err := compare.Month(t.Context(), s.closed(october), c.other)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprint(r.Account, " ", r.Billed, " ", r.Priced, " ", r.Difference))
		}
		if !slices.Equal(got[:len(c.want)], c.want) {
			t.Errorf("compared: got %v, want %v", got, c.want)
		}
	}
}

// doubled are the accounts with acme on another plan.
func (s *testSite) doubled() *rating.Accounts {
	s.t.Helper()
	a, err := rating.ParseAccounts("accounts", bytes.Replace([]byte(accountsFile), []byte("test/basic"), []byte("test/double"), 1))
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// Accounts and books are those that the closing was begun with, also where the files have changed since.
func TestPricesOfTheClosing(t *testing.T) {
	s := newTestSite(t)
	s.octoberEvents()
	s.broken(october, "Produce")
	s.books = map[string][]byte{"test.yaml": fmt.Appendf(nil, bookFile, "9.00")}
	s.accounts = strings.ReplaceAll(accountsFile, "test/basic", "test/double")
	if v := s.issued(s.mustClose(october))[0]; v.Plan != "test/basic" || v.Total != "2.00" {
		t.Errorf("%+v", v)
	}
}
