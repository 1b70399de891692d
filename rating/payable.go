package rating

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// What an invoice's document is.
const (
	DocumentInvoice = "invoice"     // the first of a month, and what is owed besides
	DocumentCredit  = "credit_note" // a further revision that gives back more than it asks for
)

// settle computes what an invoice's total comes to with tax, and which document it is. The tax is of this document alone: its total × rate,
// rounded once, half away from zero, to the currency's minor unit. What was paid ahead is no part of it.
func (v *Invoice) settle(digits int32) error {
	total, err := decimal.NewFromString(v.Total)
	if err != nil {
		return fmt.Errorf("invoice of %s for %s: total %q: %w", v.Account, v.Month, v.Total, err)
	}
	tax := decimal.Zero
	if v.TaxRate != "" {
		rate, err := decimal.NewFromString(v.TaxRate)
		if err != nil {
			return fmt.Errorf("invoice of %s for %s: tax rate %q: %w", v.Account, v.Month, v.TaxRate, err)
		}
		tax = total.Mul(rate).Round(digits)
	}
	v.Tax, v.Payable = fixed(tax, digits), fixed(total.Add(tax), digits)
	v.Document = DocumentInvoice
	for _, p := range v.Prepaid {
		amount, err := decimal.NewFromString(p.Amount)
		if err != nil {
			return fmt.Errorf("invoice of %s for %s: prepaid %q: %w", v.Account, v.Month, p.Amount, err)
		}
		total = total.Add(amount)
	}
	if v.Revision > 1 && total.IsNegative() {
		v.Document = DocumentCredit
	}
	return nil
}

// addressed puts on an invoice what the account says of itself.
func (x *account) addressed(v *Invoice) {
	v.Party, v.Terms = x.party, x.terms.String()
	if x.tax != nil {
		v.TaxRate, v.TaxNote = x.tax.rate.String(), x.tax.note
	}
}

// unissued is an invoice as it was before it was numbered, released or amended.
func (v Invoice) unissued() Invoice {
	v.Number, v.Issued, v.Due, v.Corrects, v.Released, v.Amended, v.Issuer = "", "", "", "", nil, nil, nil
	return v
}
