package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"headcount/internal/canonical"
)

// format is the version of the hash and the payloads; it opens what is hashed.
const (
	format     = 1
	hashHeader = "headcount ledger entry 1"
)

// genesis stands for the hash before the first entry.
var genesis = strings.Repeat("0", 64)

// entry is one link of the chain.
type entry struct {
	seq                                      int64
	kind, month, at, payload, previous, hash string
}

func (e *entry) sum() string {
	h := sha256.New()
	for _, s := range []string{hashHeader, e.previous, strconv.FormatInt(e.seq, 10), e.kind, e.month, e.at} {
		h.Write([]byte(s))
		h.Write([]byte{'\n'})
	}
	h.Write([]byte(e.payload))
	return hex.EncodeToString(h.Sum(nil))
}

// jsonText is a content's canonical document as the text that columns hold.
func jsonText(v any) (string, error) {
	doc, err := canonical.Marshal(v)
	return string(doc), err
}

// stamp is the one text of an instant in the ledger: as text it sorts as in time.
const stamp = "2006-01-02T15:04:05.000Z"

func formatTime(t time.Time) string { return t.UTC().Format(stamp) }

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(stamp, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("time %q: want the form %s", s, stamp)
	}
	return t, nil
}

// appender adds entries and their rows within one transaction. Rows are sent in batches.
type appender struct {
	ctx   context.Context
	tx    *sql.Tx
	now   string
	seq   int64 // of the newest entry
	head  string
	dirty bool

	entries []row
	rows    map[*table][]row
	bytes   int // buffered

	batch int

	zone       Zones
	numberings map[Month]*numbering
	serials    map[string]int64 // last number of a series, with those of this transaction
}

func newAppender(ctx context.Context, tx *sql.Tx, now time.Time, batch int, zone Zones) (*appender, error) {
	a := &appender{
		ctx: ctx, tx: tx, now: formatTime(now), rows: map[*table][]row{}, batch: batch,
		zone: zone, numberings: map[Month]*numbering{}, serials: map[string]int64{},
	}
	var err error
	a.seq, a.head, err = readHead(ctx, tx)
	return a, err
}

func readHead(ctx context.Context, tx *sql.Tx) (int64, string, error) {
	seq, head := int64(0), genesis
	err := tx.QueryRowContext(ctx, `SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1`).Scan(&seq, &head)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, "", err
	}
	return seq, head, nil
}

// add appends one record as an entry and returns its seq.
func (a *appender) add(month string, r record) (int64, error) {
	size := 0
	for _, c := range r.covered() {
		*c.hash = canonical.Hash(*c.data)
		size += len(*c.data)
	}
	rows, err := r.rows(month)
	if err != nil {
		return 0, err
	}
	payload, err := jsonText(r)
	if err != nil {
		return 0, fmt.Errorf("encode %s: %w", r.kind(), err)
	}
	e := entry{seq: a.seq + 1, kind: r.kind(), month: month, at: a.now, payload: payload, previous: a.head}
	e.hash = e.sum()
	return e.seq, a.append(&e, rows, size+len(payload))
}

// append takes an entry that follows the last, with its rows; size is about how many bytes they hold.
func (a *appender) append(e *entry, rows []row, size int) error {
	a.seq, a.head, a.dirty = e.seq, e.hash, true
	a.entries = append(a.entries, row{entriesTable, []any{e.seq, e.kind, e.month, e.at, e.payload, e.previous, e.hash}})
	n := map[*table]int64{}
	for _, w := range rows {
		a.rows[w.table] = append(a.rows[w.table], row{w.table, append([]any{e.seq, n[w.table]}, w.cells()...)})
		n[w.table]++
	}
	if a.bytes += size; a.bytes > 1<<20 || len(a.entries) >= 256 {
		return a.flush()
	}
	return nil
}

// flush sends what is buffered: entries first, since rows refer to them.
func (a *appender) flush() error {
	if err := a.insert(entriesTable, a.entries); err != nil {
		return err
	}
	for _, t := range tables {
		if err := a.insert(t, a.rows[t]); err != nil {
			return err
		}
	}
	a.entries, a.rows, a.bytes = nil, map[*table][]row{}, 0
	return nil
}

// insert sends rows in batches of the dialect's size, and what is left over in one more.
func (a *appender) insert(t *table, rows []row) error {
	for len(rows) > 0 {
		n := min(len(rows), a.batch)
		var values []any
		for _, r := range rows[:n] {
			values = append(values, r.values...)
		}
		rows = rows[n:]
		if _, err := a.tx.ExecContext(a.ctx, t.insertion(n), values...); err != nil {
			return fmt.Errorf("insert into %s: %w", t.name, err)
		}
	}
	return nil
}
