package chain

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// Walked says what a walk has seen.
type Walked struct {
	Entries int64
	Rows    int64 // of all other tables
	Head    string
}

// Walk goes along the chain from its first entry and compares every cell of every table with what follows from the entries; it
// checks that the database refuses changes, and that the chain has each of the given heads, which were published when they were
// the newest. Numbers are without a gap. The first disagreement is returned as a *Difference. It sees one state of the ledger, also while others write.
func (l *Ledger) Walk(ctx context.Context, heads ...string) (w Walked, err error) {
	err = l.read(ctx, func(tx *sql.Tx) error {
		if err := l.checkGuards(ctx, tx); err != nil {
			return err
		}
		w, err = walk(ctx, tx, heads)
		return err
	})
	if err != nil {
		return Walked{}, fmt.Errorf("verify %s: %w", l.name, err)
	}
	return w, nil
}

// batchSize is how many entries, with their rows, are held at a time.
const batchSize = 64

func walk(ctx context.Context, tx *sql.Tx, heads []string) (Walked, error) {
	w := Walked{Head: beforeFirst}
	missing := slices.Clone(heads)
	last := serials{}
	for {
		batch, stored, err := readBatch(ctx, tx, w.Entries)
		if err != nil {
			return w, err
		}
		if len(batch) == 0 {
			break
		}
		for i := range batch {
			e := &batch[i]
			if err := follows(e, w.Entries, w.Head); err != nil {
				return w, err
			}
			n, err := compareRows(e, stored[e.seq])
			if err != nil {
				return w, err
			}
			if err := last.follow(e, stored[e.seq][numbers.name]); err != nil {
				return w, err
			}
			w.Entries, w.Head, w.Rows = e.seq, e.hash, w.Rows+n
			missing = slices.DeleteFunc(missing, func(head string) bool { return head == e.hash })
		}
	}
	if w.Entries == 0 {
		return w, &Difference{Table: entries.name, Want: "a first entry", Got: "none"}
	}
	if err := findStrays(ctx, tx, w.Entries); err != nil {
		return w, err
	}
	if len(missing) > 0 {
		return w, &Difference{Table: entries.name, Want: "an entry with the published hash " + missing[0], Got: "none: the chain was cut or written anew"}
	}
	return w, nil
}

// follows checks an entry against the one before it, of which seq and hash are given.
func follows(e *entry, seq int64, hash string) error {
	d := &Difference{Seq: e.seq, Kind: e.kind, Table: entries.name, Row: fmt.Sprintf("seq=%d", e.seq)}
	switch {
	case e.seq != seq+1:
		d.Seq, d.Kind, d.Row = seq+1, "", fmt.Sprintf("seq=%d", seq+1)
		d.Want, d.Got = "an entry", fmt.Sprintf("none; the next is %d", e.seq)
	case e.previous != hash:
		d.Column, d.Want, d.Got = "previous", hash+", the hash of the entry before", e.previous
	case e.hash != e.sum():
		d.Column, d.Want, d.Got = "hash", e.sum()+", the hash of its content", e.hash
	case (e.seq == 1) != (e.kind == "ledger"):
		d.Column, d.Want, d.Got = "kind", "ledger for the first entry, another for the others", e.kind
	default:
		return nil
	}
	return d
}

// compareRows compares the rows that an entry has with those that follow from it, documents first, and returns how many there are.
func compareRows(e *entry, stored rows) (n int64, err error) {
	want, err := rowsOf(e, func(want content) ([]byte, error) {
		return storedDocument(e, invoices, 0, len(invoices.columns)-1, want, stored)
	})
	if d, ok := errors.AsType[*Difference](err); ok {
		return 0, d
	}
	if err != nil {
		return 0, fmt.Errorf("entry %d (%s): %w", e.seq, e.kind, err)
	}
	for _, t := range tables {
		for i, r := range want[t.name] {
			for j, cell := range r {
				if c, ok := cell.(content); ok {
					if _, err := storedDocument(e, t, i, j, c, stored); err != nil {
						return 0, err
					}
				}
			}
		}
	}
	for _, t := range tables {
		if d := compareTable(t, want[t.name], stored[t.name]); d != nil {
			d.Seq, d.Kind, d.Table = e.seq, e.kind, t.name
			return 0, d
		}
		n += int64(len(want[t.name]))
	}
	return n, nil
}

