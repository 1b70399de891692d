package verify

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/goccy/go-yaml"
)

// meter is what a book says of a meter.
type meter struct {
	Aggregate string   `yaml:"aggregate"`
	Kinds     []string `yaml:"kinds"`
}

// charge is what a plan asks for a meter.
type charge struct {
	Model     string `yaml:"model"`
	Free      string `yaml:"free"`
	UnitPrice string `yaml:"unit_price"`
	Block     string `yaml:"block"`
}

type priceBook struct {
	Book   string           `yaml:"book"`
	Digits int              `yaml:"minor_digits"`
	Meters map[string]meter `yaml:"meters"`
	Plans  map[string]*plan `yaml:"plans"`
}

type plan struct {
	Reported bool              `yaml:"reported"`
	Charges  map[string]charge `yaml:"charges"`

	id   string
	book *priceBook
}

type account struct {
	ID        string            `yaml:"id"`
	Apps      []string          `yaml:"apps"`
	Plan      string            `yaml:"plan"`
	From      string            `yaml:"from"`
	Overrides map[string]string `yaml:"overrides"`
	Changes   []struct {
		At   string `yaml:"at"`
		Plan string `yaml:"plan"`
	} `yaml:"changes"`
}

// invoice is an invoice's document.
type invoice struct {
	Account  string `json:"account"`
	Plan     string `json:"plan"`
	Month    string `json:"month"`
	Revision int    `json:"revision"`
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
	} `json:"lines"`
}

// prices are accounts and books as the closing holds them, and the invoices made of them.
type prices struct {
	plans    map[string]*plan // by id
	accounts map[string]*account
	byApp    map[string][]*account
	invoices []invoice
	planIs   map[string]*plan // of an account in the month, by its invoice
}

// readPrices reads what the closing was priced by. Of an account's life only from and changes are read here: which plan is in
// force is taken from its invoice, and must be one that the account names.
func (v *verification) readPrices() *prices {
	p := &prices{plans: map[string]*plan{}, accounts: map[string]*account{}, byApp: map[string][]*account{}, planIs: map[string]*plan{}}
	for _, name := range slices.Sorted(maps.Keys(v.closing.Books)) {
		b := &priceBook{}
		if err := yaml.Unmarshal(v.closing.Books[name], b); err != nil {
			v.report.wrong("prices", "the closing's book "+name, "a book that can be read", err.Error())
			continue
		}
		for id, x := range b.Plans {
			x.id, x.book = b.Book+"/"+id, b
			p.plans[x.id] = x
		}
	}
	var file struct {
		Accounts []*account `yaml:"accounts"`
	}
	if err := yaml.Unmarshal(v.closing.Accounts, &file); err != nil {
		v.report.wrong("prices", "the closing's accounts", "accounts that can be read", err.Error())
	}
	for _, a := range file.Accounts {
		p.accounts[a.ID] = a
		for _, app := range a.Apps {
			p.byApp[app] = append(p.byApp[app], a)
		}
	}
	for _, stored := range v.stored.Invoices {
		var x invoice
		if err := json.Unmarshal(stored.Document, &x); err != nil {
			v.report.wrong("invoices", fmt.Sprintf("ledger, invoice of %s, %s", stored.Account, stored.Month), "a document that can be read", err.Error())
			continue
		}
		p.invoices = append(p.invoices, x)
		if x.Month != v.Month || x.Revision != 1 {
			continue
		}
		a := p.accounts[x.Account]
		if a == nil {
			v.report.wrong("invoices", "invoice of "+x.Account, "an account of the closing", "none of that name")
			continue
		}
		v.report.same("invoices", a.names(v, x.Plan), true, "invoice of %s: its plan %s is one that the account names", x.Account, x.Plan)
		p.planIs[x.Account] = p.plans[x.Plan]
	}
	return p
}

// names says whether the account names a plan, at first or by a change before the month's end.
func (a *account) names(v *verification, id string) bool {
	named := id == a.Plan
	for _, c := range a.Changes {
		named = named || c.Plan == id && v.moment(c.At).UnixMilli() < v.rules.end()
	}
	return named
}

// moment reads a date, which begins in the billing zone, or a time.
func (v *verification) moment(s string) time.Time {
	if t, err := time.ParseInLocation("2006-01-02", s, v.book.zone); err == nil {
		return t
	}
	t, _ := time.Parse(time.RFC3339, s)
	return t
}

