package endtoend

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestModes walks an installation while its programs run and after a close: whatever the umask, what they made is for its user alone,
// but for the public key; also what libraries make, such as the broker's files, and those beside the ledger while it is written.
func TestModes(t *testing.T) {
	onEmbedded(t)
	defer syscall.Umask(syscall.Umask(0))
	s := bareSite(t, "", nil)
	if err := os.Remove(s.path("accounts.yaml")); err != nil { // init makes one
		t.Fatal(err)
	}
	seen := map[string]bool{}
	look := func(when string) {
		t.Helper()
		_ = filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
			inside, _ := filepath.Rel(s.dir, name)
			if err != nil || inside == "." || inside == "headcount.yaml" || filepath.Ext(name) == ".ndjson" { // gone by now, or the test's own
				return nil
			}
			info, err := d.Info()
			if err != nil {
				return nil
			}
			want := fs.FileMode(0o600)
			switch {
			case d.IsDir():
				want = 0o700
			case strings.HasSuffix(name, ".pub"):
				want = 0o644
			}
			if info.Mode().Perm() != want {
				t.Errorf("%s: %s has mode %v, want %v", when, inside, info.Mode(), want)
			}
			for _, part := range []string{"accounts.yaml", "guid.key", "seal.key", "seal.pub", "data/kafka/", "/rules/", ".manifest", ".segment", ".index", ".data", "ledger.db", "ledger.db-wal", "ledger.db-shm", ".tar", "page.html"} {
				if strings.HasSuffix(inside, part) || strings.HasSuffix(part, "/") && strings.Contains(inside, part) {
					seen[part] = true
				}
			}
			return nil
		})
	}
	s.startBroker()
	s.ok("ingest", "init")
	look("after init")
	s.ok("ingest", "load", s.file("events.ndjson", []record{event("miniprogram.open", "one", "device 1", "2025-03-05T10:00:00Z")}))
	running := s.start("ingest", "run")
	s.waitFor("a checkpoint", func() bool {
		look("while it runs")
		found, _ := filepath.Glob(s.path("data/state/*/*/*/checkpoint/*.manifest"))
		return len(found) > 0
	})
	s.ok("rollup", "close", "--month", "2025-03")
	s.ok("rollup", "export", "--month", "2025-03")
	s.ok("rollup", "invoices", "--month", "2025-03", "--html", "page.html")
	look("after a close")
	running.kill()
	s.stopBroker()
	look("at the end")
	for _, part := range []string{"accounts.yaml", "guid.key", "seal.key", "seal.pub", "data/kafka/", "/rules/", ".manifest", ".segment", ".index", ".data", "ledger.db", "ledger.db-wal", "ledger.db-shm", ".tar", "page.html"} {
		if !seen[part] {
			t.Errorf("no %s was made: the test has not seen it", part)
		}
	}
}
