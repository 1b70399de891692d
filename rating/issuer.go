package rating

import (
	"errors"
	"fmt"
	"strings"

	"headcount/internal/canonical"
)

// Issuer is who sends the invoices, and how they are numbered. A closing keeps it: what it makes is numbered by it for ever.
type Issuer struct {
	Name    string   `json:"name,omitempty"`
	Address []string `json:"address,omitempty"` // lines
	TaxID   string   `json:"tax_id,omitempty"`
	Logo    string   `json:"logo,omitempty"`  // an image as data: URI
	Invoice Pattern  `json:"invoice_numbers"` // of invoices
	Credit  Pattern  `json:"credit_numbers"`  // of credit notes
	Terms   string   `json:"terms,omitempty"` // of accounts that say none
}

// The numbers of who configures none.
const (
	DefaultInvoiceNumbers Pattern = "INV-{month}-{n:6}"
	DefaultCreditNumbers  Pattern = "CN-{month}-{n:6}"
)

const mostLogo = 256 << 10 // bytes of its URI

// Check says what is wrong with an issuer, naming the field.
func (i *Issuer) Check() error {
	texts := append([]string{i.Name, i.TaxID}, i.Address...)
	for _, s := range texts {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
			return fmt.Errorf("%q has control characters", s)
		}
	}
	if len(i.Address) > mostAddress {
		return fmt.Errorf("address has %d lines, more than %d", len(i.Address), mostAddress)
	}
	if len(i.Logo) > mostLogo {
		return fmt.Errorf("logo has %d bytes as text, more than %d: use a smaller image", len(i.Logo), mostLogo)
	}
	if i.Logo != "" && !strings.HasPrefix(i.Logo, "data:image/") {
		return errors.New("logo is no image")
	}
	if i.Terms != "" {
		if _, err := ParseTerms(i.Terms); err != nil {
			return err
		}
	}
	for _, p := range []Pattern{i.Invoice, i.Credit} {
		if err := p.Check(); err != nil {
			return err
		}
	}
	return nil
}

// Document is the issuer as a closing keeps it; nil of nil.
func (i *Issuer) Document() []byte {
	if i == nil {
		return nil
	}
	return canonical.MustMarshal(i)
}

// ParseIssuer reads what Document wrote; of nothing it is nil: no invoice is numbered.
func ParseIssuer(document []byte) (*Issuer, error) {
	if len(document) == 0 {
		return nil, nil
	}
	i := &Issuer{}
	if err := canonical.Unmarshal(document, i); err != nil {
		return nil, fmt.Errorf("issuer: %w: use the release that began this close, or a newer one", err)
	}
	if err := i.Check(); err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	return i, nil
}

// Sender is the issuer as an invoice names it.
type Sender struct {
	Name    string   `json:"name,omitempty"`
	Address []string `json:"address,omitempty"`
	TaxID   string   `json:"tax_id,omitempty"`
}

// Issue puts the issuer on invoices, and its terms where an account says none. A nil issuer changes nothing.
func (i *Issuer) Issue(invoices []Invoice) {
	if i == nil {
		return
	}
	var s *Sender
	if i.Name != "" || len(i.Address) > 0 || i.TaxID != "" {
		s = &Sender{i.Name, i.Address, i.TaxID}
	}
	for k := range invoices {
		v := &invoices[k]
		if v.Issuer = s; v.Terms == "" {
			v.Terms = i.Terms
		}
	}
}
