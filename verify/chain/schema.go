package chain

import (
	"fmt"
	"strings"
)

// table is a table of the ledger. All but entries begin with the columns entry and n: which entry a row belongs to, and its place
// among that entry's rows of the table.
type table struct {
	name    string
	columns []column
	unique  []string // what no two rows have in common, besides entry and n
	names   []string // what names a row in a message
	also    []string // what no two rows have in common either
}

// column is a column: TEXT, INTEGER or BLOB, as SQLite calls them.
type column struct {
	name, kind string
	null       bool
	packed     bool // its documents may be
}

// holds says whether a cell is of the column's type.
func (c column) holds(cell any) bool {
	switch cell.(type) {
	case nil:
		return c.null
	case string:
		return c.kind == "TEXT"
	case int64:
		return c.kind == "INTEGER"
	case []byte:
		return c.kind == "BLOB"
	}
	return false
}

// columns reads a list such as "month, app, account?, revision#, document*": text but where it ends in # (whole numbers), * (bytes) or
// ~ (bytes that may be packed), with ? for NULL.
func columns(list string) (all []column) {
	for _, word := range strings.Split(list, ", ") {
		c := column{name: strings.TrimRight(word, "#*~?"), kind: "TEXT", null: strings.Contains(word, "?")}
		switch {
		case strings.HasSuffix(word, "#"):
			c.kind = "INTEGER"
		case strings.HasSuffix(word, "*"):
			c.kind = "BLOB"
		case strings.HasSuffix(word, "~"):
			c.kind, c.packed = "BLOB", true
		}
		all = append(all, c)
	}
	return all
}

func newTable(name, list string, unique ...string) *table {
	return &table{name, append(columns("entry#, n#"), columns(list)...), unique, unique, nil}
}

var (
	entries = &table{"entries", columns("seq#, kind, month, at, payload, previous, hash"), nil, []string{"seq"}, nil}

	closings   = newTable("closings", "month, seal_id, cluster, topic_id, topic, partitions, rules_hash, zone, version, at, previous?, accounts~, limits?, issuer?*", "month")
	books      = newTable("books", "month, name, document*", "month", "name")
	usage      = newTable("usage", "month, app, account?, digest, document*", "month", "app")
	invoices   = newTable("invoices", "closing, month, account, revision#, plan, currency, total, status, reason, document*", "month", "account", "revision")
	lines      = newTable("lines", "month, account, revision#, line#, app?, meter?, item?, quantity?, free?, billable?, unit_price?, amount, how?", "month", "account", "revision", "line")
	results    = newTable("results", "month, seal_id, apps#, invoices#, at, document*", "month")
	outbox     = &table{"outbox", columns("entry#, n#, month, message*"), nil, []string{"month"}, nil}
	sent       = newTable("sent", "outbox#, at", "outbox")
	releases   = newTable("releases", "month, account, revision#, reason, released_by, at", "month", "account", "revision")
	amendments = newTable("amendments", "month, number#, reason, amended_by, at, invoices#, document~", "month", "number")

	numbers = &table{
		"numbers", columns("entry#, n#, series, serial#, number, month, account, revision#, issued, due?"), []string{"series", "serial"},
		[]string{"series", "serial", "month", "account", "revision"}, []string{"month", "account", "revision"},
	}

	tables = []*table{closings, books, usage, invoices, lines, results, outbox, sent, releases, amendments, numbers}
)

// list returns the columns' names.
func (t *table) list() string {
	var names []string
	for _, c := range t.columns {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// insertion is the statement that adds a row.
func (t *table) insertion() string {
	var places []string
	for i := range t.columns {
		places = append(places, fmt.Sprintf("$%d", i+1))
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", t.name, t.list(), strings.Join(places, ", "))
}

// describe names a row.
func (t *table) describe(r row) string {
	var words []string
	for _, name := range t.names {
		for i, c := range t.columns {
			if c.name == name {
				words = append(words, fmt.Sprintf("%s=%v", name, r[i]))
			}
		}
	}
	return strings.Join(words, " ")
}

// object is something that the schema must have, with the statement that makes it.
type object struct{ name, statement string }

// schema returns what SQLite must have: each table, three triggers that refuse to change it, and a view.
func schema() (all []object) {
	for _, t := range append([]*table{entries}, tables...) {
		all = append(all, object{"table " + t.name, t.definition()})
		for _, g := range t.guards() {
			trigger := t.name + "_no_" + g.name
			all = append(all, object{"trigger " + trigger, fmt.Sprintf("CREATE TRIGGER %s BEFORE %s BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: %s on %s is refused'); END",
				trigger, g.before, g.refused, t.name)})
		}
	}
	return append(all, object{"view adjustments", "CREATE VIEW adjustments AS SELECT closing, month, account, revision, currency, total, status, reason FROM invoices WHERE revision > 1"})
}

func (t *table) definition() string {
	var parts []string
	for _, c := range t.columns {
		part := c.name + " " + c.kind
		switch {
		case t == entries && c.name == "seq":
			part += " PRIMARY KEY"
		case !c.null:
			part += " NOT NULL"
		}
		switch {
		case c.name == "entry":
			part += " REFERENCES entries (seq)"
		case t == entries && (c.name == "previous" || c.name == "hash"):
			part += " UNIQUE"
		}
		parts = append(parts, part)
	}
	if t != entries {
		parts = append(parts, "PRIMARY KEY (entry, n)")
	}
	if t.unique != nil {
		parts = append(parts, "UNIQUE ("+strings.Join(t.unique, ", ")+")")
	}
	if t.also != nil {
		parts = append(parts, "UNIQUE ("+strings.Join(t.also, ", ")+")")
	}
	return fmt.Sprintf("CREATE TABLE %s ( %s ) STRICT", t.name, strings.Join(parts, ", "))
}

// guard is a trigger: before what it runs, and what it refuses.
type guard struct{ name, before, refused string }

// guards are a table's triggers. INSERT OR REPLACE deletes without firing delete triggers, so inserts over a row are refused too.
func (t *table) guards() []guard {
	taken := "NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM entries)"
	if t != entries {
		taken = t.taken("entry", "n")
		if t.unique != nil {
			taken += " OR " + t.taken(t.unique...)
		}
		if t.also != nil {
			taken += " OR " + t.taken(t.also...)
		}
	}
	return []guard{
		{"update", "UPDATE ON " + t.name, "UPDATE"},
		{"delete", "DELETE ON " + t.name, "DELETE"},
		{"replace", "INSERT ON " + t.name + " WHEN " + taken, "INSERT over a row"},
	}
}

func (t *table) taken(columns ...string) string {
	var equal []string
	for _, c := range columns {
		equal = append(equal, c+" = NEW."+c)
	}
	return fmt.Sprintf("EXISTS (SELECT 1 FROM %s WHERE %s)", t.name, strings.Join(equal, " AND "))
}
