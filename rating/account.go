package rating

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"headcount/internal/strict"
)

// Accounts is what an accounts file says: who is billed for which apps, on which plan, since when. It does not change once it
// is parsed and may be used by many at once.
type Accounts struct {
	file  string                // or folder
	list  []*account            // by id
	index map[string]int32      // of an app's account in list, the first of several
	more  map[string][]*account // of an app that several name: all of them, in the order of the list
}

// newAccounts puts together what was read.
func newAccounts(file string, list []*account) (*Accounts, error) {
	a := &Accounts{file: file, list: list, more: make(map[string][]*account)}
	slices.SortStableFunc(a.list, func(x, y *account) int { return strings.Compare(x.id, y.id) })
	apps := 0
	for i, x := range a.list {
		apps += len(x.apps)
		if i > 0 && a.list[i-1].id == x.id {
			e := x.at.Errorf("account %q is there twice, first in %s", x.id, a.list[i-1].seenFrom(x))
			e.Field = strings.TrimPrefix(e.Field+".id", ".")
			return nil, e
		}
	}
	a.index = make(map[string]int32, apps)
	for i, x := range a.list {
		for _, app := range x.apps {
			first, there := a.index[app]
			if !there {
				a.index[app] = int32(i)
				continue
			}
			if a.more[app] == nil {
				a.more[app] = []*account{a.list[first]}
			}
			a.more[app] = append(a.more[app], x)
		}
	}
	if err := a.lookalikes(); err != nil {
		return nil, err
	}
	return a, nil
}

// of returns the accounts that name an app, by id. They are not to be changed.
func (a *Accounts) of(app string) []*account {
	if all := a.more[app]; all != nil {
		return all
	}
	i, ok := a.index[app]
	if !ok {
		return nil
	}
	return a.list[i : i+1]
}

// seenFrom is where an account stands, for an error placed at another: with the file's name, where that is another.
func (x *account) seenFrom(other *account) string {
	if x.at.File != other.at.File {
		return x.at.Where()
	}
	return "line " + strconv.Itoa(x.at.Line)
}

// account is one entry of the file, as written. Fields left out are zero or nil.
type account struct {
	at        strict.Place
	id        string
	apps      []string // sorted
	plan      planRef
	from      Moment
	until     *Moment
	untilAt   strict.Place
	term      Term
	termAt    strict.Place
	renew     bool
	overrides []override
	late      string // bill, report
	changes   []change
	addons    []addon
	packages  []pack
	orders    []order
	bills     []bill
	cancelled ending
	disabled  ending
	party     Party
	tax       *taxation // nil: none is said
	terms     *Terms    // nil: none are said

	established bool // of a what-if: a standing customer, whose first month is past
}

// ending is when an account ended before its time; a nil moment: it did not.
type ending struct {
	*Moment
	at strict.Place
}

type planRef struct {
	at strict.Place
	id string
}

// override is a field that the contract says otherwise: of a meter, or the fee of the plan or of an item.
type override struct {
	at           strict.Place
	meter, field string
	value        decimal.Decimal
}

// What the override of a fee is called: plan.fee, push.fee.
const (
	planFee  = "plan"
	feeField = "fee"
)

type change struct {
	at   strict.Place
	when Moment
	plan planRef
}

type addon struct {
	at         strict.Place
	item       string
	itemAt     strict.Place
	from       Moment
	until      *Moment
	quantity   *decimal.Decimal
	quantityAt strict.Place
	option     int
	optionAt   strict.Place
	app        string // "": each app
}

type pack struct {
	at        strict.Place
	item      string
	itemAt    strict.Place
	bought    Moment
	price     decimal.Decimal
	priceAt   strict.Place
	quantity  *decimal.Decimal
	mau       int
	mauAt     strict.Place
	remaining *decimal.Decimal
	leftAt    strict.Place
	term      Term
	app       string
}

type order struct {
	at                    strict.Place
	when                  Moment
	plan                  *planRef
	term                  Term
	listed                bool // no amounts given: list price, cash
	cash, credit, voucher decimal.Decimal
	money                 []placed // those given
}

// placed is an amount, and where it stands.
type placed struct {
	at     strict.Place
	amount decimal.Decimal
}

type bill struct {
	at     strict.Place
	month  Month
	pushed Moment
	paid   *Moment
}

const (
	lateBill   = "bill"
	lateReport = "report"
)

func (a *Accounts) find(id string) *account {
	i, ok := slices.BinarySearchFunc(a.list, id, func(x *account, id string) int {
		switch {
		case x.id < id:
			return -1
		case x.id > id:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return a.list[i]
}

// IDs returns the accounts' ids, sorted.
func (a *Accounts) IDs() []string {
	out := make([]string, len(a.list))
	for i, x := range a.list {
		out[i] = x.id
	}
	return out
}

// Apps returns every app that an account names, sorted.
func (a *Accounts) Apps() []string { return slices.Sorted(maps.Keys(a.index)) }

// AppsOf returns the apps that an account names, sorted; nil where there is no such account.
func (a *Accounts) AppsOf(id string) []string {
	if x := a.find(id); x != nil {
		return slices.Clone(x.apps)
	}
	return nil
}