// accountsOf returns the accounts with an invoice that name the app: more than one where it moved within the month.
func (p *prices) accountsOf(v *verification, app string) (found []string) {
	for _, a := range p.byApp[app] {
		if p.planIs[a.ID] != nil && v.moment(a.From).UnixMilli() < v.rules.end() {
			found = append(found, a.ID)
		}
	}
	return found
}

// number reads a decimal; empty is 0.
func number(s string) *big.Rat {
	if r, ok := new(big.Rat).SetString(s); ok && !strings.ContainsAny(s, "/eE") {
		return r
	}
	return new(big.Rat)
}

// rounded returns a number with so many decimals, half away from zero.
func rounded(r *big.Rat, decimals int) *big.Rat {
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil))
	x := new(big.Rat).Mul(r, scale)
	x.Add(x, new(big.Rat).Mul(big.NewRat(1, 2), big.NewRat(int64(x.Sign()), 1)))
	return new(big.Rat).Quo(new(big.Rat).SetInt(new(big.Int).Quo(x.Num(), x.Denom())), scale)
}

func text(r *big.Rat) string {
	for decimals := range 40 {
		if rounded(r, decimals).Cmp(r) == 0 {
			return r.FloatString(decimals)
		}
	}
	return r.String()
}

// checkInvoices rates the month's lines again, as far as this package knows how, and adds up every invoice.
func (v *verification) checkInvoices() error {
	for _, x := range v.prices.invoices {
		at := fmt.Sprintf("invoice of %s for %s, revision %d", x.Account, x.Month, x.Revision)
		sum := new(big.Rat)
		for _, l := range x.Lines {
			sum.Add(sum, number(l.Amount))
		}
		v.report.same("invoices", text(number(x.Total)), text(sum), "%s: total, by its lines", at)
		if x.Month != v.Month || x.Revision != 1 {
			v.report.remark("%s: what came late was not priced again", at)
			continue
		}
		p, a := v.prices.planIs[x.Account], v.prices.accounts[x.Account]
		if p == nil || a == nil {
			continue
		}
		if p.book.Book != "tcmpp" && p.book.Book != "tcsas" {
			v.report.remark("%s: lines of the book %s were added up, not priced again", at, p.book.Book)
			continue
		}
		v.rate(at, &x, a, p)
	}
	return nil
}

// rate prices a plan whose quota is each app's.
func (v *verification) rate(at string, x *invoice, a *account, p *plan) {
	billed := map[string]bool{}
	for _, l := range x.Lines {
		c, ok := p.Charges[l.Meter]
		if l.Item != "" || !ok || !slices.Contains(a.Apps, l.App) || billed[l.App+"\x00"+l.Meter] {
			v.report.wrong("lines", fmt.Sprintf("%s: app %s, %s%s", at, l.App, l.Meter, l.Item), "no such line", l.Amount)
			continue
		}
		billed[l.App+"\x00"+l.Meter] = true
		if len(v.prices.accountsOf(v, l.App)) != 1 {
			v.report.remark("%s: app %s is in several accounts in the month: its line was not priced again", at, l.App)
			continue
		}
		for field, to := range map[string]*string{"free": &c.Free, "unit_price": &c.UnitPrice, "block": &c.Block} {
			if o, ok := a.Overrides[l.Meter+"."+field]; ok {
				*to = o
			}
		}
		quantity := uint64(0)
		if counted := v.apps[l.App]; counted != nil {
			quantity, _ = v.value(counted, l.Meter, p.book.Meters[l.Meter])
		}
		same := func(what, got string, want *big.Rat) {
			v.report.same("lines", text(number(got)), text(want), "%s: app %s, %s: %s", at, l.App, l.Meter, what)
		}
		q := new(big.Rat).SetInt(new(big.Int).SetUint64(quantity))
		over := new(big.Rat).Sub(q, number(c.Free))
		if over.Sign() < 0 {
			over = new(big.Rat)
		}
		amount := new(big.Rat).Mul(over, number(c.UnitPrice))
		if p.Reported {
			amount = new(big.Rat)
		}
		same("quantity", l.Quantity, q)
		same("free", l.Free, number(c.Free))
		if !p.Reported {
			same("billable", l.Billable, over)
			same("unit price", l.UnitPrice, number(c.UnitPrice))
		}
		same("amount", l.Amount, rounded(amount, p.book.Digits))
	}
	for _, app := range a.Apps {
		for name := range p.Charges {
			if c := v.apps[app]; c != nil && c.listed && len(v.prices.accountsOf(v, app)) == 1 && !billed[app+"\x00"+name] {
				v.report.wrong("lines", fmt.Sprintf("%s: app %s, %s", at, app, name), "a line", "none")
			}
		}
	}
}
