package ledger

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
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

// Export writes the whole ledger as lines of JSON, an entry each: all that is needed to make it again, with the same hashes, as verify/chain does.
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
