package endtoend

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ledgerFiles are the ledger as it lies there, by the files' names.
func (s *site) ledgerFiles() map[string][]byte {
	s.Helper()
	all := map[string][]byte{}
	for _, name := range s.files("data/ledger.db*") {
		text, err := os.ReadFile(name)
		if err != nil {
			s.Fatal(err)
		}
		all[filepath.Base(name)] = text
	}
	return all
}

// putBack puts a ledger back in place of the one that is there.
func (s *site) putBack(files map[string][]byte) {
	s.Helper()
	s.remove("data/ledger.db*")
	for name, text := range files {
		if err := os.WriteFile(s.path("data/"+name), text, 0o600); err != nil {
			s.Fatal(err)
		}
	}
}

// A backup of the ledger from before a close, an amendment or a release is put back, a whole chain with all its guards: the signed records
// in the log know better, and everything that would write, and check and verify, say so before anything is written.
func TestOlderLedgerIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, `accounts: [{id: acme, apps: [a1], plan: tcmpp/pro, from: 2024-06-01, overrides: {mau.free: "0", mau.unit_price: "1"}}]`+"\n", nil)
	s.write("right.yaml", `accounts: [{id: acme, apps: [a1], plan: tcmpp/pro, from: 2024-06-01, overrides: {mau.free: "0", mau.unit_price: "2"}}]`+"\n")
	amend := []string{"rollup", "amend", "--month", "2025-03", "--accounts", "right.yaml", "--reason", "the contract says so"}
	release := []string{"rollup", "release", "--month", "2025-03", "--account", "acme", "--reason", "looked into"}

	s.send(nil, opens("a1", "2025-03-10T10:00:00Z", 0, 100))
	s.send(nil, nameless("2025-03-10T10:00:00Z", 20))
	s.want(1, "rollup", "close", "--month", "2025-03")
	closed := s.ledgerFiles()
	refused := func(since string) {
		t.Helper()
		before := s.content("data/ledger.db")
		for _, args := range [][]string{
			{"rollup", "close", "--month", "2025-03"}, {"rollup", "close", "--month", "2025-04"}, {"rollup", "close", "--due"}, amend, release,
			{"ingest", "check"}, {"rollup", "verify", "--month", "2025-03"},
		} {
			r := s.run(args...)
			if text := r.stdout + r.stderr; r.code != 1 || !strings.Contains(text, "older than the log") && args[1] != "verify" || args[1] == "verify" && !strings.Contains(text, "published hash") {
				t.Errorf("after a backup from before %s, %s: exit code %d\n%s", since, r.line, r.code, cut(text))
			}
		}
		if s.content("data/ledger.db") != before {
			t.Errorf("after a backup from before %s, something was written", since)
		}
	}
	fine := func() {
		t.Helper()
		s.ok("ingest", "check")
		s.ok("rollup", "verify", "--month", "2025-03")
	}

	s.want(0, release...)
	released := s.ledgerFiles()
	fine()
	s.putBack(closed)
	refused("a release")
	s.putBack(released)
	fine()
	s.want(0, amend...)
	amended := s.ledgerFiles()
	fine()
	s.putBack(released)
	refused("an amendment")
	s.putBack(amended)
	fine()
	s.ok("rollup", "close", "--month", "2025-03")
	s.ok("rollup", "close", "--month", "2025-04")
	for _, m := range []string{"2025-03", "2025-04"} {
		s.ok("rollup", "verify", "--month", m)
		s.ok("rollup", "verify", "--month", m, "--from-sealed")
	}
	s.putBack(nil)
	s.want(1, "ingest", "check")
	if text := s.run("ingest", "check").stdout; !strings.Contains(text, "older than the log") {
		t.Errorf("without a ledger, check says:\n%s", text)
	}
}

// Who can write the ledger's file takes a guard away: nothing is written by any command until it is back, and check names it.
func TestLedgerWithoutGuardsIsNotWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil)
	s.send(nil, opens("a1", "2025-03-10T10:00:00Z", 0, 100))
	s.send(nil, nameless("2025-03-10T10:00:00Z", 20))
	s.want(1, "rollup", "close", "--month", "2025-03")
	db, err := sql.Open("sqlite", s.path("data/ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("DROP TRIGGER invoices_no_update"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s.want(1, "rollup", "release", "--month", "2025-03", "--account", "acme", "--reason", "r").says(t, "invoices_no_update")
	s.want(1, "rollup", "close", "--month", "2025-04").says(t, "invoices_no_update")
	if r := s.want(1, "ingest", "check"); !strings.Contains(r.stdout, "invoices_no_update") {
		t.Errorf("check says:\n%s", r.stdout)
	}
}
