package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// full makes a ledger with rows in every table.
func full(t *testing.T, url string) *Ledger {
	t.Helper()
	l := start(t, url)
	closeMonth(t, l, october, nil)
	if err := l.Release(t.Context(), october, "acme", "checked", "ann", nil); err != nil {
		t.Fatal(err)
	}
	out, err := l.Outbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.MarkSent(t.Context(), out[0].ID); err != nil {
		t.Fatal(err)
	}
	if already, err := l.Amend(t.Context(), testAmendment(october), []Invoice{invoice(t, finalInvoice, october, 2)}); err != nil || already {
		t.Fatalf("already %v, %v", already, err)
	}
	closeMonth(t, l, november, previous(october))
	return l
}

// forger changes what it likes: it switches the guards off, and on again.
type forger struct {
	raw
	t        *testing.T
	postgres bool
	triggers map[string]string // SQLite's, with their text
}

func newForger(t *testing.T, url string) *forger {
	f := &forger{raw: rawConn(t, url), t: t, postgres: !strings.HasPrefix(url, "sqlite:"), triggers: map[string]string{}}
	t.Cleanup(f.Close)
	if f.postgres {
		return f
	}
	rows, err := f.QueryContext(context.Background(), `SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		f.triggers[name] = text
	}
	f.exec("PRAGMA foreign_keys = OFF")
	f.exec("PRAGMA synchronous = OFF")
	return f
}

func (f *forger) exec(statement string, args ...any) int64 {
	f.t.Helper()
	r, err := f.ExecContext(context.Background(), statement, args...)
	if err != nil {
		f.t.Fatalf("%s: %v", statement, err)
	}
	n, _ := r.RowsAffected()
	return n
}

// forge runs statements with the guards off; it must change something.
func (f *forger) forge(statements ...string) {
	f.t.Helper()
	if f.postgres {
		f.exec("SET session_replication_role = replica")
		defer f.exec("SET session_replication_role = DEFAULT")
	} else {
		f.unguard()
		defer f.guard()
	}
	for _, s := range statements {
		if f.exec(s) != 1 {
			f.t.Fatalf("%s: changed nothing, or more than one row", s)
		}
	}
}

// types returns the columns of a table that hold text, integers and blobs.
func (f *forger) types(table string) map[string]string {
	f.t.Helper()
	query := `SELECT name, lower(type) FROM pragma_table_info('` + table + `')`
	if f.postgres {
		query = `SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = '` + table + `'::regclass AND attnum > 0`
	}
	rows, err := f.QueryContext(context.Background(), query)
	if err != nil {
		f.t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			f.t.Fatal(err)
		}
		all[name] = map[string]string{"integer": "integer", "bigint": "integer", "text": "text", "blob": "blob", "bytea": "blob"}[kind]
	}
	return all
}

// different is an expression of another value than the column's.
func (f *forger) different(column, kind string) string {
	switch {
	case kind == "text":
		return "coalesce(" + column + ", '') || '1'"
	case kind == "integer":
		return column + " + 1000"
	case f.postgres:
		return `coalesce(` + column + `, '') || '\x20'`
	}
	return "CAST(coalesce(" + column + ", x'') || ' ' AS BLOB)"
}

// restore puts a table back as it was.
func (f *forger) restore(table string) {
	f.t.Helper()
	if f.postgres {
		f.exec("SET session_replication_role = replica")
		f.exec("DELETE FROM " + table)
		f.exec("INSERT INTO " + table + " SELECT * FROM backup_" + table)
		f.exec("SET session_replication_role = DEFAULT")
		return
	}
	f.unguard()
	f.exec("DELETE FROM " + table)
	f.exec("INSERT INTO " + table + " SELECT * FROM backup_" + table)
	f.guard()
}

// unguard and guard are a transaction around SQLite's triggers.
func (f *forger) unguard() {
	f.t.Helper()
	f.exec("BEGIN IMMEDIATE")
	for name := range f.triggers {
		f.exec("DROP TRIGGER " + name)
	}
}

func (f *forger) guard() {
	f.t.Helper()
	for _, text := range f.triggers {
		f.exec(text)
	}
	f.exec("COMMIT")
}

func found1(t *testing.T, what string, l *Ledger, heads ...string) *Difference {
	t.Helper()
	_, err := l.Verify(t.Context(), heads...)
	var d *Difference
	if !errors.As(err, &d) {
		t.Fatalf("%s: got %v, want a difference", what, err)
	}
	if !strings.Contains(err.Error(), l.name) || !strings.Contains(err.Error(), d.Table) {
		t.Errorf("%s: %q does not name the ledger and the table", what, err)
	}
	return d
}

// TestTamper changes, removes and adds a row of every table, every column in turn, and has Verify name it.
func TestTamper(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		l := full(t, url)
		want := verified(t, l)
		f := newForger(t, url)
		for _, table := range append([]*table{entriesTable}, tables...) {
			f.exec("CREATE TABLE backup_" + table.name + " AS SELECT * FROM " + table.name)
			types := f.types(table.name)
			columns, first := append([]string{"entry", "n"}, table.columns...), "entry"
			if table == entriesTable {
				columns, first = table.columns, "seq"
			}
			if len(types) != len(columns) {
				t.Fatalf("%s: columns %v, the program knows %v: what it does not know, it does not verify", table.name, types, columns)
			}
			// One row, not the last and, of entries, not the first.
			var row int64
			at := fmt.Sprintf("SELECT max(%s) FROM %s WHERE %[1]s < (SELECT max(%[1]s) FROM %[2]s)", first, table.name)
			if table == sent || table == release || table == amendments {
				at = fmt.Sprintf("SELECT max(%s) FROM %s", first, table.name)
			}
			if err := f.QueryRowContext(t.Context(), at).Scan(&row); err != nil {
				t.Fatal(table.name, err)
			}
			this := fmt.Sprintf(" WHERE %s = %d", first, row)
			if table != entriesTable {
				this += " AND n = 0"
			}
			for _, c := range columns {
				what := table.name + "." + c
				f.forge("UPDATE " + table.name + " SET " + c + " = " + f.different(c, types[c]) + this)
				d := found1(t, what, l)
				switch {
				case c == "entry": // it is missing where it was
					if d.Seq != row || d.Table != table.name || d.Got != "none" && d.Got != "no row" {
						t.Errorf("%s: %+v", what, d)
					}
				case c == "n":
					if d.Seq != row || d.Table != table.name {
						t.Errorf("%s: %+v", what, d)
					}
				case table == entriesTable:
					wantColumn := map[string]string{"seq": "", "previous": "previous"}
					column, ok := wantColumn[c]
					if !ok {
						column = "hash"
					}
					if d.Seq != row || d.Table != "entries" || d.Column != column {
						t.Errorf("%s: %+v", what, d)
					}
				default:
					if d.Seq != row || d.Table != table.name || d.Column != c || d.Row == "" {
						t.Errorf("%s: %+v", what, d)
					}
				}
				f.restore(table.name)
			}
			f.forge("DELETE FROM " + table.name + this)
			if d := found1(t, "row of "+table.name+" removed", l); d.Seq != row || d.Table != table.name {
				t.Errorf("row of %s removed: %+v", table.name, d)
			}
			f.restore(table.name)

			for _, stray := range []bool{false, true} { // a row more of an entry, and a row of no entry
				var values []string
				for _, c := range columns {
					switch {
					case (c == "entry" || c == "seq") && !stray, c == "n" && stray:
						values = append(values, c)
					case c == "seq":
						values = append(values, "-5")
					case table.key == nil && table != entriesTable || slices.Contains(append(table.key, "n", "entry"), c), table == entriesTable:
						values = append(values, f.different(c, types[c]))
					default:
						values = append(values, c)
					}
				}
				if table == entriesTable && !stray {
					continue // cannot be: seq is its key
				}
				f.forge(fmt.Sprintf("INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM %[1]s%[4]s", table.name, strings.Join(columns, ", "), strings.Join(values, ", "), this))
				d := found1(t, "row of "+table.name+" added", l)
				if d.Table != table.name || !stray && d.Seq != row {
					t.Errorf("row of %s added: %+v", table.name, d)
				}
				f.restore(table.name)
			}
			if got := verified(t, l, want.Head); got != want {
				t.Fatalf("after %s: got %+v, want %+v", table.name, got, want)
			}
		}
	})
}

// TestForgedChain rehashes what it changes: the next link gives it away; and cuts the end off, which only a published head
// gives away.
func TestForgedChain(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		l := full(t, url)
		report := verified(t, l)
		f := newForger(t, url)
		var e entry
		err := f.QueryRowContext(t.Context(), `SELECT seq, kind, month, at, payload, previous FROM entries WHERE kind = 'release'`).
			Scan(&e.seq, &e.kind, &e.month, &e.at, &e.payload, &e.previous)
		if err != nil {
			t.Fatal(err)
		}
		e.payload = strings.Replace(e.payload, `"by":"ann"`, `"by":"bob"`, 1)
		f.exec("CREATE TABLE backup_entries AS SELECT * FROM entries")
		f.forge(fmt.Sprintf(`UPDATE entries SET payload = '%s', hash = '%s' WHERE seq = %d`, e.payload, e.sum(), e.seq),
			fmt.Sprintf(`UPDATE releases SET released_by = 'bob' WHERE entry = %d`, e.seq))
		if d := found1(t, "rehashed", l); d.Seq != e.seq+1 || d.Column != "previous" {
			t.Errorf("rehashed: %+v", d)
		}
		f.restore("entries")
		f.forge(fmt.Sprintf(`UPDATE releases SET released_by = 'ann' WHERE entry = %d`, e.seq))
		verified(t, l, report.Head)

		last := fmt.Sprint(report.Entries)
		f.forge("DELETE FROM outbox WHERE entry = "+last, "DELETE FROM entries WHERE seq = "+last)
		cut := verified(t, l)
		if d := found1(t, "cut", l, cut.Head, report.Head); !strings.Contains(d.Want, report.Head) {
			t.Errorf("cut: %+v", d)
		}
	})
}

// TestAppendOnly sees every table refuse what would change a row, and Verify find out where one no longer does.
func TestAppendOnly(t *testing.T) {
	databases(t, func(t *testing.T, url string) {
		l := full(t, url)
		f := newForger(t, url)
		for _, name := range tableNames() {
			column := map[bool]string{true: "seq", false: "entry"}[name == "entries"]
			statements := []string{"UPDATE T SET C = C", "DELETE FROM T", "DELETE FROM T WHERE C > 0"}
			if f.postgres {
				statements = append(statements, "TRUNCATE T CASCADE")
			} else {
				statements = append(statements, "INSERT OR REPLACE INTO T SELECT * FROM T", "UPDATE OR IGNORE T SET C = C",
					"INSERT INTO T SELECT * FROM T WHERE true ON CONFLICT DO UPDATE SET C = C")
			}
			for _, s := range statements {
				s = regexp.MustCompile(`\bT\b`).ReplaceAllString(s, name)
				s = regexp.MustCompile(`\bC\b`).ReplaceAllString(s, column)
				if _, err := f.ExecContext(t.Context(), s); err == nil || !strings.Contains(err.Error(), "append-only") {
					t.Errorf("%s: got %v", s, err)
				}
			}
		}
		if !f.postgres { // by another way to the same row
			_, err := f.ExecContext(t.Context(), `INSERT OR REPLACE INTO usage SELECT entry, 77, month, app, account, 'forged', document FROM usage LIMIT 1`)
			if err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("replace by the other key: got %v", err)
			}
		}
		verified(t, l)
		for _, name := range tableNames() {
			off, on, trigger := "ALTER TABLE "+name+" DISABLE TRIGGER USER", "ALTER TABLE "+name+" ENABLE TRIGGER USER", name+"_append_only"
			if !f.postgres {
				trigger = name + "_no_delete"
				off, on = "DROP TRIGGER "+trigger, f.triggers[trigger]
			}
			f.exec(off)
			if d := found1(t, off, l); !strings.Contains(d.Row, trigger) {
				t.Errorf("%s: %+v", off, d)
			}
			f.exec(on)
		}
		if !f.postgres {
			f.exec("DROP TRIGGER usage_no_update")
			f.exec("CREATE TRIGGER usage_no_update BEFORE UPDATE ON usage BEGIN SELECT 1; END")
			if d := found1(t, "another trigger", l); d.Row != "trigger usage_no_update" {
				t.Errorf("another trigger: %+v", d)
			}
		}
	})
}

// TestTimes sees every time in the ledger as UTC text, whatever zones the program meets.
func TestTimes(t *testing.T) {
	old := time.Local
	time.Local = time.FixedZone("Chatham", 45900)
	defer func() { time.Local = old }()
	databases(t, func(t *testing.T, url string) {
		l := full(t, url)
		form := regexp.MustCompile(`^2026-11-01T19:45:00\.123Z$`)
		err := l.read(t.Context(), func(tx *sql.Tx) error {
			for _, table := range append([]*table{entriesTable}, tables...) {
				if !slices.Contains(table.columns, "at") {
					continue
				}
				query := "SELECT at FROM " + table.name
				if table == entriesTable {
					query += " WHERE seq > 1" // the first is older than the test's clock
				}
				rows, err := tx.Query(query)
				if err != nil {
					return err
				}
				n := 0
				for ; rows.Next(); n++ {
					var at string
					if err := rows.Scan(&at); err != nil || !form.MatchString(at) {
						t.Errorf("%s: %q, %v", table.name, at, err)
					}
				}
				if n == 0 {
					t.Errorf("%s has no rows", table.name)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		c, err := l.Closing(t.Context(), october)
		if err != nil || c.At.Location() != time.UTC || !c.At.Equal(testClock().Truncate(time.Millisecond)) {
			t.Error(c.At, err)
		}
	})
}
