package closing

import (
	"fmt"
	"strings"
	"testing"

	"headcount/endtoend/reporter"
	"headcount/events"
	"headcount/rating"
	"headcount/rating/ledger"
	"headcount/rating/ratingtest"
	"headcount/rollup/amend"
	"headcount/rollup/closed"
	"headcount/rollup/usage"
)

// reportingSite is a site where calls are billed, and gw and gw-2 may report them.
func reportingSite(t *testing.T) *testSite {
	t.Helper()
	s := newTestSite(t)
	s.template.Reporters = reporter.All("gw", "gw-2")
	s.accounts, s.books = ratingtest.CallsAccounts, map[string][]byte{"test.yaml": []byte(ratingtest.Calls)}
	return s
}

// report is what a source signs on a day of a month: for that day, or with day 0 for the month.
func (s *testSite) report(p int, app, source string, m events.Month, day, value int) {
	s.after(m-1, 20)
	of := ""
	if day > 0 {
		of = fmt.Sprintf(`"day":"%s-%02d",`, m, day)
	}
	s.append(p, reporter.Sign(fmt.Appendf(nil, `{"type":"usage.reported","superapp":%q,"meter":"calls","month":%q,%s"source":%q,"value":"%d"}`, app, m, of, source, value), s.template.SealKey))
}

func (s *testSite) closeAfter(m events.Month) *closed.Result {
	s.t.Helper()
	s.after(m, 3)
	return s.mustClose(m)
}

// bill is what an account's invoices of a list say: total, status, reason.
func bill(t *testing.T, stored []ledger.Invoice, account string) (all []rating.Invoice) {
	t.Helper()
	decoded, err := closed.Decode(stored)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range decoded {
		if v.Account == account {
			all = append(all, v)
		}
	}
	return all
}

// A value that the month before makes implausible holds the account's invoice, and no other; what decides is the limit that the close was
// begun with.
func TestImplausibleQuantityHolds(t *testing.T) {
	s := reportingSite(t)
	s.report(0, "app-a", "gw", october, 3, 40)
	s.report(0, "app-b", "gw", october, 3, 40)
	s.report(0, "app-d", "gw", october, 0, 3) // few
	r := s.closeAfter(october)
	if acme := bill(t, r.Invoices, "acme"); acme[0].Status != rating.StatusFinal || acme[0].Total != "0.43" {
		t.Fatalf("a first month: %+v", acme)
	}
	s.report(0, "app-a", "gw", november, 3, 60_000_000_000_000)
	s.report(0, "app-b", "gw", november, 3, 400)
	s.report(0, "app-d", "gw", november, 0, 19)
	s.after(november, 3)
	c := s.closer(november)
	c.Terms.Limits.HoldLeast = 20
	r, err := c.Close(t.Context(), november)
	if err != nil {
		t.Fatal(err)
	}
	acme, beta := bill(t, r.Invoices, "acme"), bill(t, r.Invoices, "beta")
	if want := "app app-a: quantities: meter calls: 60000000000000 is more than 10 times the 40 of the month before"; acme[0].Status != rating.StatusHeld || acme[0].Reason != want {
		t.Errorf("acme is %s: %q, want %q", acme[0].Status, acme[0].Reason, want)
	}
	if beta[0].Status != rating.StatusFinal || beta[0].Total != "4.00" {
		t.Errorf("beta: %+v", beta)
	}

	// December is compared with November as it was corrected, not as it was signed.
	fix := amend.Correction{Quantities: []usage.Correction{{App: "app-a", Meter: "calls", Source: "gw", Day: 3, Value: 50}}, Reason: "counted twice", By: "me", Now: s.now}
	if _, further, err := amend.Month(t.Context(), s.ledger, s.closed(november), fix); err != nil || len(further) != 1 {
		t.Fatalf("%+v, %v", further, err)
	}
	s.report(0, "app-a", "gw", december, 3, 501)
	if r := s.closeAfter(december); bill(t, r.Invoices, "acme")[0].Status != rating.StatusHeld {
		t.Errorf("December: %+v", bill(t, r.Invoices, "acme"))
	}
}

// What comes late of a quantity is judged by what the month was billed for, and of a source that so mixes a total of the month with days the
// higher counts, and holds.
func TestLateQuantities(t *testing.T) {
	s := reportingSite(t)
	s.report(0, "app-a", "gw", october, 3, 40)
	s.report(0, "app-b", "gw", october, 0, 40)
	s.report(0, "app-d", "gw", october, 3, 40)
	s.closeAfter(october)
	s.report(0, "app-a", "gw", october, 4, 400) // 440 in all
	s.report(0, "app-b", "gw", october, 4, 39)
	s.report(0, "app-b", "gw-2", october, 4, 1)
	s.report(0, "app-b", "gw", november, 0, 40)
	r := s.closeAfter(november)
	late := bill(t, r.Late, "acme")
	if len(late) != 1 || late[0].Total != "4.00" || late[0].Status != rating.StatusHeld || !strings.Contains(late[0].Reason, "quantities: meter calls: 440 is more than 10 times the 40") {
		t.Errorf("acme: %+v", late)
	}
	late = bill(t, r.Late, "beta")
	if len(late) != 1 || late[0].Total != "0.01" || late[0].Status != rating.StatusHeld || !strings.Contains(late[0].Reason, "gw reported a total of the month as well as days of it") {
		t.Errorf("beta: %+v", late)
	}
	if beta := bill(t, r.Invoices, "beta"); beta[0].Status != rating.StatusFinal || beta[0].Total != "0.40" {
		t.Errorf("beta in November: %+v", beta)
	}
}
