package endtoend

import (
	"testing"

	"headcount/bench/month"
	"headcount/cmd/endtoend/recount"
	"time"
)

// verified is what verify --json prints.
type verified struct {
	OK     bool
	Checks []struct {
		What                 string
		Checked, Differences int
	}
	Differences []struct{ What, Place, Want, Got string }
	Notes       []string
}

const verifyAccounts = `accounts:
  - {id: acme, apps: [app-001, app-002], plan: tcmpp/pro, from: 2024-12-01, until: 2026-12-01, overrides: {mau.free: "10"}}
  - {id: blue, apps: [app-003], plan: tcsas/professional, from: 2025-01-01}
  - {id: cyan, apps: [app-004], plan: chat/standard, from: 2025-01-01, until: 2026-01-01}
  - {id: dusk, apps: [app-005], plan: im/pro, from: 2025-01-01}
  - {id: east, apps: [app-006], plan: mpaas/standard, from: 2025-01-01}
`

// verifiedSite closes three months with odd records, every next month's records with stragglers of the ones before.
func verifiedSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t, verifyAccounts, nil)
	l := recount.New(time.UTC, partitions)
	for i, m := range []string{"2025-01", "2025-02", "2025-03"} {
		s.send(l, generate(t, month.Config{
			Month: m, Events: 20_000, Devices: 2500, Apps: 8, Seed: uint64(i + 1), Logins: 0.05, Components: 0.05, Reported: 0.02, Odd: 0.05, Binary: 0.1,
		}))
		if i > 0 { // late ones of the month before, expired ones of the month before that
			for back := 1; back <= 2; back++ {
				s.send(l, generate(t, month.Config{Month: time.Date(2025, time.Month(i+1-back), 1, 0, 0, 0, 0, time.UTC).Format("2006-01"), Events: 3000, Devices: 2000, Apps: 8, Seed: uint64(10*i + back), Logins: 0.1, Reported: 0.02}))
			}
		}
		s.ok("ingest", "run", "--until-end")
		if r := s.run("rollup", "close", "--month", m); r.code > 1 {
			t.Fatalf("%s: %d\n%s", r.line, r.code, cut(r.stderr))
		}
	}
	return s
}

func (s *site) verify(code int, args ...string) verified {
	s.Helper()
	return decode[verified](s.T, s.want(code, append([]string{"rollup", "verify", "--json"}, args...)...).stdout)
}

// Honest months agree in every number, with the log and from the sealed files alone.
func TestHonestMonthsVerify(t *testing.T) {
	s := verifiedSite(t)
	for _, m := range []string{"2025-01", "2025-02", "2025-03"} {
		for _, args := range [][]string{{"--month", m}, {"--month", m, "--from-sealed"}} {
			r := s.run(append([]string{"rollup", "verify"}, args...)...)
			if r.code != 0 {
				t.Errorf("%s: exit code %d\n%s\n%s", r.line, r.code, cut(r.stdout), cut(r.stderr))
			}
		}
	}
}
