package ledger

import (
	"os"
	"testing"
)

func TestUnverified(t *testing.T) {
	for _, name := range []string{"PGHOST", "PGSSLMODE", "PGSSLROOTCERT", "PGSERVICE"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	t.Setenv("HOME", t.TempDir())
	for url, seen := range map[string]bool{
		"sqlite:///a.db":           false,
		"postgres://u@localhost/d": false, "postgres://u@127.0.0.1/d?sslmode=disable": false, "postgres://u@[::1]/d": false, "postgres://u@/d?host=/run/postgresql": false,
		"postgres://u@db.example/d":                     true, // prefer
		"postgres://u@db.example/d?sslmode=disable":     true,
		"postgresql://u@db.example/d?sslmode=allow":     true,
		"postgres://u@192.0.2.1/d?sslmode=require":      true,
		"postgres://u@db.example/d?sslmode=verify-ca":   true,
		"postgres://u@db.example/d?sslmode=verify-full": false,
		"postgres://u@localhost,db.example/d":           true,
		"postgres://u@localhost.example/d":              true,
	} {
		if why := Unverified(url); (why != "") != seen {
			t.Errorf("%s: %q", url, why)
		}
	}
	t.Setenv("PGSSLMODE", "verify-full")
	if why := Unverified("postgres://u@db.example/d"); why != "" {
		t.Errorf("by the environment: %q", why)
	}
}
