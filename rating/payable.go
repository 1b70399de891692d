package rating

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"
)

// What an invoice's document is.
const (
	DocumentInvoice = "invoice"     // the first of a month, and what is owed besides
	DocumentCredit  = "credit_note" // a further revision that gives back more than it asks for
)

// settle computes what an invoice's total comes to with tax, and which document it is. The tax is of this document alone: its total × rate,
// rounded once, half away from zero, to the currency's minor unit. What was paid ahead is no part of it.
//
// before are the account's revisions of the month so far. Where one was taxed at another rate, what is billed in all is to be taxed at this
// one: the tax is that of all totals, less what was asked for. Revisions that were made before invoices had a tax are left out.
func (v *Invoice) settle(digits int32, before []Invoice) error {
	wrong := func(i *Invoice, what, text string, err error) error {
		return fmt.Errorf("invoice of %s for %s, revision %d: %s %q: %w", i.Account, i.Month, i.Revision, what, text, err)
	}
	total, err := decimal.NewFromString(v.Total)
	if err != nil {
		return wrong(v, "total", v.Total, err)
	}
	rate, err := v.taxRate()
	if err != nil {
		return wrong(v, "tax rate", v.TaxRate, err)
	}
	billed, asked, other := total, decimal.Zero, false
	for i := range before {
		x := &before[i]
		if x.Tax == "" {
			continue
		}
		was, err := x.taxRate()
		if err != nil {
			return wrong(x, "tax rate", x.TaxRate, err)
		}
		t, err := decimal.NewFromString(x.Total)
		if err != nil {
			return wrong(x, "total", x.Total, err)
		}
		tax, err := decimal.NewFromString(x.Tax)
		if err != nil {
			return wrong(x, "tax", x.Tax, err)
		}
		billed, asked, other = billed.Add(t), asked.Add(tax), other || !was.Equal(rate)
	}
	tax := total.Mul(rate).Round(digits)
	if other {
		tax = billed.Mul(rate).Round(digits).Sub(asked)
	}
	v.Tax, v.Payable = fixed(tax, digits), fixed(total.Add(tax), digits)
	v.Document = DocumentInvoice
	for _, p := range v.Prepaid {
		amount, err := decimal.NewFromString(p.Amount)
		if err != nil {
			return wrong(v, "prepaid", p.Amount, err)
		}
		total = total.Add(amount)
	}
	if v.Revision > 1 && (total.IsNegative() || total.IsZero() && tax.IsNegative()) {
		v.Document = DocumentCredit
	}
	return nil
}

// taxRate is the share of the tax; 0 where none is said.
func (v *Invoice) taxRate() (decimal.Decimal, error) {
	if v.TaxRate == "" {
		return decimal.Zero, nil
	}
	return decimal.NewFromString(v.TaxRate)
}

// Retaxed says whether an invoice's tax is not that of its total, since a revision before it was taxed at another rate.
func (v *Invoice) Retaxed() bool {
	total, err := decimal.NewFromString(v.Total)
	if err != nil || v.Tax == "" {
		return false
	}
	rate, err := v.taxRate()
	return err == nil && fixed(total.Mul(rate).Round(-total.Exponent()), -total.Exponent()) != v.Tax
}

// taxes says whether an invoice asks for a tax, or gives one back.
func (v *Invoice) taxes() bool { return strings.Trim(v.Tax, "-0.") != "" }

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
