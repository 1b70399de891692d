package endtoend

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOddIds: an id that hides something is shown as what it is, wherever people read it, and one that looks like a customer's is named. JSON,
// which programs read, has it as it is.
func TestOddIds(t *testing.T) {
	t.Parallel()
	s := newSite(t, oneAccount, nil)
	const at, m = "2025-03-05T10:00:00Z", "2025-03"
	odd := map[string]string{"one\u200b": `one\u200b`, "\u202eeno": `\u202eeno`, "оne": "оne", "=1+1": "'=1+1", "\u00a0two": `\u00a0two`, "three\ufe0f": `three\ufe0f`}
	var records []record
	for app := range odd {
		records = append(records, event("miniprogram.open", app, "device-1", at))
	}
	s.send(nil, append(records, event("miniprogram.open", "one", "device-1", at)))
	s.ok("ingest", "run", "--until-end")
	hides := func(what, text string) {
		t.Helper()
		if i := strings.IndexAny(text, "\u200b\u202e\u00a0\ufe0f"); i >= 0 {
			t.Errorf("%s has what nobody sees: %q", what, text[max(0, i-20):min(len(text), i+20)])
		}
	}
	has := func(what, text string) {
		t.Helper()
		hides(what, text)
		for _, shown := range odd {
			if what != "usage --csv" {
				shown = strings.TrimPrefix(shown, "'")
			}
			if !strings.Contains(text, shown) {
				t.Errorf("%s lacks %s:\n%s", what, shown, cut(text))
			}
		}
	}
	has("status", s.ok("rollup", "status", "--month", m))
	closed := s.run("rollup", "close", "--month", m)
	has("close", closed.stdout)
	hides("close's log", closed.stderr)
	closed.says(t, `one\u200b like=one`, `\u043ene like=one`)
	if r := s.run("ingest", "check"); !strings.Contains(r.stdout, `\u043ene looks like one`) {
		t.Errorf("check names nothing: %s", r.stdout)
	}
	has("usage", s.ok("rollup", "usage", "--month", m))
	has("usage --csv", s.ok("rollup", "usage", "--month", m, "--csv"))
	hides("an error", s.run("rollup", "explain", "--month", m, "--app", "one\u200b", "--guid", "device-2").stderr)
	if text := s.ok("rollup", "usage", "--month", m, "--json"); !strings.Contains(text, "one\u200b") {
		t.Error("JSON has another id than was sent")
	}

	// Files are nobody else's, and take nobody's place unless that is said.
	for _, line := range [][]string{{"usage", "--csv", "u.csv"}, {"invoices", "--csv", "i.csv"}, {"invoices", "--html", "p.html"}, {"export", "--out", "new/e.tar"}} {
		args, name := append([]string{"rollup", line[0], "--month", m}, line[1:]...), line[2]
		s.ok(args...)
		first, err := os.ReadFile(s.path(name))
		if err != nil || len(first) == 0 {
			t.Fatal(err)
		}
		if name != "new/e.tar" { // which has JSON
			hides(name, string(first))
		}
		if info, err := os.Stat(s.path(name)); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
		s.write(name, "mine")
		s.want(2, args...).says(t, name, "is there already", "--force")
		if got, _ := os.ReadFile(s.path(name)); string(got) != "mine" {
			t.Errorf("%s was written over", name)
		}
		s.ok(append(args, "--force")...)
		if got, _ := os.ReadFile(s.path(name)); string(got) != string(first) {
			t.Errorf("%s with --force: %d bytes, the first time %d", name, len(got), len(first))
		}
	}
	if info, err := os.Stat(s.path("new")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v", info.Mode(), err)
	}
	for _, made := range s.files("data/*") {
		err := filepath.WalkDir(made, func(name string, d fs.DirEntry, err error) error {
			info, statErr := os.Stat(name)
			if err := errors.Join(err, statErr); err != nil {
				return err
			}
			if mode := info.Mode().Perm(); mode&0o077 != 0 && !strings.HasSuffix(name, ".pub") && !strings.Contains(name, "/data/kafka/") { // which lies in a folder of 0700
				t.Errorf("%s has mode %v", name, mode)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if out := s.ok("rollup", "usage", "--month", m, "--csv=o.csv", "--quiet"); out != "" {
		t.Errorf("--csv=FILE prints %s", out)
	}
	s.want(2, "rollup", "usage", "--month", m, "--csv", "none/u.csv").says(t, "--csv", "none")
	s.want(2, "rollup", "usage", "--month", m, "u.csv").says(t, "takes no argument")
	s.want(2, "rollup", "usage", "--month", m, "--json", "--csv", "u2.csv").says(t, "either --json or --csv")
}
