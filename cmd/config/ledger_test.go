package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLedgerPasswordFile(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	put("good", "hun/t#er2@\nnot this\n", 0o600)
	put("open", "hunter2\n", 0o640)
	put("empty", "\n", 0o600)
	at := func(text string) (*Config, error) {
		put("headcount.yaml", text, 0o600)
		return Load(filepath.Join(dir, "headcount.yaml"), nil)
	}
	c, err := at("ledger: postgres://u@h/d?sslmode=verify-full\nledger_password_file: good\n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.LedgerURL()
	if err != nil || got.Reveal() != "postgres://u:hun%2Ft%23er2%40@h/d?sslmode=verify-full" || got.String() != "postgres://u:(hidden)@h/d?sslmode=verify-full" {
		t.Errorf("%q, %v", got.Reveal(), err)
	}
	for file, want := range map[string]string{"open": "mode 0640, which is wider than 0600: run chmod 600", "empty": "first line is empty", "nowhere": "no such file", ".": "not a regular file"} {
		c, err := at("ledger: postgres://u@h/d\nledger_password_file: " + file + "\n")
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.LedgerURL(); err == nil || !strings.Contains(err.Error(), "headcount.yaml:2:23: ledger_password_file: "+filepath.Join(dir, file)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", file, err, want)
		}
	}
	for text, want := range map[string]string{
		"ledger: postgres://u:hunter2@h/d\nledger_password_file: good\n":       "leave one of the two out",
		"ledger: postgres://u@h/d?password=hunter2\nledger_password_file: x\n": "leave one of the two out",
		"ledger: postgres://u:hun#ter2@h/d\nledger_password_file: good\n":      "is no URL",
		"ledger: postgres://h/d\nledger_password_file: good\n":                 "names no user",
		"ledger_password_file: good\n":                                         "SQLite",
		"ledger: mysql://u:hunter2@h/d\n":                                      "mysql://u:(hidden)@h/d",
		"ledger: host=h password=hunter2\n":                                    "(hidden)",
		"ledger: [hunter2]\n":                                                  "is not text",
		"state: \"u:hunter2@h\"\n":                                             "(hidden)",
		"kafka: {brokers: [\"u:hunter2@h:9092\"]}\n":                           "without a user",
		"kafka: {sasl: {user: a, password: 2222hunter2}}\n":                    "does not stand in this file",
		"kafka: {sasl: {user: a, password: 2222}}\n":                           "is not text",
		"kafka: {sasl: {user: a, password: [hunter2]}}\n":                      "is not text",
		"kafka: {sasl: {user: a, password: hunter2}\n":                         "headcount.yaml:",
		"ledger: \"postgres://u:hunter2@h/d\n":                                 "headcount.yaml:",
		"ledger: postgres://u: hunter2\n":                                      "headcount.yaml:",
	} {
		if _, err := at(text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "2222") || strings.Contains(err.Error(), "hun#") {
			t.Errorf("%q: error %v, want one with %q and no password", text, err, want)
		}
	}
}

// TestOpenSecrets: a secret in a file that others read is seen; one that the environment has, or none, is not.
func TestOpenSecrets(t *testing.T) {
	const inline, none = "ledger: postgres://u:hunter2@h/d\nstate: \"s3://b?secret=hunter2\"\n", "ledger: postgres://u@h/d\n"
	for _, c := range []struct {
		text    string
		mode    os.FileMode
		environ []string
		want    string
	}{
		{inline, 0o600, nil, ""}, {inline, 0o640, nil, "ledger state"}, {inline, 0o604, nil, "ledger state"}, {none, 0o644, nil, ""},
		{inline, 0o644, []string{"HEADCOUNT_LEDGER=postgres://u@h/d"}, "state"},
		{none, 0o644, []string{"HEADCOUNT_LEDGER=postgres://u:hunter2@h/d"}, ""},
	} {
		file := filepath.Join(t.TempDir(), "headcount.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, c.mode); err != nil {
			t.Fatal(err)
		}
		got, err := Load(file, c.environ)
		if err != nil {
			t.Fatal(err)
		}
		if fields, mode := got.OpenSecrets(); strings.Join(fields, " ") != c.want || len(fields) > 0 && mode != c.mode {
			t.Errorf("%q, %v, %v: %v, %v", c.text, c.mode, c.environ, fields, mode)
		}
	}
}

// TestNoLedger: a process that does without is told so where it needs one, in place of taking it for missing.
func TestNoLedger(t *testing.T) {
	file := filepath.Join(t.TempDir(), "headcount.yaml")
	if err := os.WriteFile(file, []byte("ledger: none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file, []string{"HEADCOUNT_LEDGER_PASSWORD_FILE="})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.LedgerURL(); c.HasLedger() || err == nil || !strings.Contains(err.Error(), "headcount.yaml:1:9: ledger: none: ") {
		t.Errorf("%t, %v", c.HasLedger(), err)
	}
}
