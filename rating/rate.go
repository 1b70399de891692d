package rating

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"headcount/internal/strict"
)

// Input is all that decides a month's invoices.
type Input struct {
	Month    Month
	Zone     *time.Location
	Usage    Usage
	Accounts *Accounts
	Catalog  *Catalog
	Balances []Balance // left of packages at the end of the month before (see Balances); a package not in it is as its account says
}

// Rate returns the month's invoices: one for every account in force, sorted by account.
func Rate(in Input) ([]Invoice, error) {
	b, err := open(in)
	if err != nil {
		return nil, err
	}
	return b.rate()
}

func (b *prepared) rate() ([]Invoice, error) {
	invoices := []Invoice{}
	for _, x := range b.Accounts.list {
		if v := b.views[x]; v != nil {
			invoice, err := b.rater(x, v).invoice()
			if err != nil {
				return nil, err
			}
			invoices = append(invoices, invoice)
		}
	}
	return invoices, nil
}

// prepared is an input made ready: checked, indexed, and laid on the time axis.
type prepared struct {
	Input
	usage     map[string]*AppUsage
	contracts map[*account]*contract
	views     map[*account]*monthView // nil: not in force in the month
	left      map[string][]Balance    // by account
}

func open(in Input) (*prepared, error) {
	if in.Accounts == nil || in.Catalog == nil {
		return nil, errors.New("rate: accounts or catalog are missing")
	}
	if in.Zone == nil {
		in.Zone = time.UTC
	}
	if err := checkMonth(in.Month); err != nil {
		return nil, err
	}
	if in.Usage.Month != 0 && in.Usage.Month != in.Month {
		return nil, fmt.Errorf("the usage is of %s, not of %s", in.Usage.Month, in.Month)
	}
	contracts, err := in.Accounts.contracts(in.Catalog, in.Zone)
	if err != nil {
		return nil, err
	}
	b := &prepared{
		Input: in, usage: make(map[string]*AppUsage, len(in.Usage.Apps)),
		contracts: contracts, views: make(map[*account]*monthView, len(in.Accounts.list)),
		left: make(map[string][]Balance),
	}
	for _, l := range in.Balances {
		b.left[l.Account] = append(b.left[l.Account], l)
	}
	for i := range in.Usage.Apps {
		a := &in.Usage.Apps[i]
		b.usage[a.App] = a
		for j, m := range a.Meters {
			if known, all := in.Catalog.meter(m.Meter); !known {
				return nil, fmt.Errorf("%s: usage[%d].meters[%d].meter: no book has a meter %q%s", in.Usage.at(m.line), i, j, m.Meter, strict.DidYouMean(m.Meter, all))
			}
		}
	}
	for _, x := range in.Accounts.list {
		b.views[x] = contracts[x].month(in.Month)
	}
	return b, nil
}

// owner returns who is billed for an app in the month: of several, the account in force last. Past its expiry an account gives
// way to any that is in force.
func (a *Accounts) owner(app string, view func(*account) *monthView) (owner *account) {
	var best *monthView
	for _, x := range a.of(app) {
		v := view(x)
		if v != nil && (best == nil || best.grace && !v.grace || best.grace == v.grace && v.last.After(best.last)) {
			owner, best = x, v
		}
	}
	return owner
}

// rater makes one account's invoice.
type rater struct {
	*prepared
	c       *contract
	v       *monthView
	plan    *Plan
	book    *Book
	apps    []string  // those it is billed for in the month
	charges []*Charge // of the plan, as its contract has them
	extras  []extra   // of items, likewise
	fee     *monthFee // nil: none
	carried map[string]decimal.Decimal
	held    []*holding
	lines   []Line
	total   decimal.Decimal
	reasons []string // to hold the invoice
	byDay   []decimal.Decimal
	hasDays bool
}

// extra is what an item charges while it is on.
type extra struct {
	item   *Item
	charge *Charge
}

func (b *prepared) rater(x *account, v *monthView) *rater {
	r := &rater{prepared: b, c: b.contracts[x], v: v, plan: v.plan, book: v.plan.Book}
	view := func(y *account) *monthView { return b.views[y] }
	for _, app := range x.apps {
		if len(b.Accounts.of(app)) == 1 || b.Accounts.owner(app, view) == x {
			r.apps = append(r.apps, app)
		}
	}
	for _, c := range r.plan.Charges {
		r.charges = append(r.charges, c.with(r.book, x.overrides))
	}
	for _, item := range r.book.Items {
		for _, c := range item.Charges {
			r.extras = append(r.extras, extra{item, c.with(r.book, x.overrides)})
		}
	}
	r.lines = make([]Line, 0, len(r.apps)*len(r.charges))
	return r
}

func (r *rater) invoice() (Invoice, error) {
	for _, balance := range r.left[r.c.acc.id] {
		d, ok := parseDecimal(balance.Remaining)
		if !ok {
			return Invoice{}, fmt.Errorf("balance of %s of account %s: %q is no quantity", balance.Package, balance.Account, balance.Remaining)
		}
		if r.carried == nil {
			r.carried = make(map[string]decimal.Decimal)
		}
		r.carried[balance.Package] = d
	}
	r.held = r.holdings()
	r.fee = r.monthFee()
	if r.book.Rules.QuotaPer == perAccount {
		if err := r.meters("", r.apps); err != nil {
			return Invoice{}, err
		}
	}
	for i, app := range r.apps {
		if r.book.Rules.QuotaPer == perApp {
			if err := r.meters(app, r.apps[i:i+1]); err != nil {
				return Invoice{}, err
			}
		}
		r.planFee(app)
		r.addons(app)
	}
	out := Invoice{
		Account: r.c.acc.id, Plan: r.plan.ID(), Month: r.Month, Revision: 1, Currency: r.book.Currency, Status: StatusFinal,
		Lines: r.lines, Total: r.money(r.total), Prepaid: r.prepaid(), Balances: r.balances(), Daily: r.daily(),
	}
	out.DeductFrom, out.DeductUntil = r.book.Rules.deducted(r.Month)
	if len(r.reasons) > 0 {
		out.Status, out.Reason = StatusHeld, strings.Join(r.reasons, "; ")
	}
	r.c.acc.addressed(&out)
	return out, out.settle(r.book.Digits, nil)
}
