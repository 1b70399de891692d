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

	Amendment int // that made it; 0: a close did. Set by Ledger.Invoices
}

// Invoices returns every revision of a month's invoices as they stand, by account and revision: the document of one that was held
// and is released says so, that of one that an amendment made names it, and each has its number. A month that is not closed is ErrNotFound.
func (l *Ledger) Invoices(ctx context.Context, month string) (all []Invoice, err error) {
	var seq int64
	err = l.one(ctx, `SELECT entry FROM results WHERE month = $1`, month, &seq)
	if err == nil {
		all, err = l.invoices(ctx, `month = $1`, month)
	}
	if err == nil {
		err = l.stand(ctx, month, all)
	}
	if err != nil {
		return nil, fmt.Errorf("invoices of %s: %w", month, err)
	}
	return all, nil
}

// revision names an invoice within a month.
type revision struct {
	account string
	number  int
}

// stand writes into a month's invoices how they stand: behind the status, who released it, which amendment made it, its number.
func (l *Ledger) stand(ctx context.Context, month string, all []Invoice) error {
	released, amended, numbered := map[revision]string{}, map[revision]string{}, map[revision]Number{}
	amendments := map[revision]int{}
	acts := func(into map[revision]string, name, query string) error {
		return l.each(ctx, query, []any{month}, func(scan func(...any) error) error {
			var k revision
			var number int
			var reason, by, at string
			err := scan(&k.account, &k.number, &number, &reason, &by, &at)
			if name == "amended" {
				amendments[k] = number
			}
			into[k] = fmt.Sprintf(`,"%s":{"reason":%s,"by":%s,"at":%s}`, name, quote(reason), quote(by), quote(at))
			return err
		})
	}
	if err := acts(released, "released", `SELECT account, revision, 0, reason, released_by, at FROM releases WHERE month = $1`); err != nil {
		return err
	}
	// In the order of entries a later amendment takes the place of an earlier one.
	if err := acts(amended, "amended", `SELECT i.account, i.revision, a.number, a.reason, a.amended_by, a.at FROM amendments a JOIN invoices i ON i.month = a.month
		AND i.closing = a.month AND i.entry > a.entry WHERE a.month = $1 ORDER BY a.entry`); err != nil {
		return err
	}
	given, err := l.Numbers(ctx, month)
	if err != nil {
		return err
	}
	for _, n := range given {
		numbered[revision{n.Account, n.Revision}] = n
	}
	for i := range all {
		k := revision{all[i].Account, all[i].Revision}
		note := released[k] + amended[k]
		all[i].Amendment = amendments[k]
		if n, ok := numbered[k]; ok {
			note += `,"number":` + quote(n.Number) + `,"issued":` + quote(n.Issued)
			if n.Due != "" {
				note += `,"due":` + quote(n.Due)
			}
			if first, ok := numbered[revision{k.account, 1}]; ok && k.number > 1 {
				note += `,"corrects":` + quote(first.Number)
			}
		}
		if note == "" {
			continue
		}
		document, err := noted(all[i].Document, released[k] != "", note)
		if err != nil {
			return fmt.Errorf("invoice of %s, revision %d: %w", k.account, k.number, err)
		}
		all[i].Document = document
	}
	return nil
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

// noted returns an invoice's document as it is printed once it stands otherwise than it was made: a note behind the status, which is final
// where its hold was lifted. Every other byte stays.
func noted(document []byte, released bool, note string) ([]byte, error) {
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
			status := string(value)
			if released {
				status = `"final"`
			}
			return slices.Concat(document[:end-int64(len(value))], []byte(status+note), document[end:]), nil
		}
	}
	return nil, errors.New("no status in the document")
}

// quote writes a JSON string as the ledger does: nothing escaped but what JSON or JavaScript ask for.
func quote(s string) string {
	b, _ := jsontext.AppendQuote(nil, s)
	return strings.NewReplacer("\u2028", `\u2028`, "\u2029", `\u2029`).Replace(string(b))
}
