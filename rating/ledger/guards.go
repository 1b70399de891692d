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

// expected returns what the migrations make: for SQLite with the text, by running them in memory; for PostgreSQL the names of
// the triggers.
func (d *dialect) expected(ctx context.Context) (map[string]string, error) {
	if d == sqliteDialect {
		return sqliteExpected()
	}
	all := map[string]string{}
	for _, t := range tableNames() {
		all["trigger "+t+"_append_only"] = ""
	}
	return all, nil
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
