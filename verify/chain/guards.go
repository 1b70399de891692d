package chain

import (
	"context"
	"database/sql"
	"slices"
	"strings"
)

// checkGuards checks that the database still refuses what the schema says it refuses. What was added, such as an index, is no
// difference.
func (l *Ledger) checkGuards(ctx context.Context, tx *sql.Tx) error {
	want, query := schema(), `SELECT type || ' ' || name, sql FROM sqlite_schema WHERE sql IS NOT NULL`
	if l.postgres {
		want, query = postgresGuards()
	}
	slices.SortFunc(want, func(a, b object) int { return strings.Compare(a.name, b.name) })
	got, err := readObjects(ctx, tx, query)
	if err != nil {
		return readingOf("the schema", err)
	}
	for _, o := range want {
		text, ok := got[o.name]
		if !ok {
			return &Difference{Table: "the schema", Row: o.name, Want: "that it is there and on", Got: "none"}
		}
		if o.statement != "" && text != o.statement {
			return &Difference{Table: "the schema", Row: o.name, Want: show(o.statement), Got: show(text)}
		}
	}
	return nil
}

// postgresGuards returns the triggers that PostgreSQL must have and what they run, and a query for those that are there and on, in this
// session.
func postgresGuards() (want []object, query string) {
	want = append(want, object{"function ledger_refuse", "BEGIN RAISE EXCEPTION 'the ledger is append-only: % on % is refused', TG_OP, TG_TABLE_NAME; END"})
	var names []string
	for _, t := range append([]*table{entries}, tables...) {
		want = append(want, object{"trigger " + t.name + "_append_only", "BEFORE DELETE OR UPDATE OR TRUNCATE ON " + t.name + " FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()"})
		names = append(names, "to_regclass('"+t.name+"')")
	}
	there := `tgrelid IN (` + strings.Join(names, ", ") + `) AND NOT tgisinternal AND tgenabled = ANY (CASE current_setting('session_replication_role') WHEN 'replica' THEN ARRAY['A'] ELSE ARRAY['A', 'O'] END::"char"[])`
	return want, `SELECT 'trigger ' || tgname, replace(substring(pg_get_triggerdef(t.oid, true) FROM 'BEFORE .*'), quote_ident(relnamespace::regnamespace::text) || '.', '')
		FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE ` + there + `
		UNION ALL SELECT 'function ' || proname, prosrc FROM pg_proc WHERE oid IN (SELECT tgfoid FROM pg_trigger WHERE ` + there + `)`
}

// readObjects reads what the database has, each with its statement in one line.
func readObjects(ctx context.Context, tx *sql.Tx, query string) (map[string]string, error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, err
		}
		all[name] = strings.Join(strings.Fields(text), " ")
	}
	return all, rows.Err()
}
