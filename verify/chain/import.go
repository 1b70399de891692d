package chain

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// exported is an entry as an export has it, a line of JSON. Documents are those that the payload has digests of, in the order of the
// digests; of a closing the accounts, then the books by name. Each is a text, or {"base64":"…"}.
type exported struct {
	Seq       int64            `json:"seq"`
	Kind      string           `json:"kind"`
	Month     string           `json:"month"`
	At        string           `json:"at"`
	Payload   string           `json:"payload"`
	Previous  string           `json:"previous"`
	Hash      string           `json:"hash"`
	Documents []jsontext.Value `json:"documents"`
}

// longestLine is how long an exported entry may be.
const longestLine = 1 << 30

// Import makes an SQLite ledger in file, which must not be there, of an export's lines, and opens it. Every hash and digest is
// computed: an entry that is not what its hash says is an error that names it. The file is for looking into, not for keeping.
func Import(ctx context.Context, file string, lines io.Reader) (*Ledger, error) {
	if err := importInto(ctx, file, lines); err != nil {
		return nil, fmt.Errorf("import ledger: %w", err)
	}
	return Open(ctx, "sqlite://"+file)
}

func importInto(ctx context.Context, file string, lines io.Reader) (err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	db, err := sqliteFile(file, "mode=rw&_journal_mode=MEMORY&_synchronous=OFF")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, o := range schema() {
		if _, err := tx.ExecContext(ctx, o.statement); err != nil {
			return fmt.Errorf("make the %s: %w", o.name, err)
		}
	}
	if err := importLines(ctx, tx, lines); err != nil {
		return err
	}
	return tx.Commit()
}

func importLines(ctx context.Context, tx *sql.Tx, lines io.Reader) error {
	in := bufio.NewScanner(lines)
	in.Buffer(nil, longestLine)
	seq, head := int64(0), beforeFirst
	for in.Scan() {
		e, r, err := readLine(in.Bytes(), seq, head)
		if err == nil {
			err = insert(ctx, tx, e, r)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", seq+1, err)
		}
		seq, head = e.seq, e.hash
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("line %d: %w", seq+1, err)
	}
	if seq == 0 {
		return errors.New("it has no entry")
	}
	return nil
}

// readLine reads the entry that follows the one with the given seq and hash, with its rows.
func readLine(line []byte, seq int64, head string) (*entry, rows, error) {
	var x exported
	if err := json.Unmarshal(line, &x, json.RejectUnknownMembers(true)); err != nil {
		return nil, nil, err
	}
	e := &entry{x.Seq, x.Kind, x.Month, x.At, x.Payload, x.Previous, x.Hash}
	switch {
	case e.seq != seq+1:
		return nil, nil, fmt.Errorf("entry %d where %d comes next", e.seq, seq+1)
	case e.previous != head:
		return nil, nil, fmt.Errorf("entry %d (%s) follows %s, but the hash of the entry before is %s", e.seq, e.kind, e.previous, head)
	case e.hash != e.sum():
		return nil, nil, fmt.Errorf("entry %d (%s) says its hash is %s, but its content hashes to %s", e.seq, e.kind, e.hash, e.sum())
	}
	documents, err := readDocuments(x.Documents)
	if err != nil {
		return nil, nil, fmt.Errorf("entry %d (%s): %w", e.seq, e.kind, err)
	}
	r, err := rowsOf(e, func(want content) ([]byte, error) {
		if len(documents) != 1 {
			return nil, documentCount{len(documents), 1}
		}
		return documents[0], checkDocument(invoices, "document", documents[0], want)
	})
	if err == nil {
		err = fill(r, documents)
	}
	if c, ok := errors.AsType[documentCount](err); ok {
		return nil, nil, fmt.Errorf("entry %d (%s) has %d documents, its payload names %d", e.seq, e.kind, c.has, c.named)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("entry %d (%s): %w", e.seq, e.kind, err)
	}
	return e, r, nil
}

// documentCount says that an entry does not have as many documents as its payload names.
type documentCount struct{ has, named int }

func (c documentCount) Error() string {
	return fmt.Sprintf("%d documents, %d are named", c.has, c.named)
}

func readDocuments(all []jsontext.Value) (documents [][]byte, err error) {
	for _, v := range all {
		var text string
		var coded struct {
			Base64 []byte `json:"base64"`
		}
		if v.Kind() == '"' {
			err = json.Unmarshal(v, &text)
			coded.Base64 = []byte(text)
		} else {
			err = json.Unmarshal(v, &coded, json.RejectUnknownMembers(true))
		}
		if err != nil {
			return nil, err
		}
		documents = append(documents, coded.Base64)
	}
	return documents, nil
}

// fill puts an entry's documents where its rows name their content.
func fill(all rows, documents [][]byte) error {
	type cell struct {
		t      *table
		column int
		r      row
	}
	var cells []cell
	for _, t := range tables {
		for _, r := range all[t.name] {
			for i := range r {
				if _, ok := r[i].(content); ok {
					cells = append(cells, cell{t, i, r})
				}
			}
		}
	}
	if len(cells) != len(documents) {
		return documentCount{len(documents), len(cells)}
	}
	for i, c := range cells {
		if err := checkDocument(c.t, c.t.columns[c.column].name, documents[i], c.r[c.column].(content)); err != nil {
			return err
		}
		c.r[c.column] = documents[i]
	}
	return nil
}

func checkDocument(t *table, column string, document []byte, want content) error {
	if got := digest(document); got != string(want) {
		return fmt.Errorf("%s.%s is a document with %s, its payload has %s", t.name, column, got, want)
	}
	return nil
}

func insert(ctx context.Context, tx *sql.Tx, e *entry, all rows) error {
	if _, err := tx.ExecContext(ctx, entries.insertion(), e.seq, e.kind, e.month, e.at, e.payload, e.previous, e.hash); err != nil {
		return err
	}
	for _, t := range tables {
		for _, r := range all[t.name] {
			if _, err := tx.ExecContext(ctx, t.insertion(), r...); err != nil {
				return err
			}
		}
	}
	return nil
}
