package ledger

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// TestStatementsAreKept: what was asked once is not prepared again, also where it failed meanwhile, is asked while it is being asked,
// or another process has changed the schema; and nothing is left of a connection that was closed.
func TestStatementsAreKept(t *testing.T) {
	url := "sqlite://" + filepath.Join(t.TempDir(), "l.db")
	l := start(t, url)
	l.db.SetMaxOpenConns(1)
	kept := func() (all map[string]statement) {
		t.Helper()
		c, err := l.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Raw(func(c any) error { all = c.(*preparing).idle; return nil })
		return all
	}
	closeMonth(t, l, october, nil)
	verified(t, l)
	before := map[string]statement{}
	for text, s := range kept() {
		before[text] = s
	}

	const months = `SELECT month FROM results ORDER BY month DESC LIMIT 1`
	insert := entriesTable.insertion(1)
	err := l.read(t.Context(), func(tx *sql.Tx) error {
		var outer, inner string
		rows, err := tx.QueryContext(t.Context(), months)
		if err != nil {
			return err
		}
		defer rows.Close()
		if err := tx.QueryRowContext(t.Context(), months).Scan(&inner); err != nil {
			return err
		}
		for rows.Next() {
			if err := rows.Scan(&outer); err != nil {
				return err
			}
		}
		if outer != "2026-10" || inner != outer {
			t.Errorf("got %q and, while it was read, %q", outer, inner)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.db.ExecContext(t.Context(), insert, 1, "k", "", "", "", "", ""); err == nil {
		t.Error("an entry over the first was taken")
	}
	execute(t, url, `CREATE INDEX lines_app ON lines (app)`, `CREATE TABLE other (x)`)
	closeMonth(t, l, november, previous(october))
	verified(t, l)

	after := kept()
	if len(before) < 20 {
		t.Errorf("only %d statements were kept", len(before))
	}
	for text, s := range before {
		if again := after[text] != s; again != (text == insert) {
			t.Errorf("prepared again: %v: %s", again, text)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, url, `PRAGMA locking_mode = EXCLUSIVE`, `BEGIN EXCLUSIVE`, `DROP TABLE other`, `COMMIT`)
}
