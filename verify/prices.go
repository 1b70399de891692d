package verify

import (
	"fmt"
	"math/big"
	"time"

	"github.com/go-json-experiment/json"

	"headcount/verify/recount"
	"headcount/verify/report"
	"headcount/verify/reprice"
)

// meter is what a book says of a meter.
type meter = reprice.Meter

// plan is the plan of an account in the month.
type plan struct {
	id      string
	charges map[string]bool  // by meter
	meters  map[string]meter // of its book
}

// invoice is an invoice's document.
type invoice struct {
	Account  string `json:"account"`
	Plan     string `json:"plan"`
	Month    string `json:"month"`
	Revision int    `json:"revision"`
	Currency string `json:"currency"`
	Status   string `json:"status"`
	Reason   string `json:"reason"`
	Total    string `json:"total"`
	Lines    []struct {
		App       string `json:"app"`
		Meter     string `json:"meter"`
		Item      string `json:"item"`
		Quantity  string `json:"quantity"`
		Free      string `json:"free"`
		Billable  string `json:"billable"`
		UnitPrice string `json:"unit_price"`
		Amount    string `json:"amount"`
		Source    *struct {
			Book    string `json:"book"`
			Version string `json:"version"`
		} `json:"source"`
	} `json:"lines"`
	Prepaid []struct {
		Date     string `json:"date"`
		App      string `json:"app"`
		Item     string `json:"item"`
		Quantity string `json:"quantity"`
		Amount   string `json:"amount"`
		From     string `json:"from"`
		Until    string `json:"until"`
	} `json:"prepaid"`
	Balances []struct {
		Package   string `json:"package"`
		Quantity  string `json:"quantity"`
		Drawn     string `json:"drawn"`
		Remaining string `json:"remaining"`
	} `json:"balances"`
	Daily []struct {
		Day    string `json:"day"`
		Amount string `json:"amount"`
		By     string `json:"by"`
	} `json:"daily"`
	DeductFrom  string `json:"deduct_from"`
	DeductUntil string `json:"deduct_until"`
}

func (x *invoice) place() string {
	return fmt.Sprintf("invoice of %s for %s, revision %d", x.Account, x.Month, x.Revision)
}

// leftovers are what is left of packages, by account and package.
type leftovers map[string]map[string]*big.Rat

// prices are accounts and books as the closing holds them, and the invoices made of them.
type prices struct {
	month    *reprice.Period // nil: they cannot be read
	invoices []invoice       // of the close: the month's, and further revisions of the month before
	planIs   map[string]*plan
}

// readPrices reads what the closing was priced by, and lays out the month: who is billed for which app, by which plan.
func (m *closedMonth) readPrices(r *report.Report) *prices {
	p := &prices{planIs: map[string]*plan{}}
	for _, stored := range m.stored.Invoices {
		var x invoice
		if err := json.Unmarshal(stored.Document, &x); err != nil {
			r.Wrong("invoices", fmt.Sprintf("ledger, invoice of %s, %s", stored.Account, stored.Month), "a document that can be read", err.Error())
			continue
		}
		p.invoices = append(p.invoices, x)
	}
	p.month = m.layOut(m.subject.Month, m.subject.Closing.Books, m.subject.Closing.Accounts, "the closing of "+m.name, r)
	if p.month == nil {
		return p
	}
	for id, x := range p.month.Plans() {
		to := &plan{x.ID, map[string]bool{}, x.Meters}
		for _, name := range x.Charges {
			to.charges[name] = true
		}
		p.planIs[id] = to
	}
	return p
}

// layOut reads accounts and books and lays out a month by them; nil where they cannot be read, which the report says.
func (m *closedMonth) layOut(month recount.Month, books map[string][]byte, accounts []byte, of string, r *report.Report) *reprice.Period {
	sheet, err := reprice.Read(books, accounts, m.subject.Zone)
	var laid *reprice.Period
	if err == nil {
		laid, err = sheet.Period(int(month)/12, time.Month(int(month)%12+1))
	}
	if err != nil {
		r.Wrong("prices", "accounts and books of "+of, "files that can be read", err.Error())
		return nil
	}
	return laid
}

// accountsOf returns who is billed for an app; none where nobody is.
func (p *prices) accountsOf(app string) []string {
	if p.month != nil {
		if owner := p.month.Owner(app); owner != "" {
			return []string{owner}
		}
	}
	return nil
}

// usageOf is the recount as prices need it.
func usageOf(apps map[string]*recount.App, rules *recount.Rules, of *reprice.Period) reprice.Usage {
	plans := of.Plans()
	return func(name, meter string) (q reprice.Quantity) {
		a := apps[name]
		if a == nil {
			return q
		}
		def := plans[of.Owner(name)].Meters[meter]
		exact, days := a.Value(meter, def.Aggregate, rules.Set(def.Kinds))
		q.Value, q.Days = rational(exact), map[int]*big.Rat{}
		for day, n := range days {
			if n > 0 {
				q.Days[day] = rational(n)
			}
		}
		return q
	}
}

func rational(n uint64) *big.Rat { return new(big.Rat).SetInt(new(big.Int).SetUint64(n)) }

// decimal reads an amount; what is none is 0, and differs from what it should be.
func decimal(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return new(big.Rat)
	}
	return r
}
