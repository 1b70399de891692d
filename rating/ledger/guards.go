package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// guards checks that the database still refuses what the schema says it refuses. What was added, such as an index, is no
// difference.
func (v *verifier) guards(l *Ledger) error {
	want, err := l.dialect.expected(v.ctx)
	if err != nil {
		return err
	}
	got, err := l.dialect.objects(v.ctx, v.tx)
	if err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		text, ok := got[name]
		if !ok {
			return &Difference{Table: "the schema", Row: name, Want: "that it is there and on", Got: "none"}
		}
		if text != want[name] && want[name] != "" {
			return &Difference{Table: "the schema", Row: name, Want: show(want[name]), Got: show(text)}
		}
	}
	return nil
}

// expected returns what the migrations make, with the text: for SQLite by running them in memory; for PostgreSQL the triggers, and the
// body of what they run.
func (d *dialect) expected(context.Context) (map[string]string, error) {
	if d == sqliteDialect {
		return sqliteExpected()
	}
	all := map[string]string{"function ledger_refuse": refusing}
	for _, t := range tableNames() {
		all["trigger "+t+"_append_only"] = "CREATE TRIGGER " + t + "_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON " + t + " FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"
	}
	return all, nil
}

// refusing is the body of PostgreSQL's ledger_refuse, a line.
const refusing = "BEGIN RAISE EXCEPTION 'the ledger is append-only: % on % is refused', TG_OP, TG_TABLE_NAME; END"

// UnguardedError says that the database let pass what it must refuse. What was tried was taken back.
type UnguardedError struct {
	Ledger string
	Passed string // the statement
}

func (e *UnguardedError) Error() string {
	return fmt.Sprintf("ledger %s does not refuse to be changed: %q passed (it was taken back): its triggers are switched off, for this user or for all, or are not what was made: find out who did it and since when, compare every row with the chain, and switch them on again; nothing is written until then", e.Ledger, e.Passed)
}

// tryGuards tries, within a transaction, what the tables must refuse, takes it back, and compares the guards with what was made: the first
// finds those that are there and do nothing, the second those that no row is there to try, and those that a user without the right never
// meets. It is what comes before a process's first write.
func (l *Ledger) tryGuards(ctx context.Context, tx *sql.Tx) error {
	v := verifier{ctx: ctx, tx: tx}
	if err := v.guards(l); err != nil {
		return err
	}
	for _, name := range tableNames() {
		for _, statement := range l.dialect.attempts(name) {
			passed, err := l.attempt(ctx, tx, statement)
			if err != nil {
				return fmt.Errorf("try the ledger's guards: %s: %w", statement, err)
			}
			if passed {
				return &UnguardedError{l.name, statement}
			}
		}
	}
	return nil
}

// attempt runs a statement, takes it back, and says whether it passed.
func (l *Ledger) attempt(ctx context.Context, tx *sql.Tx, statement string) (passed bool, err error) {
	if _, err := tx.ExecContext(ctx, "SAVEPOINT attempt"); err != nil {
		return false, err
	}
	if l.dialect.patience != "" { // a lock that others have is no reason to wait: the guards were compared
		if _, err := tx.ExecContext(ctx, l.dialect.patience); err != nil {
			return false, err
		}
	}
	result, err := tx.ExecContext(ctx, statement)
	switch {
	case err == nil:
		rows, counted := result.RowsAffected()
		passed = l.dialect.statements || counted != nil || rows > 0
	case !l.dialect.refused(err):
		return false, err
	}
	_, err = tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT attempt")
	return passed, err
}

var sqliteExpected = sync.OnceValues(func() (map[string]string, error) {
	ctx := context.Background()
	db, err := sql.Open("sqlite", "file::memory:")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db, sqliteDialect); err != nil {
		return nil, fmt.Errorf("make the schema in memory: %w", err)
	}
	tx, err := db.BeginTx(ctx, sqliteDialect.read)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	all, err := sqliteObjects(ctx, tx)
	for name := range all {
		if strings.HasSuffix(name, " "+versionTable) { // goose's
			delete(all, name)
		}
	}
	return all, err
})

// tableNames are all tables that are append-only.
func tableNames() []string {
	all := []string{entriesTable.name}
	for _, t := range tables {
		all = append(all, t.name)
	}
	return all
}
