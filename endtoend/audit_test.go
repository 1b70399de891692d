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
	needAuditTools(t)
	if testing.Short() {
		t.Skip("runs the page a dozen times")
	}
	s := verifiedSite(t)
	const m = "2025-02"
	s.ok("rollup", "export", "--month", m)
	archive := s.path("headcount-" + m + ".tar")
	audit := func(archive string) (string, error) { return auditByShell(t, m, archive) }
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

func needAuditTools(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"bash", "tar", "jq", "openssl", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s", tool)
		}
	}
}

// auditByShell does what AUDIT.md says with an archive, up to what fails.
func auditByShell(t *testing.T, month, archive string) (string, error) {
	t.Helper()
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
	c := exec.Command("bash", "-c", script)
	c.Dir = t.TempDir()
	c.Env = append(os.Environ(), "MONTH="+month, "ARCHIVE="+archive, "PATH="+binaries+":"+os.Getenv("PATH"))
	out, err := c.CombinedOutput()
	return string(out), err
}

// An archive whose ledger was cut before an amendment, with the invoices of before it and a manifest that fits, is refused by what is signed:
// the record of the amendment lies in it.
func TestArchiveCutBeforeAnAmendment(t *testing.T) {
	t.Parallel()
	needAuditTools(t)
	s := newSite(t, oneAccount, nil)
	s.send(nil, opens("one", "2025-03-05T10:00:00Z", 0, 100))
	s.ok("rollup", "close", "--month", "2025-03")
	export := func(file string) []packed {
		s.ok("rollup", "export", "--month", "2025-03", "--out", file)
		return unpack(t, s.path(file))
	}
	before := export("before.tar")
	s.write("right.yaml", strings.Replace(oneAccount, "tcmpp/pro", "tcsas/professional", 1))
	s.ok("rollup", "amend", "--month", "2025-03", "--accounts", "right.yaml", "--reason", "the contract says so")
	for _, f := range export("after.tar") {
		if f.name == "closed/2025-03.2.json" {
			before = append(before, f)
		}
	}
	for _, name := range []string{"before.tar", "after.tar"} {
		if out, err := auditByShell(t, "2025-03", s.path(name)); err != nil {
			t.Errorf("%s: %v\n%s", name, err, cut(out))
		}
	}
	pack(t, s.path("cut.tar"), before, true)
	if out, err := auditByShell(t, "2025-03", s.path("cut.tar")); err == nil || !strings.Contains(out, "the ledger ends before what closed/2025-03.2.json vouches for") {
		t.Errorf("by shell: %v\n%s", err, cut(out))
	}
	r := s.elsewhere("rollup", "verify", "--json", "--month", "2025-03", "--from", s.path("cut.tar"))
	if r.code != 1 || !strings.Contains(r.stdout, "published") {
		t.Errorf("by verify: exit code %d\n%s\n%s", r.code, cut(r.stdout), cut(r.stderr))
	}
}

// Where the private seal key is lost, a new pair replaces it, and the public one of before is kept. What was sealed with it verifies as before
// once a close has vouched for it, and each month's archive has its own key.
func TestSealKeyIsReplaced(t *testing.T) {
	t.Parallel()
	needAuditTools(t)
	s := newSite(t, oneAccount, nil)
	s.send(nil, opens("one", "2025-03-05T10:00:00Z", 0, 10))
	s.ok("rollup", "close", "--month", "2025-03")
	s.send(nil, opens("one", "2025-04-05T10:00:00Z", 0, 20))
	s.ok("ingest", "run", "--until-end")
	if err := os.Remove(s.path("data/seal.key")); err != nil {
		t.Fatal(err)
	}
	s.want(2, "rollup", "close", "--month", "2025-04").says(t, "seal.key does not exist", "--new-seal-key", "ingest recount")
	if out := s.ok("ingest", "init", "--new-seal-key"); !strings.Contains(out, "former public key") {
		t.Errorf("init does not say what it kept:\n%s", out)
	}
	former := s.files("data/seal.*.pub")
	if len(former) != 1 {
		t.Fatalf("kept: %v", former)
	}
	s.ok("rollup", "verify", "--month", "2025-03")
	kept, err := os.ReadFile(former[0])
	if err != nil {
		t.Fatal(err)
	}
	s.remove("data/seal.*.pub") // lost as well, or another host
	if out := s.want(1, "rollup", "verify", "--month", "2025-03").stdout; !strings.Contains(out, "the next close vouches for the former one") {
		t.Errorf("nobody vouches for the former key yet:\n%s", out)
	}
	s.ok("ingest", "recount", "--month", "2025-04")
	s.ok("rollup", "close", "--month", "2025-04")
	if out := s.ok("rollup", "verify", "--month", "2025-03"); !strings.Contains(out, "the record of 2025-04, signed with the present one, vouches") {
		t.Errorf("verify does not say by what:\n%s", out)
	}
	s.ok("rollup", "verify", "--month", "2025-04")
	s.ok("rollup", "verify", "--month", "2025-03", "--from-sealed")
	if err := os.WriteFile(former[0], kept, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, month := range []string{"2025-03", "2025-04"} {
		s.ok("rollup", "export", "--month", month, "--out", month+".tar")
		if out, err := auditByShell(t, month, s.path(month+".tar")); err != nil {
			t.Errorf("%s: %v\n%s", month, err, cut(out))
		}
		for _, key := range []string{former[0], s.path("data/seal.pub")} {
			want := 0
			if month == "2025-04" && key == former[0] { // it never vouched for that
				want = 1
			}
			if r := s.elsewhere("rollup", "verify", "--month", month, "--from", s.path(month+".tar"), "--seal-key", key); r.code != want {
				t.Errorf("%s by %s: exit code %d\n%s\n%s", month, key, r.code, cut(r.stdout), cut(r.stderr))
			}
		}
	}
}

// swapLast replaces the last place of a text in what a ledger has before the next month's closing.
func swapLast(b []byte, old, new string) []byte {
	i := bytes.LastIndex(b[:bytes.Index(b, []byte(`"kind":"closing","month":"2025-03"`))], []byte(old))
	return append(append(bytes.Clone(b[:i]), new...), b[i+len(old):]...)
}
