package endtoend

import (
	"database/sql"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"headcount/endtoend/naive"
)

type amended struct {
	Amendment int
	Recorded  bool
	Invoices  []invoice
}

// owed adds up an account's invoices of a month, all revisions, as they are printed.
func (s *site) owed(month, account string) string {
	s.Helper()
	sum := new(big.Rat)
	r := s.run("rollup", "invoices", "--json", "--month", month)
	for _, v := range decode[struct{ Invoices []invoice }](s.T, r.stdout).Invoices {
		if v.Account == account {
			amount, _ := new(big.Rat).SetString(v.Total)
			sum.Add(sum, amount)
		}
	}
	return sum.FloatString(2)
}

// A closed month is corrected by further revisions, before and after what came late is settled; nothing that was there changes,
// and verify agrees with all of it.
func TestAmend(t *testing.T) {
	t.Parallel()
	accounts := func(plan, overrides string) string {
		return "accounts:\n  - {id: acme, apps: [app-001], plan: " + plan + ", from: 2024-06-01, overrides: {" + overrides + "}}\n" +
			"  - {id: quiet, apps: [app-002], plan: tcmpp/pro, from: 2024-06-01, late: report, overrides: {mau.free: \"0\", mau.unit_price: \"1\"}}\n"
	}
	s := newSite(t, accounts("tcmpp/pro", `mau.free: "10", mau.unit_price: "1"`), nil)
	l := naive.New(time.UTC)
	devices := func(kind, app string, from, to int, at string) (all []record) {
		for i := from; i < to; i++ {
			all = append(all, event(kind, app, fmt.Sprintf("device-%d", i), at))
		}
		return all
	}
	for _, app := range []string{"app-001", "app-002"} {
		s.send(l, devices("miniprogram.open", app, 0, 20, "2025-01-05T10:00:00Z"))
		s.send(l, devices("miniprogram.search", app, 20, 25, "2025-01-06T10:00:00Z"))
	}
	s.ok("rollup", "close", "--month", "2025-01")
	first := s.ok("rollup", "usage", "--json", "--month", "2025-01")
	amend := func(code int, month, text string, more ...string) amended {
		t.Helper()
		s.write("right.yaml", text)
		r := s.want(code, append([]string{"rollup", "amend", "--json", "--month", month, "--accounts", "right.yaml", "--reason", "the contract says so"}, more...)...)
		if code != 0 {
			return amended{}
		}
		return decode[amended](t, r.stdout)
	}
	owed := func(acme, quiet string) {
		t.Helper()
		if got, rest := s.owed("2025-01", "acme"), s.owed("2025-01", "quiet"); got != acme || rest != quiet {
			t.Errorf("acme owes %s, want %s; quiet owes %s, want %s", got, acme, rest, quiet)
		}
	}
	owed("15.00", "25.00")
	right := accounts("tcmpp/pro", `mau.free: "5", mau.unit_price: "1"`)
	if a := amend(0, "2025-01", right, "--dry-run"); a.Recorded || len(a.Invoices) != 1 {
		t.Errorf("%+v", a)
	}
	owed("15.00", "25.00")
	a := amend(0, "2025-01", right)
	if len(a.Invoices) != 1 || a.Amendment != 1 || a.Invoices[0].Revision != 2 || a.Invoices[0].Total != "5.00" || a.Invoices[0].Reason != "amended: the contract says so" {
		t.Errorf("%+v", a)
	}
	owed("20.00", "25.00")
	amend(2, "2025-01", right) // nothing to amend
	s.cutAmendment("2025-01")
	if e := s.ok("rollup", "explain", "--month", "2025-01", "--app", "app-001", "--guid", "device-3"); !strings.Contains(e, "revision 1, line 1") || !strings.Contains(e, "revision 2, line 1") {
		t.Error(e)
	}
	if again := s.ok("rollup", "close", "--month", "2025-01"); !strings.Contains(again, "acme") {
		t.Error(again)
	}

	// What comes late is priced by the amended accounts: (28 − 5) × 1, of which 20 are billed.
	for _, app := range []string{"app-001", "app-002"} {
		s.send(l, devices("miniprogram.open", app, 25, 28, "2025-01-30T10:00:00Z"))
	}
	s.ok("rollup", "close", "--month", "2025-02")
	owed("23.00", "25.00")
	for m, check := range map[string]string{"2025-01": "amendments", "2025-02": "lines"} {
		v, checked := s.verify(0, "--month", m), 0
		for _, c := range v.Checks {
			if c.What == check {
				checked = c.Checked
			}
		}
		if checked == 0 {
			t.Errorf("%s: %s were not checked: %+v", m, check, v)
		}
	}
	// The plan was another: 23 devices opened; quiet is billed for its 20 on time.
	if a := amend(0, "2025-01", accounts("tcsas/professional", `mau.unit_price: "2"`)); len(a.Invoices) != 1 || a.Invoices[0].Total != "23.00" {
		t.Errorf("%+v", a)
	}
	owed("46.00", "25.00")
	// Nobody was to be billed but another.
	if a := amend(0, "2025-01", strings.Replace(accounts("tcmpp/pro", `mau.free: "0", mau.unit_price: "1"`), "acme", "other", 1)); len(a.Invoices) != 2 || a.Invoices[0].Total != "-46.00" || a.Invoices[1].Total != "28.00" || a.Invoices[1].Revision != 1 {
		t.Errorf("%+v", a)
	}
	owed("0.00", "25.00")

	if after := s.ok("rollup", "usage", "--json", "--month", "2025-01"); decode[usage](t, after).Usage[0].Digest != decode[usage](t, first).Usage[0].Digest {
		t.Error("the usage has changed")
	}
	s.ok("rollup", "close", "--month", "2025-03")
	for _, m := range []string{"2025-01", "2025-02", "2025-03"} {
		for _, args := range [][]string{{"--month", m}, {"--month", m, "--from-sealed"}} {
			if v := s.verify(0, args...); !v.OK {
				t.Errorf("%v: %+v", args, v)
			}
		}
	}
	s.want(2, "rollup", "amend", "--month", "2025-01", "--accounts", "right.yaml").says(t, "--reason")
	s.want(2, "rollup", "amend", "--month", "2025-01", "--reason", "r").says(t, "--accounts", "--catalog")
	s.want(1, "rollup", "amend", "--month", "2025-09", "--accounts", "right.yaml", "--reason", "r").says(t, "not closed")
	s.write("right.yaml", "accounts: [{id: a, apps: [x], plan: tcmpp/none, from: 2025-01-01}]")
	s.want(2, "rollup", "amend", "--month", "2025-01", "--accounts", "right.yaml", "--reason", "r").says(t, "tcmpp/none")
}

