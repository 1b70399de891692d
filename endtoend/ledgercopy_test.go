package endtoend

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestLedgerCopyOnPostgres: a ledger that goes from SQLite to PostgreSQL shows the same months, goes on there, and verifies.
func TestLedgerCopyOnPostgres(t *testing.T) {
	base := os.Getenv("HEADCOUNT_POSTGRES")
	if base == "" {
		t.Skip("HEADCOUNT_POSTGRES is not set: `make test-postgres` starts a server")
	}
	s := newSite(t, openAccount, nil)
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	s.ok("rollup", "close", "--month", "2025-03")
	before := s.ok("rollup", "invoices", "--month", "2025-03", "--json")
	to := schemaOf(t, base, "copy").String()
	s.want(2, "rollup", "ledger", "copy", to, "sqlite://data/ledger.db").says(t, "from sqlite://FILE to postgres://")
	s.want(2, "rollup", "ledger", "copy").says(t, "want the ledger to copy")
	if out := s.ok("rollup", "ledger", "copy", "sqlite://data/ledger.db", to); !strings.Contains(out, "copied and verified: ") {
		t.Error(out)
	}
	s.config["ledger"] = fmt.Sprintf("%q", to)
	s.configure()
	if after := s.ok("rollup", "invoices", "--month", "2025-03", "--json"); after != before {
		t.Errorf("invoices were\n%s\nand are\n%s", before, after)
	}
	s.want(1, "rollup", "ledger", "copy", "sqlite://data/ledger.db").says(t, "nothing is copied over it")
	s.send(nil, devices(0, 50, "2025-04-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	wantMAU(t, decode[usage](t, s.ok("rollup", "close", "--month", "2025-04", "--json")), 50)
	for _, month := range []string{"2025-03", "2025-04"} {
		s.ok("rollup", "verify", "--month", month)
	}
}
