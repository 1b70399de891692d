package endtoend

import (
	"strings"
	"testing"
)

// An attacker with an SDK key invents devices of one app, and apps: past the limits that is a clear state, the app's bill waits,
// and all others count as before. What the limits keep out is kept out by both implementations.
func TestFloodOfDevicesAndApps(t *testing.T) {
	t.Parallel()
	s := newSite(t, `accounts:
  - {id: victim, apps: [flooded], plan: tcsas/professional, from: 2025-01-01}
  - {id: other, apps: [honest], plan: tcsas/professional, from: 2025-01-01}
`, map[string]string{"limits": "{devices_per_app: 100, devices_per_partition: 200}"})
	const march = "2025-03-10T00:00:00Z"
	s.send(nil, opens("honest", march, 0, 300))
	s.send(nil, opens("flooded", march, 0, 5000))
	for _, app := range []string{"invented-1", "invented-2", "invented-3"} {
		s.send(nil, opens(app, march, 0, 1000))
	}
	s.send(nil, opens("honest", march, 0, 300)) // known devices count past every limit
	s.want(0, "ingest", "run", "--until-end").says(t, "level=ERROR", "over limit", "flooded")

	status := decode[struct{ Alarms []string }](t, s.ok("rollup", "status", "--month", "2025-03", "--json"))
	if text := strings.Join(status.Alarms, "\n"); !strings.Contains(text, "app flooded: ") || !strings.Contains(text, "over a limit") || strings.Contains(text, "honest") {
		t.Errorf("alarms: %q", status.Alarms)
	}
	if text := s.ok("rollup", "status", "--month", "2025-03"); !strings.Contains(text, "will be held: app flooded") {
		t.Errorf("status does not say what will be held:\n%s", text)
	}

	s.want(1, "rollup", "close", "--month", "2025-03")
	got := decode[usage](t, s.ok("rollup", "usage", "--month", "2025-03", "--json"))
	devices, rejected := 0, 0
	for _, a := range got.Usage {
		n := a.Kinds["open"].Exact
		if a.App == "honest" && (n != 300 || a.Events != 600 || a.Rejected != 0) {
			t.Errorf("honest: %d devices in %d events, %d rejected; want 300 in 600", n, a.Events, a.Rejected)
		}
		if a.App == "flooded" && n != 4*100 {
			t.Errorf("flooded: %d devices, want 100 in each of 4 partitions", n)
		}
		devices += n
		rejected += a.Rejected
	}
	if devices != 4*200 || rejected != 300+5000+3000-devices {
		t.Errorf("%d devices and %d dead letters, want 800 and %d", devices, rejected, 8300-800)
	}
	for _, v := range got.invoices(t, s) {
		if held := v.Status == "held"; held != (v.Account == "victim") || held && !strings.Contains(v.Reason, "over a limit") {
			t.Errorf("invoice of %s: %s, %q", v.Account, v.Status, v.Reason)
		}
	}
	s.ok("rollup", "verify", "--month", "2025-03")
}

// invoices are those that are stored of the month; commands end with 1 while one is held.
func (u usage) invoices(t *testing.T, s *site) []invoice {
	t.Helper()
	return decode[struct{ Invoices []invoice }](t, s.want(1, "rollup", "invoices", "--month", u.Month, "--json").stdout).Invoices
}
