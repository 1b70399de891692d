// Package canonical writes JSON in one form, so that the same content is the same bytes and has the same hash.
//
// The form is compact JSON with the members in the order of the Go fields and the keys of maps sorted; nothing is escaped that
// need not be (<, > and & are not), and no newline follows. Rules, signed records, the ledger's payloads and what a close stores
// are in this form, and their hashes are over it: it never changes.
package canonical

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
)

// ErrForm says that a document reads well and is not in its one form: something else wrote it, or altered it.
var ErrForm = errors.New("not in canonical form")

// Marshal returns the document of a content.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// MustMarshal is Marshal of what always can be: structs, maps and lists of plain values. It panics at others.
func MustMarshal(v any) []byte {
	doc, err := Marshal(v)
	if err != nil {
		panic("canonical: " + err.Error())
	}
	return doc
}

// Unmarshal reads a document into v, a pointer, and makes sure that v marshals to the same bytes: no unknown, missing, doubled or
// misspelt member can hide. With ErrForm v holds what was read all the same, for callers whose format has versions: in one
// that is not known, members may be too.
func Unmarshal(doc []byte, v any) error {
	if err := json.Unmarshal(doc, v); err != nil {
		return err
	}
	again, err := Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, doc) {
		return ErrForm
	}
	return nil
}

// Hash returns the SHA-256 of a document as HashText writes it.
func Hash(doc []byte) string {
	sum := sha256.Sum256(doc)
	return HashText(sum[:])
}

// HashText is how a SHA-256 is written: "sha256:" and 64 hex digits.
func HashText(sum []byte) string {
	return string(hex.AppendEncode(append(make([]byte, 0, len("sha256:")+2*sha256.Size), "sha256:"...), sum))
}
