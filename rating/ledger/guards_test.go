package ledger

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
)

// TestGuardsAreTried switches guards off in the ways there are: before anything is written, and not by their names, the next writer finds
// that the tables do not refuse what they must. Nothing of what it tried remains.
func TestGuardsAreTried(t *testing.T) {
	type way struct{ name, off, on string }
	ways := map[string][]way{
		"sqlite": {
			{"trigger gone", "DROP TRIGGER usage_no_update", "CREATE TRIGGER usage_no_update BEFORE UPDATE ON usage\nBEGIN\n    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on usage is refused');\nEND"},
			{"trigger of the name that does nothing", "DROP TRIGGER invoices_no_delete; CREATE TRIGGER invoices_no_delete BEFORE DELETE ON invoices BEGIN SELECT 1; END",
				"DROP TRIGGER invoices_no_delete; CREATE TRIGGER invoices_no_delete BEFORE DELETE ON invoices\nBEGIN\n    SELECT RAISE(ABORT, 'the ledger is append-only: DELETE on invoices is refused');\nEND"},
			{"trigger of an empty table", "DROP TRIGGER amendments_no_update", "CREATE TRIGGER amendments_no_update BEFORE UPDATE ON amendments\nBEGIN\n    SELECT RAISE(ABORT, 'the ledger is append-only: UPDATE on amendments is refused');\nEND"},
		},
		"postgres": {
			{"trigger gone", "DROP TRIGGER usage_append_only ON usage", "CREATE TRIGGER usage_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON usage FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"},
			{"trigger off", "ALTER TABLE amendments DISABLE TRIGGER USER", "ALTER TABLE amendments ENABLE TRIGGER USER"},
			{"trigger for replicas alone", "ALTER TABLE usage ENABLE REPLICA TRIGGER usage_append_only", "ALTER TABLE usage ENABLE TRIGGER usage_append_only"},
			{"function that does nothing", "CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
				"CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the ledger is append-only: % on % is refused', TG_OP, TG_TABLE_NAME; END $$"},
			{"trigger on fewer statements", "DROP TRIGGER usage_append_only ON usage; CREATE TRIGGER usage_append_only BEFORE UPDATE ON usage FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()",
				"DROP TRIGGER usage_append_only ON usage; CREATE TRIGGER usage_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON usage FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"},
			{"all of a user's sessions", "ALTER ROLE CURRENT_USER SET session_replication_role = replica", "ALTER ROLE CURRENT_USER RESET session_replication_role"},
		},
	}
	databases(t, func(t *testing.T, at string) {
		l := start(t, at)
		closeMonth(t, l, october, nil)
		kind, _, _ := strings.Cut(at, "://")
		release := func() error {
			l, err := Open(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			return l.Release(t.Context(), october, "acme", "checked", "ann", nil)
		}
		for _, w := range ways[kind] {
			head, err := l.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			execute(t, at, w.off)
			err = release()
			_, unguarded := errors.AsType[*UnguardedError](err)
			_, differs := errors.AsType[*Difference](err)
			if !unguarded && !differs {
				t.Errorf("%s: %v", w.name, err)
			}
			if after, err := l.Head(t.Context()); after != head || err != nil {
				t.Errorf("%s: something was written: %v", w.name, err)
			}
			execute(t, at, w.on)
		}
		if err := release(); err != nil {
			t.Errorf("all are on again: %v", err)
		}
		verified(t, l)
	})
}

// TestGuardsAreTriedByWhatTheyDo has the comparison see nothing: the attempts alone find guards that do nothing.
func TestGuardsAreTriedByWhatTheyDo(t *testing.T) {
	databases(t, func(t *testing.T, at string) {
		l := start(t, at)
		closeMonth(t, l, october, nil)
		off := map[string]string{"sqlite": "DROP TRIGGER lines_no_delete", "postgres": "ALTER TABLE lines DISABLE TRIGGER USER"}
		kind, _, _ := strings.Cut(at, "://")
		execute(t, at, off[kind])
		tried := func(l *Ledger) (all []string) {
			tx, err := l.db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			for _, name := range tableNames() {
				for _, statement := range l.dialect.attempts(name) {
					passed, err := l.attempt(t.Context(), tx, statement)
					if err != nil {
						t.Fatal(err)
					}
					if passed {
						all = append(all, statement[:strings.IndexByte(statement, ' ')]+" "+name)
					}
				}
			}
			return all
		}
		want := map[string]string{"sqlite": "[DELETE lines]", "postgres": "[UPDATE lines DELETE lines TRUNCATE lines]"}[kind]
		if got := fmt.Sprint(tried(l)); got != want {
			t.Errorf("passed: %s, want %s", got, want)
		}
		again, err := Open(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if all, err := again.Invoices(t.Context(), october); err != nil || len(all) != 2 {
			t.Errorf("what was tried remains: %v, %v", all, err)
		}
	})
}

// TestRoles runs deploy/postgres/roles.sql in a database of its own: the owner makes the tables, the writer the ledger and what is in it,
// the reader reads, and neither can change, cut or drop anything, whatever it tries.
func TestRoles(t *testing.T) {
	base := os.Getenv("HEADCOUNT_POSTGRES")
	if base == "" {
		t.Skip("HEADCOUNT_POSTGRES is not set: give it the URL of a database, such as postgres://user@localhost/test")
	}
	text, err := os.ReadFile("../../deploy/postgres/roles.sql")
	if err != nil {
		t.Fatal(err)
	}
	database := fmt.Sprintf("roles_%d", os.Getpid())
	execute(t, base, "CREATE DATABASE "+database)
	as := func(user string) string {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		if u.Path = "/" + database; user != "" {
			u.User = url.User("headcount_" + user)
		}
		return u.String()
	}
	t.Cleanup(func() {
		execute(t, base, "DROP DATABASE "+database+" WITH (FORCE)", "DROP ROLE headcount_owner", "DROP ROLE headcount_writer", "DROP ROLE headcount_reader")
	})
	for range 2 {
		execute(t, as(""), string(text))
	}
	ctx := t.Context()
	if _, err := Create(ctx, as("writer")); !errors.Is(err, ErrOlder) || !strings.Contains(err.Error(), "owner") {
		t.Errorf("a writer makes tables: %v", err)
	}
	for range 2 {
		if err := Prepare(ctx, as("owner")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(ctx, as("writer")); !errors.Is(err, ErrMissing) {
		t.Errorf("tables alone are no ledger: %v", err)
	}
	writer := start(t, as("writer"))
	closeMonth(t, writer, october, nil)
	if err := writer.Release(ctx, october, "acme", "checked", "ann", nil); err != nil {
		t.Error(err)
	}
	reader, err := OpenReadOnly(ctx, as("reader"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	verified(t, reader)
	views, err := os.ReadFile("../../deploy/postgres/views.sql")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		execute(t, as(""), string(views))
	}
	reports := rawConn(t, as("reader"))
	defer reports.Close()
	for query, want := range map[string]string{
		"SELECT count(*) FROM headcount_reports.invoices":                                                           "2",
		"SELECT status || ' ' || released_for FROM headcount_reports.invoices WHERE account = 'acme'":               "released checked",
		"SELECT count(*) FROM headcount_reports.held":                                                               "0",
		"SELECT sum(m.total) = (SELECT sum(total) FROM headcount_reports.invoices) FROM headcount_reports.months m": "true",
		"SELECT count(*) = (SELECT count(*) FROM headcount.lines) FROM headcount_reports.lines":                     "true",
		"SELECT bool_and(amount IS NOT NULL AND currency <> '') FROM headcount_reports.lines":                       "true",
		"SELECT string_agg(DISTINCT month, ' ') FROM headcount_reports.months":                                      "2026-10",
	} {
		var got string
		if err := reports.QueryRowContext(ctx, query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", query, got, err, want)
		}
	}
	owner, err := OpenReadOnly(ctx, as("owner"))
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	super, err := OpenReadOnly(ctx, strings.Replace(as(""), "?", "?search_path=headcount&", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer super.Close()
	for role, l := range map[Role]*Ledger{Writer: writer, Reader: reader, Owner: owner, Superuser: super} {
		if r, err := l.Rights(ctx); err != nil || r.Role != role {
			t.Errorf("%s: %+v, %v", role, r, err)
		}
		if err := l.Guards(ctx); err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
	for _, user := range []string{"writer", "reader"} {
		db, err := sql.Open("pgx", as(user))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		tries := []string{
			"CREATE TABLE x (i int)", "CREATE TEMPORARY TABLE entries (i int)", "CREATE SCHEMA x", "DROP FUNCTION ledger_refuse",
			"CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'", "SET session_replication_role = replica",
			"ALTER ROLE headcount_writer SUPERUSER", "SET ROLE headcount_owner",
		}
		for _, name := range tableNames() {
			tries = append(tries, "UPDATE "+name+" SET month = month", "DELETE FROM "+name, "TRUNCATE "+name+" CASCADE", "DROP TABLE "+name+" CASCADE",
				"ALTER TABLE "+name+" DISABLE TRIGGER ALL", "ALTER TABLE "+name+" ADD COLUMN x int", "DROP TRIGGER "+name+"_append_only ON "+name,
				"CREATE TRIGGER x BEFORE INSERT ON "+name+" FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()", "CREATE RULE x AS ON INSERT TO "+name+" DO INSTEAD NOTHING",
				"ALTER TABLE "+name+" OWNER TO headcount_writer", "GRANT UPDATE ON "+name+" TO headcount_writer")
			if user == "reader" {
				tries = append(tries, "INSERT INTO "+name+" SELECT * FROM "+name)
			}
		}
		for _, statement := range tries {
			_, err := db.ExecContext(ctx, statement)
			if err == nil && strings.HasPrefix(statement, "GRANT ") { // PostgreSQL only warns: nothing was granted
				err = errNothing
			}
			if err == nil {
				t.Errorf("the %s may: %s", user, statement)
			}
		}
		var may bool
		if err := db.QueryRowContext(ctx, "SELECT has_table_privilege('entries', 'UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')").Scan(&may); err != nil || may {
			t.Errorf("the %s has more rights: %v, %v", user, may, err)
		}
	}
	verified(t, writer)
}

var errNothing = errors.New("nothing was granted")
