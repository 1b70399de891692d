package usage

import (
	"testing"

	"headcount/events"
	"headcount/rating"
	"headcount/rating/catalog"
)

// An alarm holds the invoice of the account that is billed for its app in the month, and not of one that had the app before, or has
// it later.
func TestHeldForItsOwnApps(t *testing.T) {
	accounts, err := rating.ParseAccounts("accounts.yaml", []byte(`accounts:
  - {id: old, apps: [a, b], plan: tcmpp/pro, from: 2026-01-01, until: 2026-10-15}
  - {id: new, apps: [a], plan: tcsas/professional, from: 2026-10-15}
`))
	if err != nil {
		t.Fatal(err)
	}
	books, err := catalog.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		account, app, want string
	}{{"old", "a", rating.StatusFinal}, {"new", "a", rating.StatusHeld}, {"old", "b", rating.StatusHeld}, {"new", "b", rating.StatusFinal}, {"old", "", rating.StatusHeld}} {
		v := rating.Invoice{Account: c.account, Status: rating.StatusFinal}
		Alarms{c.app: {"why"}}.Hold(&v, accounts, NewBiller(books, accounts, events.MonthOf(2026, 10), "UTC"))
		if v.Status != c.want {
			t.Errorf("alarm of app %q: invoice of %s is %s, want %s", c.app, c.account, v.Status, c.want)
		}
	}
}
