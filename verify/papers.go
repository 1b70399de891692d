package verify

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"headcount/verify/chain"
	"headcount/verify/report"
	"headcount/verify/reprice"
)

// paper is what an invoice says beside its lines, as it stands.
type paper struct {
	Account  string `json:"account"`
	Month    string `json:"month"`
	Revision int    `json:"revision"`
	Status   string `json:"status"`
	Total    string `json:"total"`
	Prepaid  []struct {
		Amount string `json:"amount"`
	} `json:"prepaid"`
	Lines []struct {
		App      string         `json:"app"`
		Meter    string         `json:"meter"`
		Item     string         `json:"item"`
		Quantity string         `json:"quantity"`
		Billable string         `json:"billable"`
		Amount   string         `json:"amount"`
		Was      *paperStanding `json:"was"`
		Now      *paperStanding `json:"now"`
	} `json:"lines"`
	Document string       `json:"document"`
	TaxRate  string       `json:"tax_rate"`
	TaxNote  string       `json:"tax_note"`
	Tax      string       `json:"tax"`
	Payable  string       `json:"payable"`
	Terms    string       `json:"terms"`
	Issuer   *paperIssuer `json:"issuer"`
	Name     string       `json:"name"`
	Legal    *struct {
		Address []string `json:"address"`
		TaxID   string   `json:"tax_id"`
	} `json:"legal"`
	Contact string   `json:"contact"`
	PO      string   `json:"po"`
	Tags    []string `json:"tags"`
}

// paperStanding is what was billed of a line's subject, or is right.
type paperStanding struct {
	Quantity string `json:"quantity"`
	Billable string `json:"billable"`
	Amount   string `json:"amount"`
}

// paperIssuer is who sends invoices, as a closing keeps it; an invoice has the first three.
type paperIssuer struct {
	Name    string   `json:"name"`
	Address []string `json:"address"`
	TaxID   string   `json:"tax_id"`

	Invoices string `json:"invoice_numbers"`
	Credits  string `json:"credit_numbers"`
	Terms    string `json:"terms"`
}

func (i *paperIssuer) text() string {
	if i == nil {
		return "nobody"
	}
	return fmt.Sprintf("%q, %q, %q", i.Name, i.Address, i.TaxID)
}

// papers checks what invoices say beside their lines: whom they are from and for, tax, what is payable, number and dates. Those of one
// closing.
type papers struct {
	m      *closedMonth
	r      *report.Report
	issuer *paperIssuer                   // nil: the closing has none
	issued map[string]map[string][]*paper // all revisions, by month and account
}

// newPapers reads the closing's issuer; nil where it cannot be read, which the report says.
func newPapers(m *closedMonth, r *report.Report) *papers {
	p := &papers{m: m, r: r, issued: map[string]map[string][]*paper{}}
	if text := m.subject.Closing.Issuer; len(text) > 0 {
		p.issuer = &paperIssuer{}
		if err := json.Unmarshal(text, p.issuer); err != nil {
			r.Wrong("parties", "issuer of the closing of "+m.name, "a document that can be read", err.Error())
			return nil
		}
	}
	return p
}

// made checks the papers as the close made them.
func (p *papers) made(ctx context.Context) error {
	for _, s := range p.m.stored.Invoices {
		x := p.read(s)
		if x == nil {
			continue
		}
		var priced *reprice.Period
		switch {
		case x.Month == p.m.name:
			priced = p.m.prices.month
		case p.m.former != nil:
			priced = p.m.former.month
		}
		if err := p.content(ctx, x, priced); err != nil {
			return err
		}
	}
	return nil
}

// before returns the account's revisions of the month that were made before a paper.
func (p *papers) before(ctx context.Context, x *paper) (earlier []*paper, _ error) {
	if x.Revision == 1 {
		return nil, nil
	}
	of, known := p.issued[x.Month]
	if !known {
		stored, err := p.m.ledger.Invoices(ctx, x.Month)
		if err != nil {
			return nil, inLedger(err)
		}
		of = map[string][]*paper{}
		for _, s := range stored {
			if y := p.read(s); y != nil {
				of[y.Account] = append(of[y.Account], y)
			}
		}
		p.issued[x.Month] = of
	}
	for _, y := range of[x.Account] {
		if y.Revision < x.Revision {
			earlier = append(earlier, y)
		}
	}
	return earlier, nil
}

