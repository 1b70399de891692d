package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Invoice is one revision of one invoice. All fields but Document and those after it are read from the document.
type Invoice struct {
	Month    Month  `json:"month"`
	Account  string `json:"account"`
	Revision int    `json:"revision"` // from 1
	Plan     string `json:"plan"`
	Currency string `json:"currency"`
	Total    string `json:"total"`    // decimal
	Status   string `json:"status"`   // final or held
	Reason   string `json:"reason"`   // why it is, or was, held
	Form     string `json:"document"` // invoice or credit_note; empty: made before there were both. NewInvoice's alone
	Terms    string `json:"terms"`    // net 14; empty: none. NewInvoice's alone

	Document json.RawMessage `json:"-"` // the invoice as it is printed
	Closing  Month           `json:"-"` // month of the close that made it; a later month: an adjustment
	Release  *Act            `json:"-"` // nil: never released
	Amended  *Act            `json:"-"` // the amendment that made it; nil: a close did
	Number   *Number         `json:"-"` // nil: it is held, or its closing had no issuer
}

// Act says who did something to an invoice, and why: lifted its hold, amended its month.
type Act struct {
	Reason string
	By     string
	At     time.Time
}

// Number is what a final invoice is called by, unique in the ledger.
type Number struct {
	Number   string
	Issued   string // day on which it was given, in the closing's zone
	Due      string // empty: no terms
	Corrects string // number of the account's first invoice of the month, of a further revision
}

// The values of Invoice.Status.
const (
	Final = "final"
	Held  = "held"
)

// stands are the members that say how an invoice stands: the ledger's own.
type stands struct {
	Released jsontext.Value `json:"released"`
	Amended  jsontext.Value `json:"amended"`
	Number   jsontext.Value `json:"number"`
	Issued   jsontext.Value `json:"issued"`
	Due      jsontext.Value `json:"due"`
	Corrects jsontext.Value `json:"corrects"`
}

// NewInvoice reads an invoice's document, which is kept as it is.
func NewInvoice(document []byte) (Invoice, error) {
	v, _, err := readInvoice(document)
	return v, err
}

// readInvoice reads an invoice's document, its lines too. No name may be in it twice, so that its status can be rewritten.
func readInvoice(document []byte) (Invoice, []invoiceLine, error) {
	var d struct {
		Invoice
		Lines []invoiceLine `json:"lines"`
		stands
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
	for name, is := range map[string]jsontext.Value{"released": d.stands.Released, "amended": d.stands.Amended, "number": d.stands.Number, "issued": d.stands.Issued, "due": d.stands.Due, "corrects": d.stands.Corrects} {
		if is != nil {
			return Invoice{}, nil, fmt.Errorf("invoice of %s, %s: its document says already how it stands: %s", v.Account, v.Month, name)
		}
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
// released is final, in Status and in its document. There follow the status: "released" and "amended" with reason, by and at, and its
// number, issued, due and corrects. A month that is not closed is ErrNotFound.
func (l *Ledger) Invoices(ctx context.Context, month Month) (all []Invoice, err error) {
	err = l.read(ctx, func(tx *sql.Tx) error {
		if err := isClosed(ctx, tx, month); err != nil {
			return err
		}
		if all, err = readInvoices(ctx, tx, `i.month = $1`, month); err != nil {
			return err
		}
		if err := readReleases(ctx, tx, month, all); err != nil {
			return err
		}
		if err := readAmended(ctx, tx, month, all); err != nil {
			return err
		}
		if err := readNumbers(ctx, tx, month, all); err != nil {
			return err
		}
		for i := range all {
			if err := all[i].stand(); err != nil {
				return fmt.Errorf("invoice of %s, revision %d: %w", all[i].Account, all[i].Revision, err)
			}
		}
		return nil
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
	released := map[revisionKey]*Act{}
	for rows.Next() {
		var k revisionKey
		var r Act
		var at string
		if err := rows.Scan(&k.account, &k.revision, &r.Reason, &r.By, &at); err != nil {
			return err
		}
		if r.At, err = parseTime(at); err != nil {
			return err
		}
		released[k] = &r
	}
	for i := range all {
		v := &all[i]
		if r := released[revisionKey{v.Account, v.Revision}]; r != nil {
			v.Status, v.Release = Final, r
		}
	}
	return rows.Err()
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

	Numbered *numbered `json:"numbered,omitempty"` // nil: held, or its closing has no issuer

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
	if r.Numbered != nil {
		all = append(all, r.Numbered.row(v.Month.String(), v.Account, v.Revision))
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
