package endtoend

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What AUDIT.md tells an auditor to type works as it stands, finds an honest month in order, and stops at what was forged.
func TestAuditByShell(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "tar", "jq", "openssl", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s", tool)
		}
	}
	doc, err := os.ReadFile("../AUDIT.md")
	if err != nil {
		t.Fatal(err)
	}
	script := "set -euo pipefail\n"
	blocks := regexp.MustCompile("(?s)```bash\n(.*?)```").FindAllStringSubmatch(string(doc), -1)
	for _, b := range blocks {
		script += b[1]
	}
	if len(blocks) < 8 {
		t.Fatalf("%d blocks", len(blocks))
	}
	if testing.Short() {
		t.Skip("runs the page a dozen times")
	}
	s := verifiedSite(t)
	const m = "2025-02"
	s.ok("rollup", "export", "--month", m)
	archive := s.path("headcount-" + m + ".tar")
	audit := func(archive string) (string, error) {
		c := exec.Command("bash", "-c", script)
		c.Dir = t.TempDir()
		c.Env = append(os.Environ(), "MONTH="+m, "ARCHIVE="+archive, "PATH="+binaries+":"+os.Getenv("PATH"))
		out, err := c.CombinedOutput()
		return string(out), err
	}
	out, err := audit(archive)
	if err != nil || !strings.Contains(out, "every number agrees") || !strings.Contains(out, "Verified Successfully") || !strings.Contains(out, "acme\t1\tapp-001\tmau") {
		t.Fatalf("%v\n%s", err, cut(out))
	}
	files := unpack(t, archive)
	for _, row := range []struct {
		file     string
		change   func([]byte) []byte
		manifest bool
		says     string
	}{
		{"usage.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"events":`), []byte(`"events":1`), 1) }, false, "usage.json: FAILED"},
		{"closed/" + m, func(b []byte) []byte { return bytes.Replace(b, []byte(`"apps":`), []byte(`"apps":1`), 1) }, true, "Signature Verification Failure"},
		{"ledger.jsonl", func(b []byte) []byte { return swapLast(b, `\"events\":`, `\"events\":1`) }, true, "the document of entry"},
		{"ledger.jsonl", func(b []byte) []byte { return rechained(t, b, m) }, true, ""},
		{"accounts.yaml", func(b []byte) []byte { return bytes.Replace(b, []byte(`"10"`), []byte(`"11"`), 1) }, true, "differ"},
		{m + "-", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, true, ".data was changed"},
		{m + ".index", func(b []byte) []byte { return bytes.Replace(b, []byte(`"events":`), []byte(`"events":1`), 1) }, true, ".index was changed"},
		{"rules/" + m, func(b []byte) []byte { return append(b, ' ') }, true, "the rules of"},
		{"invoices.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"amount":"`), []byte(`"amount":"1`), 1) }, true, ""},
	} {
		all := append([]packed{}, files...)
		for i := range all {
			if strings.Contains(all[i].name, row.file) {
				before := all[i].text
				all[i].text = row.change(bytes.Clone(before))
				if bytes.Equal(before, all[i].text) {
					t.Fatalf("%s: nothing was changed", all[i].name)
				}
				break
			}
		}
		path := filepath.Join(t.TempDir(), "a.tar")
		pack(t, path, all, row.manifest)
		if out, err := audit(path); err == nil || !strings.Contains(out, row.says) || strings.Contains(out, "every number agrees") {
			t.Errorf("%s, to say %q: %v\n%s", row.file, row.says, err, cut(out))
		}
	}
}

// swapLast replaces the last place of a text in what a ledger has before the next month's closing.
func swapLast(b []byte, old, new string) []byte {
	i := bytes.LastIndex(b[:bytes.Index(b, []byte(`"kind":"closing","month":"2025-03"`))], []byte(old))
	return append(append(bytes.Clone(b[:i]), new...), b[i+len(old):]...)
}
