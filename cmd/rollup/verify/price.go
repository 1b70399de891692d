package verify

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"headcount/cmd/rollup/verify/reprice"
)

// meter is what a book says of a meter.
type meter = reprice.Meter

// priceBook is the book of a plan.
type priceBook struct{ Meters map[string]meter }

// plan is the plan of an account in the month.
type plan struct {
	Charges map[string]bool // by meter

	id   string
	book *priceBook
}

// invoice is an invoice's document.
type invoice struct {
	Account  string `json:"account"`
	Plan     string `json:"plan"`
	Month    string `json:"month"`
	Revision int    `json:"revision"`
	Currency string `json:"currency"`
	Status   string `json:"status"`
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
	month    *reprice.Month // nil: they cannot be read
	invoices []invoice      // of the close: the month's, and further revisions of the month before
	planIs   map[string]*plan
}

// readPrices reads what the closing was priced by, and lays out the month: who is billed for which app, by which plan.
func (v *verification) readPrices() *prices {
	p := &prices{planIs: map[string]*plan{}}
	for _, stored := range v.stored.Invoices {
		var x invoice
		if err := json.Unmarshal(stored.Document, &x); err != nil {
			v.report.wrong("invoices", fmt.Sprintf("ledger, invoice of %s, %s", stored.Account, stored.Month), "a document that can be read", err.Error())
			continue
		}
		p.invoices = append(p.invoices, x)
	}
	p.month = v.layOut(v.month, v.closing.Books, v.closing.Accounts, "the closing of "+v.Month)
	if p.month == nil {
		return p
	}
	for id, x := range p.month.Plans() {
		to := &plan{id: x.ID, Charges: map[string]bool{}, book: &priceBook{x.Meters}}
		for _, name := range x.Charges {
			to.Charges[name] = true
		}
		p.planIs[id] = to
	}
	return p
}

// layOut reads accounts and books and lays out a month by them; nil where they cannot be read, which the report says.
func (v *verification) layOut(m month, books map[string][]byte, accounts []byte, of string) *reprice.Month {
	sheet, err := reprice.Read(books, accounts, v.book.zone)
	var laid *reprice.Month
	if err == nil {
		laid, err = sheet.Month(int(m)/12, time.Month(int(m)%12+1))
	}
	if err != nil {
		v.report.wrong("prices", "accounts and books of "+of, "files that can be read", err.Error())
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

// usage is the recount as prices need it.
func (v *verification) usage(apps map[string]*app, rules *monthRules, of *reprice.Month) reprice.Usage {
	plans := of.Plans()
	return func(name, meter string) (q reprice.Quantity) {
		a := apps[name]
		if a == nil {
			return q
		}
		exact, days := v.valueIn(rules, a, meter, plans[of.Owner(name)].Meters[meter])
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

// checkInvoices rates the month again by a second rating and holds every invoice against it: those of the month, and what was
// settled late of the month before.
func (v *verification) checkInvoices() error {
	for i := range v.prices.invoices {
		x := &v.prices.invoices[i]
		sum := new(big.Rat)
		for _, l := range x.Lines {
			sum.Add(sum, decimal(l.Amount))
		}
		v.report.same("invoices", reprice.Text(decimal(x.Total)), reprice.Text(sum), "%s: total, by its lines", x.place())
	}
	if v.prices.month == nil {
		return nil
	}
	var left leftovers
	if v.closing.Previous != nil {
		var err error
		if left, err = v.left(v.closing.Previous.Month.String()); err != nil {
			return err
		}
	}
	if err := v.priceMonth(left); err != nil {
		return err
	}
	if err := v.priceAmended(left); err != nil {
		return err
	}
	if v.closing.Previous == nil {
		return nil
	}
	return v.priceLate()
}

func (v *verification) priceMonth(left leftovers) error {
	rated, err := v.prices.month.Rate(v.usage(v.apps, v.rules, v.prices.month), left)
	if err != nil {
		v.report.wrong("prices", "accounts and books of the closing of "+v.Month, "files that can be read", err.Error())
		return nil
	}
	for i := range v.prices.invoices {
		x := &v.prices.invoices[i]
		if x.Month != v.Month {
			continue
		}
		want := rated[x.Account]
		if want == nil || x.Revision != 1 {
			v.report.wrong("invoices", x.place(), "no such invoice", x.Total)
			continue
		}
		delete(rated, x.Account)
		v.compareInvoice(x, want)
	}
	for _, id := range slices.Sorted(maps.Keys(rated)) {
		v.report.wrong("invoices", fmt.Sprintf("invoice of %s for %s", id, v.Month), "one of "+reprice.Text(rated[id].Total), "none")
	}
	return nil
}

// left returns what the month before left of packages, by its invoices.
func (v *verification) left(month string) (leftovers, error) {
	issued, err := v.issued(month)
	if err != nil {
		return nil, err
	}
	left := leftovers{}
	for _, x := range issued { // a later revision's are newer
		for _, b := range x.Balances {
			if left[x.Account] == nil {
				left[x.Account] = map[string]*big.Rat{}
			}
			left[x.Account][b.Package] = decimal(b.Remaining)
		}
	}
	return left, nil
}

// issued returns the revisions of an earlier month's invoices as they stood when this close was done. Those that an amendment
// made since are the last of their account, behind what this close made.
func (v *verification) issued(month string) ([]invoice, error) {
	all, err := v.Ledger.Invoices(v.ctx, ledgerMonth(month))
	if err != nil {
		return nil, inLedger(err)
	}
	newest := map[string]int{} // revision that this close made, by account
	for i := range v.prices.invoices {
		if x := &v.prices.invoices[i]; x.Month == month {
			newest[x.Account] = x.Revision
		}
	}
	amendments, err := v.Ledger.Amendments(v.ctx, ledgerMonth(month))
	if err != nil {
		return nil, inLedger(err)
	}
	amended := false
	for _, a := range amendments {
		amended = amended || a.At.After(v.stored.At)
	}
	var out []invoice
	for _, s := range all {
		last, ok := newest[s.Account]
		if ok && s.Revision > last || !ok && s.Revision > 1 && s.Closing.String() == month && amended {
			continue
		}
		var x invoice
		if err := json.Unmarshal(s.Document, &x); err != nil {
			v.report.wrong("invoices", fmt.Sprintf("ledger, invoice of %s, %s", s.Account, s.Month), "a document that can be read", err.Error())
			continue
		}
		out = append(out, x)
	}
	return out, nil
}

// decimal reads an amount; what is none is 0, and differs from what it should be.
func decimal(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return new(big.Rat)
	}
	return r
}
