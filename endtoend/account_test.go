package endtoend

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExportOfOneAccount: what a customer is given verifies by itself, and tells nothing of others: no name of another account or app, no
// fingerprint of theirs, no offset of the log.
func TestExportOfOneAccount(t *testing.T) {
	t.Parallel()
	s := verifiedSite(t)
	const m = "2025-02"
	whole := decode[usage](t, s.ok("rollup", "usage", "--month", m, "--json"))
	ours, others := map[string]bool{}, []string{}
	for _, u := range whole.Usage {
		if u.Account != nil && *u.Account == "acme" {
			ours[u.App] = true
		} else {
			others = append(others, `"`+u.App+`"`, " "+u.App+"\n", "(\x07\x00)"+u.App)
		}
	}
	for _, v := range whole.Invoices {
		if v.Account != "acme" {
			others = append(others, v.Account)
		}
	}
	if len(ours) == 0 || len(others) == 0 {
		t.Fatalf("the month has apps %v of acme, and others %v", ours, others)
	}
	s.ok("rollup", "export", "--month", m, "--account", "acme")
	path := s.path("headcount-" + m + "-acme.tar")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for _, other := range append(others, `"offset"`, `"partition`) {
		if bytes.Contains(text, []byte(other)) {
			t.Errorf("it holds %q", other)
		}
	}
	s.want(2, "rollup", "export", "--month", m, "--account", "acme").says(t, "is there already")
	s.ok("rollup", "export", "--month", m, "--account", "acme", "--out", "again.tar")
	if again, _ := os.ReadFile(s.path("again.tar")); !bytes.Equal(again, text) {
		t.Error("exported twice it differs")
	}
	s.want(2, "rollup", "export", "--month", m, "--account", "nobody").says(t, `no account "nobody"`)
	s.want(1, "rollup", "export", "--month", "2025-09", "--account", "acme").says(t, "not closed")

	public := s.path("data/seal.pub")
	check := func(path, key string) (verified, result) {
		t.Helper()
		args := []string{"rollup", "verify", "--json", "--month", m, "--from", path}
		if key != "" {
			args = append(args, "--seal-key", key)
		}
		r := s.elsewhere(args...)
		if r.code != 0 && r.code != 1 {
			t.Fatalf("%s: %d, %s", r.line, r.code, r.stderr)
		}
		if r.stdout == "" {
			return verified{}, r
		}
		return decode[verified](t, r.stdout), r
	}
	for _, key := range []string{"", public} {
		if v, r := check(path, key); r.code != 0 || len(v.Differences) != 0 {
			t.Fatalf("it does not verify: %+v, %s", v.Differences, r.stderr)
		}
	}
	other := filepath.Join(t.TempDir(), "other.pub")
	if err := os.WriteFile(other, []byte(publicKeyPEM(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	if v, r := check(path, other); r.code != 1 || len(v.Differences) != 1 || v.Differences[0].What != "statement" {
		t.Errorf("another's signature: %+v", v.Differences)
	}

	// Whoever changes something, with a manifest that fits, is found out by the statement or the recount.
	files := unpack(t, path)
	for i, f := range files {
		if f.name == "manifest.json" {
			continue
		}
		changed := append([]packed{}, files...)
		switch {
		case strings.HasPrefix(f.name, "facts/"):
			changed[i].text = bytes.Clone(f.text)
			changed[i].text[len(f.text)/2] ^= 1
		case f.name == "statement.json":
			changed[i].text = bytes.Replace(f.text, []byte(`"account":"acme"`), []byte(`"account":"acm3"`), 1)
		case f.name == "seal.pub":
			changed[i].text = []byte(publicKeyPEM(t))
		default:
			changed[i].text = append(bytes.Clone(f.text), ' ')
		}
		bad := filepath.Join(t.TempDir(), "a.tar")
		pack(t, bad, changed, true)
		if v, r := check(bad, ""); r.code != 1 {
			t.Errorf("%s changed: %d, %+v", f.name, r.code, v.Differences)
		}
		pack(t, bad, append(append([]packed{}, files[:i]...), files[i+1:]...), true)
		if v, r := check(bad, public); f.name != "seal.pub" && r.code != 1 {
			t.Errorf("without %s: %d, %+v", f.name, r.code, v.Differences)
		}
	}
	for i, f := range files { // the numbers alone, for a statement that would fit
		if f.name == "usage.json" {
			changed := append([]packed{}, files...)
			changed[i].text = bytes.Replace(f.text, []byte(`"exact":`), []byte(`"exact":1`), 1)
			bad := filepath.Join(t.TempDir(), "a.tar")
			pack(t, bad, changed, true)
			v, _ := check(bad, public)
			recounted := false
			for _, d := range v.Differences {
				recounted = recounted || d.What == "usage" || d.What == "invoices"
			}
			if !recounted {
				t.Errorf("a changed count is not recounted: %+v", v.Differences)
			}
		}
	}
}