// Closed months are priced under another plan, and by other contracts, beside what was billed.
func TestCompareCommand(t *testing.T) {
	t.Parallel()
	s := newSite(t, "accounts:\n  - {id: acme, apps: [app-001, app-002], plan: tcmpp/pro, from: 2024-06-01, overrides: {mau.free: \"10\", mau.unit_price: \"1\"}}\n", nil)
	l := naive.New(time.UTC)
	for _, m := range []string{"01", "02"} {
		var all []record
		for i := range 30 {
			kind := "miniprogram.open"
			if i >= 20 {
				kind = "minigame.search"
			}
			all = append(all, event(kind, "app-001", fmt.Sprint("d", i), "2025-"+m+"-10T00:00:00Z"), event("user.login", "app-002", fmt.Sprint("u", i), "2025-"+m+"-11T00:00:00Z"))
		}
		s.send(l, all)
		s.ok("rollup", "close", "--month", "2025-"+m)
	}
	type compared struct {
		Months []struct {
			Month    string
			Accounts []struct {
				Account, Plan, Billed, Priced, Difference string
				Other                                     string `json:"other_plan"`
			}
		}
		Billed, Priced, Difference string
		Totals                     []struct{ Currency, Billed, Priced, Difference string }
	}
	c := decode[compared](t, s.ok("rollup", "compare", "--json", "--plan", "tcsas/enterprise", "--months", "2025-01..2025-02"))
	if len(c.Months) != 2 || c.Billed != "40.00" || c.Priced != "0.40" || c.Difference != "-39.60" || fmt.Sprint(c.Months[1].Accounts) != "[{acme tcmpp/pro 20.00 0.20 -19.80 tcsas/enterprise}]" {
		t.Errorf("%+v", c)
	}
	s.write("other.yaml", "accounts:\n  - {id: acme, apps: [app-001], plan: tcmpp/pro, from: 2024-06-01, overrides: {mau.free: \"0\", mau.unit_price: \"1\"}}\n"+
		"  - {id: next, apps: [app-002], plan: chat/standard, from: 2025-02-01, overrides: {mau.free: \"0\", mau.unit_price: \"1\"}}\n")
	c = decode[compared](t, s.ok("rollup", "compare", "--json", "--accounts", "other.yaml", "--months", "2025-01..2025-02"))
	if fmt.Sprint(c.Months[0].Accounts) != "[{acme tcmpp/pro 20.00 30.00 10.00 tcmpp/pro}]" || fmt.Sprint(c.Months[1].Accounts) != "[{acme tcmpp/pro 20.00 30.00 10.00 tcmpp/pro} {next  0.00 30.00 30.00 chat/standard}]" || c.Priced != "90.00" {
		t.Errorf("%+v", c)
	}
	if text := s.ok("rollup", "compare", "--plan", "tcsas/enterprise", "--months", "2025-02"); !strings.Contains(text, "-19.80") {
		t.Error(text)
	}
	book, err := os.ReadFile("../rating/catalog/tcsas.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.path("euro"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.write("euro/euro.yaml", strings.NewReplacer("book: tcsas", "book: euro", "currency: USD", "currency: EUR").Replace(string(book)))
	s.config["catalog"] = "euro"
	s.configure()
	c = decode[compared](t, s.ok("rollup", "compare", "--json", "--plan", "euro/enterprise", "--months", "2025-01..2025-02"))
	if fmt.Sprint(c.Totals) != "[{EUR 0.00 0.40 0.40} {USD 40.00 0.00 -40.00}]" || c.Billed != "" || len(c.Months[0].Accounts) != 2 {
		t.Errorf("two currencies: %+v", c)
	}
	delete(s.config, "catalog")
	s.configure()
	s.want(1, "rollup", "compare", "--plan", "tcsas/enterprise", "--months", "2025-02..2025-03").says(t, "2025-03 is not closed")
	s.want(2, "rollup", "compare", "--plan", "tcsas/none", "--months", "2025-02").says(t, "tcsas/none")
	s.want(2, "rollup", "compare", "--plan", "tcsas/enterprise").says(t, "--months")
	s.want(2, "rollup", "compare", "--months", "2025-02").says(t, "--plan")
}

// cutAmendment cuts the ledger's end off with all rows of its entries, from the month's newest amendment on: a ledger that is one
// chain, with every trigger. The log knows better. Afterwards the ledger is as it was.
func (s *site) cutAmendment(month string) {
	s.Helper()
	name := s.path("data/ledger.db")
	was, err := os.ReadFile(name) // whole: the last to close it leaves no log of its own
	if err != nil {
		s.Fatal(err)
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		s.Fatal(err)
	}
	all := func(query string) (texts []string) {
		s.Helper()
		rows, err := db.Query(query)
		if err != nil {
			s.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				s.Fatal(err)
			}
			texts = append(texts, text)
		}
		return texts
	}
	triggers := all(`SELECT sql FROM sqlite_master WHERE type = 'trigger'`)
	var steps []string
	for _, t := range all(`SELECT name FROM sqlite_master WHERE type = 'trigger'`) {
		steps = append(steps, `DROP TRIGGER "`+t+`"`)
	}
	first := all(`SELECT max(seq) FROM entries WHERE kind = 'amendment'`)[0]
	for _, t := range all(`SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'entry' WHERE m.type = 'table'`) {
		steps = append(steps, `DELETE FROM `+t+` WHERE entry >= `+first)
	}
	for _, q := range append(append(steps, `DELETE FROM entries WHERE seq >= `+first), triggers...) {
		if _, err := db.Exec(q); err != nil {
			s.Fatalf("%s: %v", q, err)
		}
	}
	if err := db.Close(); err != nil {
		s.Fatal(err)
	}
	named := false
	v := s.verify(1, "--month", month)
	for _, d := range v.Differences {
		named = named || d.What == "closed records" && strings.Contains(d.Place, "ledger_head")
	}
	if !named {
		s.Errorf("an amendment was cut off: %+v", v.Differences)
	}
	for _, more := range []string{"-wal", "-shm"} {
		os.Remove(name + more)
	}
	if err := os.WriteFile(name, was, 0o600); err != nil {
		s.Fatal(err)
	}
}
