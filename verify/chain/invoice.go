package chain

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// printed is an invoice's document, as far as the tables have it.
type printed struct {
	Month    string         `json:"month"`
	Account  string         `json:"account"`
	Revision int64          `json:"revision"`
	Plan     string         `json:"plan"`
	Currency string         `json:"currency"`
	Total    string         `json:"total"`
	Status   string         `json:"status"`
	Reason   string         `json:"reason"`
	Released jsontext.Value `json:"released"`
	Amended  jsontext.Value `json:"amended"`
	Number   jsontext.Value `json:"number"`
	Issued   jsontext.Value `json:"issued"`
	Due      jsontext.Value `json:"due"`
	Corrects jsontext.Value `json:"corrects"`
	Lines    []struct {
		App       *string `json:"app"`
		Meter     *string `json:"meter"`
		Item      *string `json:"item"`
		Quantity  *string `json:"quantity"`
		Free      *string `json:"free"`
		Billable  *string `json:"billable"`
		UnitPrice *string `json:"unit_price"`
		Amount    string  `json:"amount"`
		How       *string `json:"how"`
	} `json:"lines"`
}

// invoice adds an invoice's rows. The entry's month is that of the close or amendment that made it; all columns but that one are
// the document's.
func (r rows) invoice(e *entry, document invoiceDocument) error {
	var p struct {
		Month    string  `json:"month"`
		Account  string  `json:"account"`
		Revision int64   `json:"revision"`
		Document content `json:"document"`
		Numbered *given  `json:"numbered"`
	}
	if err := e.open(&p); err != nil {
		return err
	}
	text, err := document(p.Document)
	if err != nil {
		return err
	}
	var x printed
	if err := json.Unmarshal(text, &x); err != nil {
		return fmt.Errorf("invoice: %w", err)
	}
	if x.Month != p.Month || x.Account != p.Account || x.Revision != p.Revision {
		return fmt.Errorf("invoice of %s, %s, revision %d: its document says %s, %s, %d", p.Account, p.Month, p.Revision, x.Account, x.Month, x.Revision)
	}
	if err := x.check(); err != nil {
		return fmt.Errorf("invoice of %s, %s: %w", x.Account, x.Month, err)
	}
	r.add(invoices, e, e.month, x.Month, x.Account, x.Revision, x.Plan, x.Currency, x.Total, x.Status, x.Reason, p.Document)
	r.number(e, p.Numbered, x.Month, x.Account, x.Revision)
	for i, l := range x.Lines {
		r.add(lines, e, x.Month, x.Account, x.Revision, int64(i+1), orNull(l.App), orNull(l.Meter), orNull(l.Item), orNull(l.Quantity),
			orNull(l.Free), orNull(l.Billable), orNull(l.UnitPrice), l.Amount, orNull(l.How))
	}
	return nil
}

// check says what no invoice can be.
func (x *printed) check() error {
	switch {
	case x.Account == "" || x.Plan == "" || x.Currency == "" || x.Total == "":
		return errors.New("no account, plan, currency or total")
	case x.Revision < 1:
		return fmt.Errorf("revision %d, want 1 or more", x.Revision)
	case x.Status != "final" && x.Status != "held":
		return fmt.Errorf("status %q, want final or held", x.Status)
	case x.Status == "held" && x.Reason == "":
		return errors.New("held without a reason")
	case x.Released != nil || x.Amended != nil || x.Number != nil || x.Issued != nil || x.Due != nil || x.Corrects != nil:
		return errors.New("its document says already how it stands")
	}
	for i, l := range x.Lines {
		if l.Amount == "" {
			return fmt.Errorf("line %d has no amount", i+1)
		}
	}
	return nil
}
