package rating

import (
	"slices"

	"github.com/shopspring/decimal"
)

// Accounts is what an accounts file says: who is billed for which apps, on which plan, since when. It does not change once it
// is parsed and may be used by many at once.
type Accounts struct {
	file  string
	list  []*account // by id
	byApp map[string][]*account
}

// account is one entry of the file, as written. Fields left out are zero or nil.
type account struct {
	at        place
	id        string
	apps      []string // sorted
	plan      planRef
	from      Moment
	until     *Moment
	untilAt   place
	term      Term
	termAt    place
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

	established bool // of a what-if: a standing customer, whose first month is past
}

// ending is when an account ended before its time; a nil moment: it did not.
type ending struct {
	*Moment
	at place
}

type planRef struct {
	at place
	id string
}

type override struct {
	at           place
	meter, field string
	value        decimal.Decimal
}

type change struct {
	at   place
	when Moment
	plan planRef
}

type addon struct {
	at         place
	item       string
	itemAt     place
	from       Moment
	until      *Moment
	quantity   *decimal.Decimal
	quantityAt place
	option     int
	optionAt   place
	app        string // "": each app
}

type pack struct {
	at        place
	item      string
	itemAt    place
	bought    Moment
	price     decimal.Decimal
	quantity  *decimal.Decimal
	mau       int
	mauAt     place
	remaining *decimal.Decimal
	leftAt    place
	term      Term
	app       string
}

type order struct {
	at                    place
	when                  Moment
	plan                  *planRef
	term                  Term
	listed                bool // no amounts given: list price, cash
	cash, credit, voucher decimal.Decimal
}

type bill struct {
	at     place
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

// AppsOf returns the apps that an account names, sorted; nil where there is no such account.
func (a *Accounts) AppsOf(id string) []string {
	if x := a.find(id); x != nil {
		return slices.Clone(x.apps)
	}
	return nil
}
