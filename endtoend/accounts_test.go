package endtoend

import (
	"os"
	"strings"
	"testing"
	"time"

	"headcount/endtoend/naive"
)

// Accounts in a folder, some in YAML and some in a table, are billed, verified, exported and amended as one file is; the closing says the
// same however they are spread; and what lies in the folder and cannot be read ends the close before it seals anything.
func TestAccountsInAFolder(t *testing.T) {
	t.Parallel()
	s := bareSite(t, "accounts: [not read", map[string]string{"accounts": "contracts"})
	if err := os.Mkdir(s.path("contracts"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("contracts/north.yaml", "# the north's\naccounts:\n  - id: acme\n    apps: [app-001]\n    plan: tcmpp/pro\n    from: 2024-06-01\n    overrides: {mau.free: \"10\", mau.unit_price: \"1\"}\n")
	const head = "id;app;plan;from;overrides.mau.free;overrides.mau.unit_price\n"
	s.write("contracts/south.csv", head+"beta;app-002;tcmpp/pro;2024-06-01;0;2\nbeta;app-003;;;;\n")
	s.startBroker()
	s.ok("ingest", "init")
	l := naive.New(time.UTC)
	for app, devices := range map[string]int{"app-001": 12, "app-002": 3, "app-003": 4} {
		var all []record
		for i := range devices {
			all = append(all, event("miniprogram.open", app, "device-"+app+string(rune('a'+i)), "2025-01-05T10:00:00Z"))
		}
		s.send(l, all)
	}
	owed := func(account, want string) {
		t.Helper()
		if got := s.owed("2025-01", account); got != want {
			t.Errorf("%s owes %s, want %s", account, got, want)
		}
	}
	s.write("contracts/south.yaml.bak", "accounts: []\n")
	s.want(2, "rollup", "close", "--month", "2025-01").says(t, "contracts/south.yaml.bak", "is not a file of accounts", "move it out of the folder")
	if r := s.want(1, "ingest", "check"); !strings.Contains(r.stdout, "south.yaml.bak") {
		t.Error(cut(r.stdout))
	}
	if err := os.Remove(s.path("contracts/south.yaml.bak")); err != nil {
		t.Fatal(err)
	}
	s.write("contracts/zeta.yaml", "accounts:\n- {id: zeta, apps: [app-003], plan: tcmpp/pro, from: 2024-06-01}\n")
	s.want(2, "rollup", "close", "--month", "2025-01").says(t, "contracts/zeta.yaml:2:3", `app "app-003" is in account "beta" (`, "contracts/south.csv:2:1) too")
	if err := os.Remove(s.path("contracts/zeta.yaml")); err != nil {
		t.Fatal(err)
	}
	s.ok("rollup", "close", "--month", "2025-01")
	owed("acme", "2.00")
	owed("beta", "14.00")
	s.ok("rollup", "verify", "--month", "2025-01")

	// The same accounts in another file each are what the closing has.
	if err := os.Rename(s.path("contracts/north.yaml"), s.path("contracts/x.yml")); err != nil {
		t.Fatal(err)
	}
	if r := s.ok("rollup", "verify", "--month", "2025-01"); strings.Contains(r, "is not what it was") {
		t.Errorf("%s", cut(r))
	}
	s.ok("rollup", "export", "--month", "2025-01", "--out", "month.tar")
	if r := s.elsewhere("rollup", "verify", "--month", "2025-01", "--from", s.path("month.tar")); r.code != 0 {
		t.Errorf("%d\n%s\n%s", r.code, cut(r.stdout), cut(r.stderr))
	}
	s.ok("rollup", "export", "--month", "2025-01", "--account", "beta", "--out", "beta.tar")
	for _, f := range unpack(t, s.path("beta.tar")) {
		if strings.Contains(string(f.text), "acme") || f.name == "account.yaml" && !strings.Contains(string(f.text), `"apps": ["app-002", "app-003"]`) {
			t.Errorf("%s of beta: %s", f.name, cut(string(f.text)))
		}
	}

	if err := os.Mkdir(s.path("right"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("right/all.csv", "id,apps,plan,from,overrides.mau.free,overrides.mau.unit_price\nacme,app-001,tcmpp/pro,2024-06-01,10,1\nbeta,app-002 app-003,tcmpp/pro,2024-06-01,0,3\n")
	s.ok("rollup", "amend", "--month", "2025-01", "--accounts", "right", "--reason", "the price was wrong")
	owed("acme", "2.00")
	owed("beta", "21.00")
	s.ok("rollup", "verify", "--month", "2025-01")
	s.write("usage.json", s.ok("rollup", "usage", "--json", "--month", "2025-01"))
	for _, accounts := range []string{"right", "right/all.csv"} {
		if r := s.ok("rollup", "rate", "--usage", "usage.json", "--accounts", accounts); !strings.Contains(r, "21.00") {
			t.Errorf("%s: %s", accounts, cut(r))
		}
		s.ok("rollup", "compare", "--months", "2025-01", "--accounts", accounts)
	}
}
