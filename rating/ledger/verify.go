package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"headcount/internal/canonical"
)

// Report says what Verify has seen.
type Report struct {
	Entries int64
	Rows    int64 // of all other tables
	Head    string
}

// Verify walks the chain from its first entry, computes every row of every table again and compares; it checks that what makes
// the tables append-only is in place, and that the chain has each of the given heads, which were published when they were the
// newest. The first disagreement is returned as a *Difference. It sees one state of the ledger, also while others write.
func (l *Ledger) Verify(ctx context.Context, heads ...string) (Report, error) {
	v := verifier{missing: slices.Clone(heads)}
	err := l.read(ctx, func(tx *sql.Tx) error {
		v.ctx, v.tx = ctx, tx
		if err := v.guards(l); err != nil {
			return err
		}
		return v.walk()
	})
	if err != nil {
		return Report{}, fmt.Errorf("verify %s: %w", l.name, err)
	}
	return Report{Entries: v.seq, Rows: v.rows, Head: v.head}, nil
}

type verifier struct {
	ctx     context.Context
	tx      *sql.Tx
	seq     int64 // of the last entry seen
	head    string
	rows    int64
	missing []string                   // heads not seen yet
	serials map[string]int64           // last number of each series
	each    func(*entry, record) error // nil, or: called with every entry that was found right
}

// verifyBatch is how many entries, with their rows, are held at a time.
const verifyBatch = 64

func (v *verifier) walk() error {
	v.head = genesis
	for {
		entries, err := v.read(entriesTable, `seq > $1 ORDER BY seq LIMIT $2`, v.seq, int64(verifyBatch))
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			break
		}
		first, last := entries[0][0].(int64), entries[len(entries)-1][0].(int64)
		stored := map[*table]map[int64][][]any{}
		for _, t := range tables {
			rows, err := v.read(t, `entry BETWEEN $1 AND $2 ORDER BY entry, n`, first, last)
			if err != nil {
				return err
			}
			stored[t] = map[int64][][]any{}
			for _, r := range rows {
				seq := r[0].(int64)
				stored[t][seq] = append(stored[t][seq], r)
			}
		}
		for _, values := range entries {
			e := entry{values[0].(int64), values[1].(string), values[2].(string), values[3].(string), values[4].(string),
				values[5].(string), values[6].(string)}
			if err := v.link(&e); err != nil {
				return err
			}
			of := map[*table][][]any{}
			for _, t := range tables {
				of[t] = stored[t][e.seq]
			}
			if err := v.content(&e, of); err != nil {
				return err
			}
		}
	}
	return v.end()
}

// link checks an entry against the one before.
func (v *verifier) link(e *entry) error {
	differ := func(column, want, got string) error {
		return &Difference{Seq: e.seq, Kind: e.kind, Table: "entries", Row: fmt.Sprintf("seq=%d", e.seq), Column: column, Want: want, Got: got}
	}
	switch {
	case e.seq != v.seq+1:
		return &Difference{Seq: v.seq + 1, Table: "entries", Row: fmt.Sprintf("seq=%d", v.seq+1), Want: "an entry", Got: fmt.Sprintf("none; the next is %d", e.seq)}
	case e.previous != v.head:
		return differ("previous", v.head+", the hash of the entry before", e.previous)
	case e.hash != e.sum():
		return differ("hash", e.sum()+", the hash of its content", e.hash)
	case (e.seq == 1) != (e.kind == "ledger"):
		return differ("kind", "ledger for the first entry, another for the others", e.kind)
	}
	v.seq, v.head = e.seq, e.hash
	v.missing = slices.DeleteFunc(v.missing, func(h string) bool { return h == e.hash })
	return nil
}

// content checks an entry's rows: the stored documents against their digests, then every column.
func (v *verifier) content(e *entry, stored map[*table][][]any) error {
	r, err := decodeRecord(e.kind, e.payload)
	if err != nil {
		return fmt.Errorf("entry %d (%s): %w", e.seq, e.kind, err)
	}
	for _, c := range r.covered() {
		d := Difference{Seq: e.seq, Kind: e.kind, Table: c.table.name, Column: c.column, Want: "a document with " + *c.hash}
		i := slices.IndexFunc(stored[c.table], func(r []any) bool { return r[1] == int64(c.n) })
		if i < 0 {
			d.Got = "no row"
			return &d
		}
		values := stored[c.table][i][2:]
		*c.data, _ = values[slices.Index(c.table.columns, c.column)].([]byte)
		if canonical.Hash(*c.data) != *c.hash {
			d.Row, d.Got = c.table.describe(values), show(*c.data)
			return &d
		}
		*c.data = present(*c.data)
	}
	rows, err := r.rows(e.month)
	if err != nil {
		return fmt.Errorf("entry %d (%s): %w", e.seq, e.kind, err)
	}
	want := map[*table][][]any{}
	for _, w := range rows {
		want[w.table] = append(want[w.table], append([]any{e.seq, int64(len(want[w.table]))}, w.values...))
	}
	for _, t := range tables {
		if err := compare(e, t, want[t], stored[t]); err != nil {
			return err
		}
		v.rows += int64(len(stored[t]))
	}
	if err := v.number(e, want[numbers]); err != nil {
		return err
	}
	if v.each != nil {
		return v.each(e, r)
	}
	return nil
}

