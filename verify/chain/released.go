package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Invoice is one revision of one invoice.
type Invoice struct {
	Closing  string // month of the close or amendment that made it; a later month: what was settled late
	Month    string
	Account  string
	Revision int
	Document []byte
}

// Invoices returns every revision of a month's invoices as they stand, by account and revision: the document of one that was held
// and is released says so. A month that is not closed is ErrNotFound.
func (l *Ledger) Invoices(ctx context.Context, month string) (all []Invoice, err error) {
	var seq int64
	err = l.one(ctx, `SELECT entry FROM results WHERE month = $1`, month, &seq)
	if err == nil {
		all, err = l.invoices(ctx, `month = $1`, month)
	}
	if err == nil {
		err = l.release(ctx, month, all)
	}
	if err != nil {
		return nil, fmt.Errorf("invoices of %s: %w", month, err)
	}
	return all, nil
}

// release applies a month's releases to its invoices.
func (l *Ledger) release(ctx context.Context, month string, all []Invoice) error {
	type revision struct {
		account string
		number  int
	}
	at := map[revision]int{}
	for i, x := range all {
		at[revision{x.Account, x.Revision}] = i
	}
	return l.each(ctx, `SELECT account, revision, reason, released_by, at FROM releases WHERE month = $1`, []any{month}, func(scan func(...any) error) error {
		var k revision
		var reason, by, when string
		if err := scan(&k.account, &k.number, &reason, &by, &when); err != nil {
			return err
		}
		i, ok := at[k]
		if !ok {
			return nil
		}
		document, err := released(all[i].Document, reason, by, when)
		if err != nil {
			return fmt.Errorf("invoice of %s, revision %d: %w", k.account, k.number, err)
		}
		all[i].Document = document
		return nil
	})
}

// invoices returns invoices as they were made.
func (l *Ledger) invoices(ctx context.Context, where string, args ...any) (all []Invoice, err error) {
	err = l.each(ctx, `SELECT closing, month, account, revision, document FROM invoices WHERE `+where+` ORDER BY account, month, revision`, args, func(scan func(...any) error) error {
		var x Invoice
		err := scan(&x.Closing, &x.Month, &x.Account, &x.Revision, &x.Document)
		all = append(all, x)
		return err
	})
	return all, err
}

// released returns a held invoice's document as it is printed once the hold is lifted: the status is final, and who lifted it follows.
// Every other byte stays.
func released(document []byte, reason, by, at string) ([]byte, error) {
	d := jsontext.NewDecoder(bytes.NewReader(document))
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		if key == "status" {
			end := d.InputOffset()
			note := fmt.Sprintf(`"final","released":{"reason":%s,"by":%s,"at":%s}`, quote(reason), quote(by), quote(at))
			return slices.Concat(document[:end-int64(len(value))], []byte(note), document[end:]), nil
		}
	}
	return nil, errors.New("no status in the document")
}

// quote writes a JSON string as the ledger does: nothing escaped but what JSON or JavaScript ask for.
func quote(s string) string {
	b, _ := jsontext.AppendQuote(nil, s)
	return strings.NewReplacer("\u2028", `\u2028`, "\u2029", `\u2029`).Replace(string(b))
}
