package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headcount/internal/canonical"
)

// Invoice is one revision of one invoice. All fields but Document, Closing and Release are read from the document.
type Invoice struct {
	Month    Month  `json:"month"`
	Account  string `json:"account"`
	Revision int    `json:"revision"` // from 1
	Plan     string `json:"plan"`
	Currency string `json:"currency"`
	Total    string `json:"total"`  // decimal
	Status   string `json:"status"` // final or held
	Reason   string `json:"reason"` // why it is, or was, held

	Document json.RawMessage `json:"-"` // the invoice as it is printed
	Closing  Month           `json:"-"` // month of the close that made it; a later month: an adjustment
	Release  *Release        `json:"-"` // nil: never released
}

// Release says who lifted the hold of an invoice, and why.
type Release struct {
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// The values of Invoice.Status.
const (
	Final = "final"
	Held  = "held"
)

// NewInvoice reads an invoice's document, which is kept as it is.
func NewInvoice(document []byte) (Invoice, error) {
	v, _, err := readInvoice(document)
	return v, err
}

// readInvoice reads an invoice's document, its lines too. No name may be in it twice, so that its status can be rewritten.
func readInvoice(document []byte) (Invoice, []invoiceLine, error) {
	var d struct {
		Invoice
		Lines    []invoiceLine  `json:"lines"`
		Released jsontext.Value `json:"released"`
	}
	if err := jsonv2.Unmarshal(document, &d); err != nil {
		return Invoice{}, nil, fmt.Errorf("invoice: %w", err)
	}
	v := d.Invoice
	v.Document = document
	if err := checkLines(d.Lines); err != nil {
		return Invoice{}, nil, fmt.Errorf("invoice of %s: %w", v.Account, err)
	}
	if err := v.validate(); err != nil {
		return Invoice{}, nil, err
	}
	if v.Status == Held && d.Released != nil {
		return Invoice{}, nil, fmt.Errorf("invoice of %s, %s: its document has a release already", v.Account, v.Month)
	}
	return v, d.Lines, nil
}

func (v *Invoice) validate() error {
	if v.Account == "" {
		return errors.New("invoice without an account")
	}
	if v.Month <= 0 {
		return fmt.Errorf("invoice of %s without a month", v.Account)
	}
	for _, f := range []struct{ name, value string }{{"plan", v.Plan}, {"currency", v.Currency}, {"total", v.Total}} {
		if f.value == "" {
			return fmt.Errorf("invoice of %s, %s: no %s", v.Account, v.Month, f.name)
		}
	}
	for _, f := range []struct{ name, value string }{{"account", v.Account}, {"plan", v.Plan}, {"currency", v.Currency},
		{"total", v.Total}, {"reason", v.Reason}} {
		if err := checkText(f.name, f.value); err != nil {
			return fmt.Errorf("invoice of %s, %s: %w", v.Account, v.Month, err)
		}
	}
	switch {
	case v.Revision < 1:
		return fmt.Errorf("invoice of %s, %s: revision %d, want 1 or more", v.Account, v.Month, v.Revision)
	case v.Status != Final && v.Status != Held:
		return fmt.Errorf("invoice of %s, %s: status %q, want final or held", v.Account, v.Month, v.Status)
	case v.Status == Held && v.Reason == "":
		return fmt.Errorf("invoice of %s, %s: held without a reason", v.Account, v.Month)
	}
	return nil
}

// Invoices returns every revision of a month's invoices as they stand, sorted by account and revision: one that was held and is
// released is final, in Status and in its document, where "released" with reason, by and at follows the status. A month that is
// not closed is ErrNotFound.
func (l *Ledger) Invoices(ctx context.Context, month Month) (all []Invoice, err error) {
	err = l.read(ctx, func(tx *sql.Tx) error {
		if err := isClosed(ctx, tx, month); err != nil {
			return err
		}
		if all, err = readInvoices(ctx, tx, `i.month = $1`, month); err != nil {
			return err
		}
		return readReleases(ctx, tx, month, all)
	})
	if err != nil {
		return nil, fmt.Errorf("invoices of %s: %w", month, err)
	}
	return all, nil
}

// readInvoices returns invoices as they were made.
func readInvoices(ctx context.Context, tx *sql.Tx, where string, args ...any) ([]Invoice, error) {
	rows, err := tx.QueryContext(ctx, `SELECT closing, month, account, revision, plan, currency, total, status, reason, document
		FROM invoices i WHERE `+where+` ORDER BY account, month, revision`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []Invoice{}
	for rows.Next() {
		var v Invoice
		var document []byte
		if err := rows.Scan(&v.Closing, &v.Month, &v.Account, &v.Revision, &v.Plan, &v.Currency, &v.Total, &v.Status, &v.Reason,
			&document); err != nil {
			return nil, err
		}
		v.Document = document
		all = append(all, v)
	}
	return all, rows.Err()
}

// readReleases applies a month's releases to its invoices.
func readReleases(ctx context.Context, tx *sql.Tx, month Month, all []Invoice) error {
	rows, err := tx.QueryContext(ctx, `SELECT account, revision, reason, released_by, at FROM releases WHERE month = $1`, month)
	if err != nil {
		return err
	}
	defer rows.Close()
	type key struct {
		account  string
		revision int
	}
	released := map[key]*Release{}
	for rows.Next() {
		var k key
		var r Release
		var at string
		if err := rows.Scan(&k.account, &k.revision, &r.Reason, &r.By, &at); err != nil {
			return err
		}
		if r.At, err = parseTime(at); err != nil {
			return err
		}
		released[k] = &r
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i := range all {
		v := &all[i]
		r := released[key{v.Account, v.Revision}]
		if r == nil {
			continue
		}
		v.Status, v.Release = Final, r
		if v.Document, err = markReleased(v.Document, r); err != nil {
			return fmt.Errorf("invoice of %s, revision %d: %w", v.Account, v.Revision, err)
		}
	}
	return nil
}

// markReleased rewrites the status of an invoice's document and leaves every other byte as it is.
func markReleased(document []byte, r *Release) ([]byte, error) {
	note, err := canonical.Marshal(struct {
		Reason string `json:"reason"`
		By     string `json:"by"`
		At     string `json:"at"`
	}{r.Reason, r.By, formatTime(r.At)})
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(document))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		if name == "status" {
			end := d.InputOffset()
			start := end - int64(len(value))
			return []byte(string(document[:start]) + `"final","released":` + string(note) + string(document[end:])), nil
		}
	}
	return nil, errors.New("no status in the document")
}

// invoiceLine is a line as an invoice's document has it.
type invoiceLine struct {
	App       *string `json:"app"`
	Meter     *string `json:"meter"`
	Item      *string `json:"item"`
	Quantity  *string `json:"quantity"`
	Free      *string `json:"free"`
	Billable  *string `json:"billable"`
	UnitPrice *string `json:"unit_price"`
	Amount    string  `json:"amount"`
	How       *string `json:"how"`
}

func checkLines(lines []invoiceLine) error {
	for i, l := range lines {
		if l.Amount == "" {
			return fmt.Errorf("line %d has no amount", i+1)
		}
		for _, s := range []*string{l.App, l.Meter, l.Item, l.Quantity, l.Free, l.Billable, l.UnitPrice, &l.Amount, l.How} {
			if s != nil {
				if err := checkText("text", *s); err != nil {
					return fmt.Errorf("line %d: %w", i+1, err)
				}
			}
		}
	}
	return nil
}

// invoiceRecord is an invoice as the chain has it. The entry's month is that of the closing.
type invoiceRecord struct {
	Month    Month  `json:"month"`
	Account  string `json:"account"`
	Revision int    `json:"revision"`
	Document string `json:"document"` // digest

	document []byte
}

func (*invoiceRecord) kind() string { return "invoice" }

func (r *invoiceRecord) covered() []covered {
	return []covered{{invoices, 0, "document", &r.Document, &r.document}}
}

func (r *invoiceRecord) rows(closing string) ([]row, error) {
	v, ls, err := readInvoice(r.document)
	if err != nil {
		return nil, err
	}
	if v.Month != r.Month || v.Account != r.Account || v.Revision != r.Revision {
		return nil, fmt.Errorf("invoice of %s, %s, revision %d: its document says %s, %s, %d", r.Account, r.Month, r.Revision,
			v.Account, v.Month, v.Revision)
	}
	all := []row{{invoices, []any{closing, v.Month.String(), v.Account, int64(v.Revision), v.Plan, v.Currency, v.Total, v.Status, v.Reason,
		r.document}}}
	for i, l := range ls {
		all = append(all, row{lines, []any{v.Month.String(), v.Account, int64(v.Revision), int64(i + 1), text(l.App), text(l.Meter),
			text(l.Item), text(l.Quantity), text(l.Free), text(l.Billable), text(l.UnitPrice), l.Amount, text(l.How)}})
	}
	return all, nil
}

// text is a column's value: NULL where there is none.
func text(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}
