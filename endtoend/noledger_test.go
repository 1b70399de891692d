package endtoend

import "testing"

// TestWithoutLedger: a process that does without a ledger counts a new topic, and does not take it for new when its state was lost.
func TestWithoutLedger(t *testing.T) {
	t.Parallel()
	s := newSite(t, openAccount, nil) // keys are made only where the ledger is seen to be empty
	s.config["ledger"] = "none"
	s.configure()
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.want(0, "ingest", "run", "--until-end").says(t, "no ledger can be asked")
	s.want(2, "rollup", "close", "--month", "2025-03").says(t, "ledger: none")
	s.want(2, "rollup", "invoices", "--month", "2025-03").says(t, "ledger: none")
	s.config["ledger"] = "sqlite://data/ledger.db"
	s.configure()
	closed := decode[usage](t, s.ok("rollup", "close", "--month", "2025-03", "--json"))
	wantMAU(t, closed, 100)
	s.config["ledger"] = "none"
	s.configure()
	s.ok("ingest", "run", "--until-end") // the state has its rules: nothing is to be asked
	s.removeState()
	s.want(3, "ingest", "run", "--until-end").says(t, "counted it before", "the state was lost")
	s.config["ledger"] = "sqlite://data/ledger.db"
	s.configure()
	s.want(0, "ingest", "run", "--until-end").says(t, "has lost the rules of a closed month; put back")
	s.ok("rollup", "verify", "--month", "2025-03")
}
