package chain

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"headcount/rating/ledger"
)

// forger changes what it likes: it switches the guards off, and on again.
type forger struct {
	*sql.Conn
	t        *testing.T
	postgres bool
	triggers map[string]string // SQLite's, with their text
}

func newForger(t *testing.T, at string) *forger {
	t.Helper()
	path, sqlite := strings.CutPrefix(at, "sqlite://")
	var db *sql.DB
	var err error
	if sqlite {
		db, err = sqliteFile(path, "mode=rw&_busy_timeout=1000&_foreign_keys=0&_synchronous=OFF")
	} else {
		db, err = sql.Open("pgx", at)
	}
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); db.Close() })
	f := &forger{Conn: conn, t: t, postgres: !sqlite, triggers: map[string]string{}}
	if sqlite {
		f.triggers = f.pairs(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`)
	}
	return f
}

// pairs reads rows of two texts.
func (f *forger) pairs(query string) map[string]string {
	f.t.Helper()
	rows, err := f.QueryContext(context.Background(), query)
	if err != nil {
		f.t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			f.t.Fatal(err)
		}
		all[name] = text
	}
	return all
}

func (f *forger) exec(statement string) int64 {
	f.t.Helper()
	r, err := f.ExecContext(context.Background(), statement)
	if err != nil {
		f.t.Fatalf("%s: %v", statement, err)
	}
	n, _ := r.RowsAffected()
	return n
}

// unguarded runs do in a transaction in which nothing is refused.
func (f *forger) unguarded(do func()) {
	f.t.Helper()
	if f.postgres {
		f.exec("SET session_replication_role = replica")
		defer f.exec("SET session_replication_role = DEFAULT")
		do()
		return
	}
	f.exec("BEGIN IMMEDIATE")
	for name := range f.triggers {
		f.exec("DROP TRIGGER " + name)
	}
	do()
	for _, text := range f.triggers {
		f.exec(text)
	}
	f.exec("COMMIT")
}

// forge runs statements, each of which must change one row.
func (f *forger) forge(statements ...string) {
	f.t.Helper()
	f.unguarded(func() {
		for _, s := range statements {
			if f.exec(s) != 1 {
				f.t.Fatalf("%s: changed nothing, or more than one row", s)
			}
		}
	})
}

// keep lays a table aside, and restore puts it back as it was.
func (f *forger) keep(table string) {
	f.exec("CREATE TABLE backup_" + table + " AS SELECT * FROM " + table)
}
func (f *forger) restore(table string) {
	f.t.Helper()
	f.unguarded(func() {
		f.exec("DELETE FROM " + table)
		f.exec("INSERT INTO " + table + " SELECT * FROM backup_" + table)
	})
}

// types returns the types of a table's columns as the database has them.
func (f *forger) types(table string) map[string]string {
	f.t.Helper()
	if !f.postgres {
		return f.pairs(`SELECT name, type FROM pragma_table_info('` + table + `')`)
	}
	all := f.pairs(`SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = '` + table + `'::regclass AND attnum > 0`)
	for name, kind := range all {
		all[name] = map[string]string{"bigint": "INTEGER", "text": "TEXT", "bytea": "BLOB"}[kind]
	}
	return all
}

// different is an expression of another value than a column's.
func (f *forger) different(c column) string {
	switch {
	case c.kind == "TEXT":
		return "coalesce(" + c.name + ", '') || '1'"
	case c.kind == "INTEGER":
		return c.name + " + 1000"
	case f.postgres:
		return `coalesce(` + c.name + `, '') || '\x20'`
	}
	return "CAST(coalesce(" + c.name + ", x'') || ' ' AS BLOB)"
}

// found walks by both implementations: both must see it, in the same place, and name it in the same words.
func found(t *testing.T, what string, theirs *ledger.Ledger, mine *Ledger, heads ...string) *Difference {
	t.Helper()
	_, err := mine.Walk(t.Context(), heads...)
	var d *Difference
	if !errors.As(err, &d) {
		t.Fatalf("%s: got %v, want a difference", what, err)
	}
	_, err = theirs.Verify(t.Context(), heads...)
	var other *ledger.Difference
	if !errors.As(err, &other) {
		t.Fatalf("%s: the product got %v", what, err)
	}
	if d.Error() != other.Error() && d.Table != "the schema" || d.Seq != other.Seq || d.Row != other.Row { // a statement's spaces are its own
		t.Errorf("%s: got %v\nthe product %v", what, d, other)
	}
	return d
}

// TestTamper changes, removes and adds a row of every table, every column in turn, and has Walk name it.
func TestTamper(t *testing.T) {
	databases(t, func(t *testing.T, at string) {
		theirs, mine := full(t, at)
		want := walked(t, mine)
		f := newForger(t, at)
		for _, table := range append([]*table{entries}, tables...) {
			f.keep(table.name)
			types := f.types(table.name)
			for _, c := range table.columns {
				if types[c.name] != c.kind {
					t.Fatalf("%s.%s is %s, want %s", table.name, c.name, types[c.name], c.kind)
				}
			}
			if len(types) != len(table.columns) {
				t.Fatalf("%s: columns %v, %s are known: what is not known is not compared", table.name, types, table.list())
			}
			first := table.columns[0].name
			var seq int64 // of an entry in the middle, where there is one
			if err := f.QueryRowContext(t.Context(), fmt.Sprintf("SELECT coalesce((SELECT max(%[1]s) FROM %[2]s WHERE %[1]s < (SELECT max(%[1]s) FROM %[2]s)), max(%[1]s)) FROM %[2]s", first, table.name)).Scan(&seq); err != nil {
				t.Fatal(table.name, err)
			}
			this := fmt.Sprintf(" WHERE %s = %d", first, seq)
			if table != entries {
				this += " AND n = 0"
			}
			for _, c := range table.columns {
				what := table.name + "." + c.name
				f.forge("UPDATE " + table.name + " SET " + c.name + " = " + f.different(c) + this)
				d := found(t, what, theirs, mine)
				if d.Table != table.name || d.Seq != seq || table != entries && c.name != "entry" && c.name != "n" && d.Column != c.name {
					t.Errorf("%s: %+v", what, d)
				}
				f.restore(table.name)
			}
			f.forge("DELETE FROM " + table.name + this)
			if d := found(t, "row of "+table.name+" removed", theirs, mine); d.Seq != seq || d.Table != table.name {
				t.Errorf("row of %s removed: %+v", table.name, d)
			}
			f.restore(table.name)
			for _, place := range []string{"n", "entry + 100000", "-entry"} { // a row more of an entry, and rows of none
				if table == entries && place != "-entry" {
					continue // seq is its key, and what follows the last entry is an entry
				}
				f.forge("INSERT INTO " + table.name + " (" + table.list() + ") SELECT " + f.another(table, place) + " FROM " + table.name + this)
				d := found(t, "row of "+table.name+" added, "+place, theirs, mine)
				if d.Table != table.name || place == "n" && d.Seq != seq {
					t.Errorf("row of %s added, %s: %+v", table.name, place, d)
				}
				f.restore(table.name)
			}
			if got := walked(t, mine, want.Head); got != want {
				t.Fatalf("after %s: got %+v, want %+v", table.name, got, want)
			}
		}
	})
}

// another lists the cells of a row like one that is there, in another place.
func (f *forger) another(t *table, place string) string {
	var cells []string
	for _, c := range t.columns {
		switch {
		case c.name == "seq":
			cells = append(cells, "-5")
		case c.name == "entry" && place != "n":
			cells = append(cells, place)
		case c.name == "n" && place == "n", t == entries, slices.Contains(t.unique, c.name), slices.Contains(t.also, c.name):
			cells = append(cells, f.different(c))
		default:
			cells = append(cells, c.name)
		}
	}
	return strings.Join(cells, ", ")
}

// TestForgedChain rehashes what it changes: the next link gives it away; and cuts the end off, which only a published head gives
// away.
func TestForgedChain(t *testing.T) {
	databases(t, func(t *testing.T, at string) {
		theirs, mine := full(t, at)
		w := walked(t, mine)
		f := newForger(t, at)
		entryOf := func(where string) (e entry) {
			t.Helper()
			err := f.QueryRowContext(t.Context(), `SELECT seq, kind, month, at, payload, previous, hash FROM entries WHERE `+where).
				Scan(&e.seq, &e.kind, &e.month, &e.at, &e.payload, &e.previous, &e.hash)
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		e := entryOf("kind = 'release'")
		e.payload = strings.Replace(e.payload, `"by":"ann`, `"by":"eve`, 1)
		f.keep("entries")
		f.keep("releases")
		f.keep("outbox")
		f.forge(fmt.Sprintf(`UPDATE entries SET payload = '%s', hash = '%s' WHERE seq = %d`, e.payload, e.sum(), e.seq),
			fmt.Sprintf(`UPDATE releases SET released_by = 'eve & <bob>' WHERE entry = %d`, e.seq))
		if d := found(t, "rehashed", theirs, mine); d.Seq != e.seq+1 || d.Column != "previous" {
			t.Errorf("rehashed: %+v", d)
		}
		f.restore("entries")
		f.restore("releases")
		walked(t, mine, w.Head)

		last := entryOf(fmt.Sprintf("seq = %d", w.Entries))
		more := entry{seq: last.seq + 1, kind: "ledger", at: last.at, payload: `{"format":1,"id":""}`, previous: last.hash}
		f.forge(fmt.Sprintf(`INSERT INTO entries (seq, kind, month, at, payload, previous, hash) VALUES (%d, 'ledger', '', '%s', '%s', '%s', '%s')`, more.seq, more.at, more.payload, more.previous, more.sum()))
		if d := found(t, "a second beginning", theirs, mine); d.Seq != more.seq || d.Column != "kind" {
			t.Errorf("a second beginning: %+v", d)
		}
		f.restore("entries")

		f.keep("numbers")
		for what, number := range map[string][3]string{
			"a gap": {"INV-2026-11-", "3", "INV-2026-11-000003"}, "another number than its serial's": {"INV-2026-11-", "2", "INV-2026-11-000007"},
			"a series within another": {"INV-2026-11-00", "1", "INV-2026-11-001"},
		} {
			payload := fmt.Sprintf(`{"account":"acme","revision":1,"reason":"r","by":"b","at":"%s","numbered":{"series":"%s","serial":%s,"number":"%s","issued":"2026-11-02"}}`,
				last.at, number[0], number[1], number[2])
			more = entry{seq: last.seq + 1, kind: "release", month: "2026-11", at: last.at, payload: payload, previous: last.hash}
			f.forge(fmt.Sprintf(`INSERT INTO entries (seq, kind, month, at, payload, previous, hash) VALUES (%d, 'release', '2026-11', '%s', '%s', '%s', '%s')`, more.seq, more.at, more.payload, more.previous, more.sum()),
				fmt.Sprintf(`INSERT INTO releases VALUES (%d, 0, '2026-11', 'acme', 1, 'r', 'b', '%s')`, more.seq, more.at),
				fmt.Sprintf(`INSERT INTO numbers VALUES (%d, 0, '%s', %s, '%s', '2026-11', 'acme', 1, '2026-11-02', NULL)`, more.seq, number[0], number[1], number[2]))
			if d := found(t, what, theirs, mine); d.Seq != more.seq || d.Table != "numbers" {
				t.Errorf("%s: %+v", what, d)
			}
			f.restore("entries")
			f.restore("releases")
			f.restore("numbers")
		}

		end := fmt.Sprint(w.Entries)
		f.forge("DELETE FROM outbox WHERE entry = "+end, "DELETE FROM entries WHERE seq = "+end)
		cut := walked(t, mine)
		if d := found(t, "cut", theirs, mine, cut.Head, w.Head); !strings.Contains(d.Want, w.Head) {
			t.Errorf("cut: %+v", d)
		}
		f.unguarded(func() {
			for _, table := range append(slices.Clone(tables), entries) {
				f.exec("DELETE FROM " + table.name)
			}
		})
		if d := found(t, "emptied", theirs, mine); d.Want != "a first entry" {
			t.Errorf("emptied: %+v", d)
		}
	})
}

// TestGuards sees every trigger missed, and one that does nothing.
func TestGuards(t *testing.T) {
	databases(t, func(t *testing.T, at string) {
		theirs, mine := full(t, at)
		f := newForger(t, at)
		triggers := []string{}
		for _, table := range append([]*table{entries}, tables...) {
			if f.postgres {
				triggers = append(triggers, table.name+"_append_only")
				continue
			}
			for _, g := range table.guards() {
				triggers = append(triggers, table.name+"_no_"+g.name)
			}
		}
		for _, name := range triggers {
			table := strings.SplitN(name, "_", 2)[0]
			off, on := "ALTER TABLE "+table+" DISABLE TRIGGER USER", "ALTER TABLE "+table+" ENABLE TRIGGER USER"
			if !f.postgres {
				off, on = "DROP TRIGGER "+name, f.triggers[name]
			}
			f.exec(off)
			if d := found(t, off, theirs, mine); d.Row != "trigger "+name {
				t.Errorf("%s: %+v", off, d)
			}
			f.exec(on)
		}
		walked(t, mine)
		if !f.postgres {
			f.exec("DROP TRIGGER usage_no_update")
			f.exec("CREATE TRIGGER usage_no_update BEFORE UPDATE ON usage BEGIN SELECT 1; END")
			if d := found(t, "another trigger", theirs, mine); d.Row != "trigger usage_no_update" {
				t.Errorf("another trigger: %+v", d)
			}
		}
	})
}
