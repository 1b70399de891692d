package endtoend

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBackupDrill does what the runbook says: a backup beside a process that counts, everything lost but the log, restored, counted on.
// The month's digests and invoices are those of a site that lost nothing.
func TestBackupDrill(t *testing.T) {
	onEmbedded(t)
	t.Parallel()
	s := newSite(t, openAccount, map[string]string{"ingest": "{checkpoint_interval: 20ms}"})
	script := func(want int, name string, args ...string) string {
		t.Helper()
		path, err := filepath.Abs("../deploy/runbook/" + name)
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command(path, args...)
		c.Dir = s.dir
		out, _ := c.CombinedOutput()
		if got := c.ProcessState.ExitCode(); got != want {
			t.Fatalf("%s %v: exit code %d, want %d: %s", name, args, got, want, out)
		}
		return string(out)
	}
	s.send(nil, devices(0, 100, "2025-03-10T10:00:00Z"))
	s.ok("ingest", "run", "--until-end")
	s.ok("rollup", "close", "--month", "2025-03")
	ingest := s.start("ingest", "run", "--instance", "one")
	s.send(nil, devices(0, 2000, "2025-04-10T10:00:00Z"))
	script(0, "backup.sh", "data", "backup")
	s.send(nil, devices(1500, 1000, "2025-04-11T10:00:00Z"))
	ingest.terminate()
	s.ok("ingest", "run", "--until-end")
	if out := script(2, "backup.sh", "data", "backup"); !strings.Contains(out, "is there already") {
		t.Error(out)
	}
	// Another site with this log and no loss is what it must come to.
	s.stopBroker()
	if out, err := exec.Command("cp", "-a", s.path("data"), s.path("whole")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	month := func(data string) (usage, string) {
		t.Helper()
		if data != "data" {
			s.remove("data")
			if err := os.Rename(s.path(data), s.path("data")); err != nil {
				t.Fatal(err)
			}
		}
		s.startBroker()
		s.ok("ingest", "run", "--until-end")
		s.ok("rollup", "close", "--month", "2025-04")
		s.ok("rollup", "verify", "--month", "2025-04")
		got, invoices := decode[usage](t, s.ok("rollup", "usage", "--month", "2025-04", "--json")), s.ok("rollup", "invoices", "--month", "2025-04", "--json")
		s.stopBroker()
		return got, invoices
	}
	// The disaster: nothing is left but the log.
	for _, name := range []string{"state", "ledger.db*", "*.key", "*.pub"} {
		s.remove("data/" + name)
	}
	damaged := s.files("backup/state/*/*/1/checkpoint/*.segment")[0]
	whole := text(t, damaged)
	if err := os.WriteFile(damaged, append([]byte{0}, whole...), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := script(1, "restore.sh", "backup", "data"); !strings.Contains(out, "is damaged") {
		t.Error(out)
	}
	if err := os.WriteFile(damaged, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	script(0, "restore.sh", "backup", "data")
	if out := script(2, "restore.sh", "backup", "data"); !strings.Contains(out, "move it away") {
		t.Error(out)
	}
	restored, restoredInvoices := month("data")
	lossless, losslessInvoices := month("whole")
	if got, events := mau(t, restored); got != 2500 || events != 3000 {
		t.Errorf("%d devices in %d events, want 2500 in 3000", got, events)
	}
	if restored.Usage[0].Digest == "" || restored.Usage[0].Digest != lossless.Usage[0].Digest {
		t.Errorf("digests %q and %q", restored.Usage[0].Digest, lossless.Usage[0].Digest)
	}
	if restoredInvoices != losslessInvoices {
		t.Errorf("invoices\n%s\nand\n%s", restoredInvoices, losslessInvoices)
	}
}
