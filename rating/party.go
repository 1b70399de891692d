package rating

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"headcount/internal/strict"
)

// Party is whom an invoice is made out to, as the accounts file says it. Every field may be empty.
type Party struct {
	Name    string   `json:"name,omitempty"`
	Legal   *Legal   `json:"legal,omitempty"`
	Contact string   `json:"contact,omitempty"`
	PO      string   `json:"po,omitempty"` // the customer's own number of the order
	Tags    []string `json:"tags,omitempty"`
}

// Legal is what a tax office wants of a party.
type Legal struct {
	Address []string `json:"address,omitempty"` // lines
	TaxID   string   `json:"tax_id,omitempty"`
}

// taxation is an account's tax: computed once an invoice, of its total.
type taxation struct {
	rate decimal.Decimal // a share: 0.19
	note string
}

const (
	mostTags      = 32
	mostAddress   = 10
	mostTaxDigits = 6   // behind the point
	mostNetDays   = 365 // of terms
)

// readParty reads an account's fields that price nothing but stand on its invoices.
func (x *account) readParty(o *strict.Object) {
	text := func(field string) string {
		v, ok := o.Maybe(field)
		if !ok {
			return ""
		}
		return v.Text()
	}
	x.party.Name, x.party.Contact, x.party.PO = text("name"), text("contact"), text("po")
	if v, ok := o.Maybe("legal"); ok {
		l := v.Object()
		x.party.Legal = &Legal{}
		if a, ok := l.Maybe("address"); ok {
			x.party.Legal.Address = readTexts(a, mostAddress)
		}
		if id, ok := l.Maybe("tax_id"); ok {
			x.party.Legal.TaxID = id.Text()
		}
		l.Done()
	}
	if v, ok := o.Maybe("tags"); ok {
		x.party.Tags = readTexts(v, mostTags)
	}
	if v, ok := o.Maybe("tax"); ok {
		t := v.Object()
		x.tax = &taxation{rate: strict.Parsed(t.Must("rate"), parseTaxRate)}
		if n, ok := t.Maybe("note"); ok {
			x.tax.note = n.Text()
		}
		t.Done()
	}
	if v, ok := o.Maybe("terms"); ok {
		x.terms = strict.Parsed(v, ParseTerms)
	}
}

func readTexts(v strict.Value, most int) (out []string) {
	for _, e := range v.List() {
		out = append(out, e.Text())
	}
	if len(out) > most {
		v.Fail("has %d elements, more than %d", len(out), most)
	}
	return out
}

// parseTaxRate reads a share of at most 1, or one in percent: 0.19 or 19%. A bare 19 may be meant either way, and is refused.
func parseTaxRate(s string) (decimal.Decimal, error) {
	number, percent := strings.CutSuffix(s, "%")
	_, fraction, _ := strings.Cut(number, ".")
	d, ok := parseDecimal(number)
	if !ok || len(fraction) > mostTaxDigits {
		return decimal.Zero, fmt.Errorf(`tax rate %q: want a percentage such as "19%%", or a share such as "0.19"`, s)
	}
	if percent {
		d = d.Shift(-2)
	}
	if d.GreaterThan(one) {
		return decimal.Zero, fmt.Errorf(`tax rate %q is more than the whole: write a percentage as "19%%", or a share as "0.19"`, s)
	}
	return d, nil
}

// Terms are within how many days an invoice is to be paid, counted from the day it is issued; nil: it is not said.
type Terms struct{ Days int }

// ParseTerms reads terms such as net 14.
func ParseTerms(s string) (*Terms, error) {
	text, ok := strings.CutPrefix(s, "net ")
	n, err := strconv.Atoi(text)
	if !ok || err != nil || n < 0 || n > mostNetDays || strconv.Itoa(n) != text {
		return nil, fmt.Errorf("terms %q: want net and a number of days up to %d, such as net 14", s, mostNetDays)
	}
	return &Terms{n}, nil
}

// String is the form that ParseTerms reads; empty of nil.
func (t *Terms) String() string {
	if t == nil {
		return ""
	}
	return "net " + strconv.Itoa(t.Days)
}
