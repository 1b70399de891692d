package ledger

import (
	"net/url"
	"testing"
)

func TestPostgresErrors(t *testing.T) {
	ctx := t.Context()
	u := postgresURL(t)
	refusal(t, "no tables", closed(Open(ctx, u)), ErrMissing, "127.0.0.1", "backup")
	refusal(t, "no tables, reading", closed(OpenReadOnly(ctx, u)), ErrMissing, "the first close makes it")
	if c := rawConn(t, u); c.Conn != nil {
		var n int
		if err := c.QueryRowContext(ctx, `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()`).Scan(&n); err != nil || n != 0 {
			t.Errorf("opening made %d tables, %v", n, err)
		}
		c.Close()
	}
	other, _ := url.Parse(u)
	other.Path = "/no_such_database"
	refusal(t, "no database", closed(Open(ctx, other.String())), ErrMissing, "no_such_database")

	l := start(t, u)
	refusal(t, "again", closed(Create(ctx, u)), ErrExists)
	closeMonth(t, l, october, nil)
	lock := rawConn(t, u)
	defer lock.Close()
	exec := func(s string) {
		t.Helper()
		if _, err := lock.ExecContext(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	exec("BEGIN")
	exec("LOCK TABLE entries IN ACCESS EXCLUSIVE MODE")
	refusal(t, "locked", closed(OpenReadOnly(ctx, withParameter(t, u, "lock_timeout", "100ms"))), ErrLocked, "127.0.0.1")
	exec("ROLLBACK")

	execute(t, u, "INSERT INTO "+versionTable+" (version_id, is_applied) VALUES (99, true)")
	refusal(t, "newer", closed(Open(ctx, u)), ErrNewer, "99")
	execute(t, u, "DELETE FROM "+versionTable+" WHERE version_id > 0")
	refusal(t, "older, reading", closed(OpenReadOnly(ctx, u)), ErrOlder, "for writing")
}

func withParameter(t *testing.T, u, name, value string) string {
	t.Helper()
	p, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	q := p.Query()
	q.Set(name, value)
	p.RawQuery = q.Encode()
	return p.String()
}

// TestPostgresRights runs a close as a role that may only add and read, and reads as one that may only read.
func TestPostgresRights(t *testing.T) {
	ctx := t.Context()
	u := postgresURL(t)
	owner := start(t, u)
	schema := parameter(t, u, "search_path")
	for _, role := range []string{"writer", "reader"} {
		name := schema + "_" + role
		rights := map[string]string{"writer": "SELECT, INSERT", "reader": "SELECT"}[role]
		execute(t, u, "CREATE ROLE "+name+" LOGIN", "GRANT USAGE ON SCHEMA "+schema+" TO "+name,
			"GRANT "+rights+" ON ALL TABLES IN SCHEMA "+schema+" TO "+name)
		t.Cleanup(func() { execute(t, u, "DROP OWNED BY "+name, "DROP ROLE "+name) })
	}
	as := func(role string) string {
		p, _ := url.Parse(u)
		p.User = url.User(schema + "_" + role)
		return p.String()
	}
	writer, err := Open(ctx, as("writer"))
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	closeMonth(t, writer, october, nil)
	verified(t, writer)
	reader, err := Open(ctx, as("reader"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	verified(t, reader)
	refusal(t, "a reader writes", reader.Release(ctx, october, "acme", "r", "b", nil), ErrReadOnly, "grant")
	verified(t, owner)
}

func parameter(t *testing.T, u, name string) string {
	t.Helper()
	p, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	return p.Query().Get(name)
}