// number wants an entry's numbers to be the next of their series, and to say so.
func (v *verifier) number(e *entry, given [][]any) error {
	for _, r := range given {
		series, serial, number := r[2].(string), r[3].(int64), r[4].(string)
		next := v.serials[series] + 1
		digits, ok := strings.CutPrefix(number, series)
		n, err := strconv.ParseInt(digits, 10, 64)
		d := &Difference{Seq: e.seq, Kind: e.kind, Table: numbers.name, Row: numbers.describe(r[2:])}
		switch {
		case serial != next:
			d.Column, d.Want, d.Got = "serial", fmt.Sprint(next), fmt.Sprint(serial)
			return d
		case !ok || err != nil || n != next || strings.TrimRight(series, "0123456789") != series:
			d.Column, d.Want, d.Got = "number", fmt.Sprintf("%s and then %d", series, next), number
			return d
		}
		if v.serials == nil {
			v.serials = map[string]int64{}
		}
		v.serials[series] = next
	}
	return nil
}

// compare compares an entry's rows of one table. Both are sorted by n; want has 0, 1, 2 ….
func compare(e *entry, t *table, want, got [][]any) error {
	d := Difference{Seq: e.seq, Kind: e.kind, Table: t.name}
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(want), i < len(got) && got[i][1].(int64) < int64(i):
			d.Row, d.Want, d.Got = t.describe(got[i][2:]), "no row", "one"
			return &d
		case i >= len(got), got[i][1].(int64) > int64(i):
			d.Row, d.Want, d.Got = t.describe(want[i][2:]), "a row", "none"
			return &d
		}
		for j, name := range t.columns {
			if !same(want[i][2+j], got[i][2+j]) {
				d.Row, d.Column, d.Want, d.Got = t.describe(want[i][2:]), name, show(want[i][2+j]), show(got[i][2+j])
				return &d
			}
		}
	}
	return nil
}

func same(a, b any) bool {
	x, ok := a.([]byte)
	y, ok2 := b.([]byte)
	if ok && ok2 {
		return bytes.Equal(x, y)
	}
	return !ok && !ok2 && a == b
}

// end looks for rows that belong to no entry, and for heads that the chain does not have.
func (v *verifier) end() error {
	if v.seq == 0 {
		return &Difference{Table: "entries", Want: "a first entry", Got: "none"}
	}
	strays, err := v.read(entriesTable, `seq < $1 ORDER BY seq LIMIT $2`, int64(1), int64(1))
	if err != nil {
		return err
	}
	if len(strays) > 0 {
		return &Difference{Table: "entries", Row: fmt.Sprintf("seq=%v", strays[0][0]), Want: "no row", Got: "one"}
	}
	for _, t := range tables {
		strays, err := v.read(t, `entry < $1 OR entry > $2 ORDER BY entry, n LIMIT 1`, int64(1), v.seq)
		if err != nil {
			return err
		}
		if len(strays) > 0 {
			return &Difference{Table: t.name, Row: t.describe(strays[0][2:]), Want: "no row, since no entry has it", Got: fmt.Sprintf("one of entry %v", strays[0][0])}
		}
	}
	if len(v.missing) > 0 {
		return &Difference{Table: "entries", Want: "an entry with the published hash " + v.missing[0], Got: "none: the chain was cut or written anew"}
	}
	return nil
}

// read returns rows with all their columns.
func (v *verifier) read(t *table, where string, args ...any) ([][]any, error) {
	columns := t.columns
	if t != entriesTable {
		columns = append([]string{"entry", "n"}, columns...)
	}
	rows, err := v.tx.QueryContext(v.ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+t.name+" WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.name, err)
	}
	defer rows.Close()
	var all [][]any
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("read %s: %w", t.name, err)
		}
		for i, c := range columns {
			if cell, is := values[i].([]byte); is && t.packs(c) {
				if values[i], err = unpack(cell); err != nil {
					at := Difference{Table: t.name, Column: c, Want: "a document", Got: err.Error()}
					at.Seq, _ = values[0].(int64)
					return nil, &at
				}
			}
		}
		all = append(all, values)
	}
	return all, rows.Err()
}