// storedDocument returns the document that an entry has in a column of its n-th row of a table, if that has the content that the
// entry names.
func storedDocument(e *entry, t *table, n, column int, want content, stored rows) ([]byte, error) {
	d := &Difference{Seq: e.seq, Kind: e.kind, Table: t.name, Column: t.columns[column].name, Want: show(want), Got: "no row"}
	for _, r := range stored[t.name] {
		switch {
		case r[1] != int64(n):
		case is(r[column], want):
			return r[column].([]byte), nil
		default:
			d.Row, d.Got = t.describe(r), show(r[column])
		}
	}
	return nil, d
}

// compareTable compares an entry's rows of one table, which are in the order of n.
func compareTable(t *table, want, got []row) *Difference {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want), i < len(got) && got[i][1].(int64) < int64(i):
			return &Difference{Row: t.describe(got[i]), Want: "no row", Got: "one"}
		case i >= len(got), got[i][1].(int64) > int64(i):
			return &Difference{Row: t.describe(want[i]), Want: "a row", Got: "none"}
		}
		for j, c := range t.columns {
			if !is(got[i][j], want[i][j]) {
				return &Difference{Row: t.describe(want[i]), Column: c.name, Want: show(want[i][j]), Got: show(got[i][j])}
			}
		}
	}
	return nil
}

// findStrays looks for rows that belong to no entry of the chain, whose last one is given.
func findStrays(ctx context.Context, tx *sql.Tx, last int64) error {
	for _, t := range append([]*table{entries}, tables...) {
		strays, err := readRows(ctx, tx, t, fmt.Sprintf("%[1]s < 1 OR %[1]s > $1 ORDER BY %[1]s LIMIT 1", t.columns[0].name), last)
		if err != nil {
			return err
		}
		if len(strays) == 0 {
			continue
		}
		d := &Difference{Table: t.name, Row: t.describe(strays[0]), Want: "no row, since no entry has it", Got: fmt.Sprintf("one of entry %v", strays[0][0])}
		if t == entries {
			d.Want, d.Got = "no row", "one"
		}
		return d
	}
	return nil
}

// readBatch reads the entries that come after one, and their rows by entry.
func readBatch(ctx context.Context, tx *sql.Tx, after int64) (batch []entry, stored map[int64]rows, err error) {
	found, err := readRows(ctx, tx, entries, "seq > $1 ORDER BY seq LIMIT $2", after, int64(batchSize))
	if err != nil || len(found) == 0 {
		return nil, nil, err
	}
	stored = map[int64]rows{}
	for _, r := range found {
		batch = append(batch, entry{r[0].(int64), r[1].(string), r[2].(string), r[3].(string), r[4].(string), r[5].(string), r[6].(string)})
		stored[r[0].(int64)] = rows{}
	}
	for _, t := range tables {
		found, err := readRows(ctx, tx, t, "entry BETWEEN $1 AND $2 ORDER BY entry, n", batch[0].seq, batch[len(batch)-1].seq)
		if err != nil {
			return nil, nil, err
		}
		for _, r := range found {
			if of := stored[r[0].(int64)]; of != nil { // else the entry is missing, which follows says
				of[t.name] = append(of[t.name], r)
			}
		}
	}
	return batch, stored, nil
}

// readRows reads rows with all their columns.
func readRows(ctx context.Context, tx *sql.Tx, t *table, where string, args ...any) (all []row, err error) {
	found, err := tx.QueryContext(ctx, "SELECT "+t.list()+" FROM "+t.name+" WHERE "+where, args...)
	if err != nil {
		return nil, readingOf(t.name, err)
	}
	defer found.Close()
	for found.Next() {
		r := make(row, len(t.columns))
		into := make([]any, len(r))
		for i := range r {
			into[i] = &r[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, readingOf(t.name, err)
		}
		for i, c := range t.columns {
			if !c.holds(r[i]) {
				return nil, readingOf(t.name, fmt.Errorf("column %s holds a %T, want %s", c.name, r[i], c.kind))
			}
			if cell, ok := r[i].([]byte); ok && c.packed {
				if r[i], err = document(cell); err != nil {
					return nil, &Difference{Table: t.name, Row: t.describe(r), Column: c.name, Want: "a document", Got: err.Error()}
				}
			}
		}
		all = append(all, r)
	}
	return all, found.Err()
}

func readingOf(table string, err error) error { return fmt.Errorf("read %s: %w", table, err) }
