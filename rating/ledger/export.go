package ledger

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"headcount/internal/canonical"
)

// exported is one entry as Export writes it, a line of canonical JSON. Documents are those that the payload has digests of, in
// the order of the digests; of a closing the accounts, then the books by name.
type exported struct {
	Seq       int64              `json:"seq"`
	Kind      string             `json:"kind"`
	Month     string             `json:"month"`
	At        string             `json:"at"`
	Payload   string             `json:"payload"`
	Previous  string             `json:"previous"`
	Hash      string             `json:"hash"`
	Documents []exportedDocument `json:"documents,omitempty"`
}

// exportedDocument is JSON's text where it is UTF-8, else {"base64":"…"}.
type exportedDocument []byte

type inBase64 struct {
	Base64 []byte `json:"base64"`
}

func (d exportedDocument) MarshalJSON() ([]byte, error) {
	if !utf8.Valid(d) {
		return json.Marshal(inBase64{d})
	}
	return canonical.Marshal(string(d))
}

func (d *exportedDocument) UnmarshalJSON(b []byte) error {
	if b[0] != '"' {
		var x inBase64
		err := json.Unmarshal(b, &x)
		*d = present(x.Base64)
		return err
	}
	var s string
	err := json.Unmarshal(b, &s)
	*d = []byte(s)
	return err
}

// Export writes the whole ledger as lines of JSON, an entry each: all that Import needs to make it again, with the same hashes.
// Same ledger, same bytes. It verifies the ledger on the way, and fails with a *Difference where it is not what its chain says.
func (l *Ledger) Export(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriter(w)
	v := verifier{each: func(e *entry, r record) error {
		x := exported{Seq: e.seq, Kind: e.kind, Month: e.month, At: e.at, Payload: e.payload, Previous: e.previous, Hash: e.hash}
		for _, c := range r.covered() {
			x.Documents = append(x.Documents, *c.data)
		}
		line, err := canonical.Marshal(x)
		if err == nil {
			_, err = out.Write(append(line, '\n'))
		}
		return err
	}}
	err := l.read(ctx, func(tx *sql.Tx) error {
		v.ctx, v.tx = ctx, tx
		if err := v.guards(l); err != nil {
			return err
		}
		return v.walk()
	})
	return wrap(errors.Join(err, out.Flush()), "export %s", l.name)
}

// longestLine is how long an exported entry may be.
const longestLine = 1 << 30

// Import makes a SQLite ledger in file, which must not be there, of what Export wrote, and opens it for reading. Every hash and
// digest is computed again: an entry that is not what its hash says is an error that names it. It is for looking into, not for
// keeping: that it survives a crash is not waited for.
func Import(ctx context.Context, file string, r io.Reader) (*Ledger, error) {
	l, err := importSQLite(ctx, file, r)
	return l, wrap(err, "import ledger")
}

func importSQLite(ctx context.Context, file string, r io.Reader) (_ *Ledger, err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	f.Close()
	db, err := sqliteDB(file, time.Minute, "mode=rw&_txlock=immediate&_journal_mode=MEMORY&_synchronous=OFF")
	if err != nil {
		return nil, err
	}
	l := &Ledger{name: file, dialect: sqliteDialect, db: db, now: time.Now}
	err = migrate(ctx, db, sqliteDialect)
	if err == nil {
		err = l.write(ctx, func(a *appender) error { return a.importAll(r) })
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	return openSQLite(true)(ctx, "sqlite://"+file)
}

func (a *appender) importAll(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	n := 0
	for lines.Scan() {
		n++
		if err := a.importEntry(lines.Bytes()); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	if n == 0 {
		return errors.New("it has no entry")
	}
	return nil
}

func (a *appender) importEntry(line []byte) error {
	e, rows, size, err := readEntry(line, a.seq+1, a.head)
	if err != nil {
		return err
	}
	return a.append(e, rows, size)
}

// readEntry reads an exported line, which must be the entry seq that follows the one with the hash head. size is that of its
// payload and documents.
func readEntry(line []byte, seq int64, head string) (e *entry, of []row, size int, err error) {
	bad := func(format string, args ...any) (*entry, []row, int, error) {
		return nil, nil, 0, fmt.Errorf(format, args...)
	}
	var x exported
	if err := json.Unmarshal(line, &x); err != nil {
		return nil, nil, 0, err
	}
	e = &entry{seq: x.Seq, kind: x.Kind, month: x.Month, at: x.At, payload: x.Payload, previous: x.Previous, hash: x.Hash}
	switch {
	case e.seq != seq:
		return bad("entry %d where %d comes next", e.seq, seq)
	case e.previous != head:
		return bad("entry %d (%s) follows %s, but the hash of the entry before is %s", e.seq, e.kind, e.previous, head)
	case e.hash != e.sum():
		return bad("entry %d (%s) says its hash is %s, but its content hashes to %s", e.seq, e.kind, e.hash, e.sum())
	}
	rec, err := decodeRecord(e.kind, e.payload)
	if err != nil {
		return bad("entry %d (%s): %w", e.seq, e.kind, err)
	}
	all := rec.covered()
	if len(all) != len(x.Documents) {
		return bad("entry %d (%s) has %d documents, its payload names %d", e.seq, e.kind, len(x.Documents), len(all))
	}
	size = len(e.payload)
	for i, c := range all {
		if got := canonical.Hash(x.Documents[i]); got != *c.hash {
			return bad("entry %d (%s): %s.%s is a document with %s, its payload has %s", e.seq, e.kind, c.table.name, c.column, got, *c.hash)
		}
		*c.data = x.Documents[i]
		size += len(x.Documents[i])
	}
	rows, err := rec.rows(e.month)
	if err != nil {
		return bad("entry %d (%s): %w", e.seq, e.kind, err)
	}
	return e, rows, size, nil
}