// checkGiven checks the numbers of what the close, and the month's amendments, made, and the papers of the amendments.
func checkGiven(ctx context.Context, m *closedMonth, r *report.Report) error {
	p := newPapers(m, r)
	if p == nil {
		return nil
	}
	priced, err := m.amendedBy(ctx, r)
	if err != nil {
		return err
	}
	months := []string{m.name}
	if before := m.subject.Closing.Previous; before != nil {
		months = append(months, before.Month)
	}
	for _, month := range months {
		stored, err := m.ledger.Invoices(ctx, month)
		if err != nil {
			return inLedger(err)
		}
		given, err := m.ledger.Numbers(ctx, month)
		if err != nil {
			return inLedger(err)
		}
		for _, s := range stored {
			if s.Closing != m.name {
				continue
			}
			x := p.read(s)
			if x == nil {
				continue
			}
			p.number(x, given)
			if s.Amendment > 0 {
				if err := p.content(ctx, x, priced[s.Amendment]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// read reads a document; nil where it cannot be read, which the report says.
func (p *papers) read(s chain.Invoice) *paper {
	x := &paper{}
	if err := json.Unmarshal(s.Document, x); err != nil {
		p.r.Wrong("parties", fmt.Sprintf("ledger, invoice of %s, %s", s.Account, s.Month), "a document that can be read", err.Error())
		return nil
	}
	return x
}

// content checks what a paper says; priced is the month by the accounts that priced it, nil: it is not known.
func (p *papers) content(ctx context.Context, x *paper, priced *reprice.Period) error {
	if p.issuer == nil && x.Payable == "" && x.Tax == "" && x.Document == "" { // a release made it that knew no taxes
		return nil
	}
	earlier, err := p.before(ctx, x)
	if err != nil {
		return err
	}
	p.amounts(x, earlier)
	p.changes(x)
	p.parties(x, priced)
	return nil
}

// changes wants a line that corrects another to be the difference between what was billed and what is right. One that is reported alone
// has no amount.
func (p *papers) changes(x *paper) {
	for _, l := range x.Lines {
		if l.Was == nil || l.Now == nil {
			continue
		}
		for _, f := range []struct{ what, got, was, now string }{
			{"quantity", l.Quantity, l.Was.Quantity, l.Now.Quantity}, {"billable", l.Billable, l.Was.Billable, l.Now.Billable}, {"amount", l.Amount, l.Was.Amount, l.Now.Amount},
		} {
			if f.what == "amount" && decimal(f.got).Sign() == 0 {
				continue
			}
			want := new(big.Rat).Sub(decimal(f.now), decimal(f.was))
			p.same("lines", x, fmt.Sprintf("app %s, %s%s: %s, by what was billed and what is right", l.App, l.Meter, l.Item, f.what), reprice.Text(decimal(f.got)), reprice.Text(want))
		}
	}
}

// amendedBy lays out the month by each of its amendments, by number.
func (m *closedMonth) amendedBy(ctx context.Context, r *report.Report) (map[int]*reprice.Period, error) {
	all, err := m.ledger.Amendments(ctx, m.name)
	if err != nil {
		return nil, inLedger(err)
	}
	priced := map[int]*reprice.Period{}
	for _, a := range all {
		priced[a.Number] = m.layOut(m.subject.Month, a.Books, a.Accounts, fmt.Sprintf("amendment %d of %s", a.Number, a.Month), r)
	}
	return priced, nil
}

func (p *papers) same(what string, x *paper, of string, got, want any) {
	p.r.Same(what, got, want, "invoice of %s for %s, revision %d: %s", x.Account, x.Month, x.Revision, of)
}

// number wants a number where the invoice is final, by the pattern of what it is, of the day on which it became so.
func (p *papers) number(x *paper, given []chain.Number) {
	i := slices.IndexFunc(given, func(n chain.Number) bool { return n.Account == x.Account && n.Revision == x.Revision })
	p.same("numbers", x, "is numbered", i >= 0, p.issuer != nil && x.Status == "final")
	if i < 0 || p.issuer == nil {
		return
	}
	n := given[i]
	pattern := p.issuer.Invoices
	if x.Document == "credit_note" {
		pattern = p.issuer.Credits
	}
	series, number := reprice.Numbered(pattern, x.Month, n.Serial)
	p.same("numbers", x, "series", n.Series, series)
	p.same("numbers", x, "number", n.Number, number)
	at, err := time.Parse(time.RFC3339, n.At)
	if err != nil {
		p.r.Wrong("numbers", n.Number, "the time of its entry", n.At)
		return
	}
	issued := at.In(p.m.subject.Zone)
	p.same("numbers", x, "issued", n.Issued, issued.Format(time.DateOnly))
	due := ""
	if days, ok := reprice.NetDays(x.Terms); ok {
		due = time.Date(issued.Year(), issued.Month(), issued.Day()+days, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	p.same("numbers", x, "due", n.Due, due)
}

// amounts computes the tax of the total, and what is payable; and which document it is. Where an earlier revision was taxed at another rate,
// all that was billed by now is to have been taxed at the paper's.
func (p *papers) amounts(x *paper, earlier []*paper) {
	_, cents, _ := strings.Cut(x.Total, ".")
	total, rate := decimal(x.Total), x.rate()
	tax := reprice.Round(new(big.Rat).Mul(total, rate), len(cents))
	taxed := slices.DeleteFunc(earlier, func(y *paper) bool { return y.Tax == "" })
	if slices.ContainsFunc(taxed, func(y *paper) bool { return y.rate().Cmp(rate) != 0 }) {
		all, asked := new(big.Rat).Set(total), new(big.Rat)
		for _, y := range taxed {
			all.Add(all, decimal(y.Total))
			asked.Add(asked, decimal(y.Tax))
		}
		tax = reprice.Round(all.Mul(all, rate), len(cents))
		tax.Sub(tax, asked)
	}
	p.same("taxes", x, "tax", x.Tax, tax.FloatString(len(cents)))
	p.same("taxes", x, "payable", x.Payable, new(big.Rat).Add(total, tax).FloatString(len(cents)))
	sum := new(big.Rat).Set(total)
	for _, paid := range x.Prepaid {
		sum.Add(sum, decimal(paid.Amount))
	}
	want := "invoice"
	if x.Revision > 1 && (sum.Sign() < 0 || sum.Sign() == 0 && tax.Sign() < 0) {
		want = "credit_note"
	}
	p.same("taxes", x, "document", x.Document, want)
}

// rate is the paper's tax as a share.
func (x *paper) rate() *big.Rat {
	if x.TaxRate == "" {
		return new(big.Rat)
	}
	return decimal(x.TaxRate)
}

// parties wants issuer, account, tax rate and terms to be those of the closing, and of the accounts that it was priced by.
func (p *papers) parties(x *paper, priced *reprice.Period) {
	issuer := "nobody"
	if i := p.issuer; i != nil && (i.Name != "" || i.TaxID != "" || len(i.Address) > 0) {
		issuer = i.text()
	}
	p.same("parties", x, "issuer", x.Issuer.text(), issuer)
	if priced == nil {
		return
	}
	of := priced.Paper(x.Account)
	if of == nil { // it should have had no invoice: what is taken back names whom it was sent to
		return
	}
	var address []string
	taxID := ""
	if x.Legal != nil {
		address, taxID = x.Legal.Address, x.Legal.TaxID
	}
	p.same("parties", x, "account", reprice.To(x.Name, address, taxID, x.Contact, x.PO, x.Tags), of.To())
	rate, note := "", ""
	if r := of.Rate(); r != nil {
		rate, note = reprice.Text(r), of.Tax.Note
	}
	p.same("parties", x, "tax rate", x.TaxRate, rate)
	p.same("parties", x, "tax note", x.TaxNote, note)
	terms := of.Terms
	if terms == "" && p.issuer != nil {
		terms = p.issuer.Terms
	}
	p.same("parties", x, "terms", x.Terms, terms)
}
