package config

import (
	"io/fs"
	"net/url"
	"os"
	"strings"

	"headcount/internal/secret"
)

// noLedger is what `ledger:` says where a process does without one: it counts, and leaves closing and showing to others.
const noLedger = "none"

// HasLedger says whether the process is told of a ledger.
func (c *Config) HasLedger() bool { return c.Ledger.Reveal() != noLedger }

func (c *Config) validateLedger(bad func(field, format string, args ...any) error) error {
	scheme, _, _ := strings.Cut(c.Ledger.Reveal(), "://")
	switch {
	case !c.HasLedger():
		return nil
	case scheme != "sqlite" && scheme != "postgres" && scheme != "postgresql":
		return bad("ledger", "%q: write sqlite://data/ledger.db or postgres://user@host/db, or none where a process that counts does without", c.Ledger.String())
	case c.LedgerPasswordFile == "":
		return nil
	case scheme == "sqlite":
		return bad("ledger_password_file", "a file of SQLite (ledger: %s) has no password: leave one of the two out", c.Ledger)
	}
	switch u, err := url.Parse(c.Ledger.Reveal()); {
	case err != nil: // what is wrong with it may be the password's characters
		return bad("ledger", "%q is no URL: write postgres://user@host/db", c.Ledger.String())
	case c.Ledger.Hides():
		return bad("ledger", "%q has a password, and ledger_password_file names another: leave one of the two out", c.Ledger.String())
	case u.User.Username() == "":
		return bad("ledger", "%q names no user, whose password ledger_password_file holds: write postgres://user@host/db", c.Ledger.String())
	}
	return nil
}

// LedgerURL returns the ledger's URL with the password of ledger_password_file in it, where there is one. Without a ledger it is an *Error.
func (c *Config) LedgerURL() (secret.URL, error) {
	if !c.HasLedger() {
		place := c.places["ledger"]
		if place == "" {
			place = c.File
		}
		return secret.URL{}, &Error{place, "ledger: none: this process is told to do without the ledger, which is needed here: name it"}
	}
	if c.LedgerPasswordFile == "" {
		return c.Ledger, nil
	}
	password, err := c.passwordIn("ledger_password_file", c.LedgerPasswordFile)
	if err != nil {
		return secret.URL{}, err
	}
	u, err := url.Parse(c.Ledger.Reveal())
	if err != nil { // Validate has seen it
		return secret.URL{}, &Error{c.File, "ledger: is no URL"}
	}
	u.User = url.UserPassword(u.User.Username(), password.Reveal())
	return secret.NewURL(u.String()), nil
}

// OpenSecrets names the fields of the configuration file that hold a secret while others than its owner may read the file, and returns
// its mode. What the environment says is not in the file.
func (c *Config) OpenSecrets() (fields []string, mode fs.FileMode) {
	info, err := os.Stat(c.File)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return nil, 0
	}
	for _, f := range []struct {
		name string
		url  secret.URL
	}{{"ledger", c.Ledger}, {"state", c.State}} {
		place := c.places[f.name]
		if f.url.Hides() && place != "" && !strings.HasPrefix(place, environment) {
			fields = append(fields, f.name)
		}
	}
	return fields, info.Mode().Perm()
}
