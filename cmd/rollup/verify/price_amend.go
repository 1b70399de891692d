package verify

import (
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/go-json-experiment/json"

	"headcount/cmd/rollup/verify/reprice"
	"headcount/rating/ledger"
)

// amendedMonth is the month as its newest amendment prices it.
type amendedMonth struct {
	ledger.Amendment
	month *reprice.Month
	plans map[string]reprice.Plan
}

func (a *amendedMonth) String() string { return fmt.Sprintf("amendment %d of %s", a.Number, a.Month) }

// openAmended lays out the month by its newest amendment; nil where it has none, or one that prices what came late too: that is not
// in the log up to the seal.
func (v *verification) openAmended() (*amendedMonth, error) {
	all, err := v.Ledger.Amendments(v.ctx, ledgerMonth(v.Month))
	if err != nil {
		return nil, inLedger(err)
	}
	if v.amendments = len(all); v.amendments == 0 {
		return nil, nil
	}
	a := &amendedMonth{Amendment: all[len(all)-1]}
	months, err := v.Ledger.Months(v.ctx)
	if err != nil {
		return nil, inLedger(err)
	}
	for _, m := range months {
		if m.Month.String() > v.Month && !m.Closed.IsZero() && !m.Closed.After(a.At) {
			v.report.remark("%s was made when what came late was settled: its revisions were added up, not priced again", a)
			return nil, nil
		}
	}
	if a.month = v.layOut(v.month, a.Books, a.Accounts, a.String()); a.month == nil {
		return nil, nil
	}
	a.plans = a.month.Plans()
	return a, nil
}

// meters returns what the amended plan of an app counts.
func (a *amendedMonth) meters(app string) map[string]meter {
	if a == nil {
		return nil
	}
	return a.plans[a.month.Owner(app)].Meters
}

// priceAmended holds what all revisions come to against what the month costs by its newest amendment.
func (v *verification) priceAmended(left leftovers) error {
	if v.amended == nil {
		return nil
	}
	rated, err := v.amended.month.Rate(v.usage(v.apps, v.rules, v.amended.month), left)
	if err != nil {
		v.report.wrong("prices", "accounts and books of "+v.amended.String(), "files that can be read", err.Error())
		return nil
	}
	stored, err := v.Ledger.Invoices(v.ctx, ledgerMonth(v.Month))
	if err != nil {
		return inLedger(err)
	}
	over := map[string]*big.Rat{} // billed, less what is right
	add := func(amount *big.Rat, format string, args ...any) {
		k := fmt.Sprintf(format, args...)
		if over[k] == nil {
			over[k] = new(big.Rat)
		}
		over[k].Add(over[k], amount)
	}
	for _, s := range stored {
		var x invoice
		if err := json.Unmarshal(s.Document, &x); err != nil || s.Closing.String() != v.Month {
			continue // what came late is of a later close
		}
		sum := new(big.Rat)
		for _, l := range x.Lines {
			sum.Add(sum, decimal(l.Amount))
			add(decimal(l.Amount), "account %s, app %s, %s%s", x.Account, l.App, l.Meter, l.Item)
		}
		if s.Revision > 1 {
			v.report.same("amendments", reprice.Text(decimal(x.Total)), reprice.Text(sum), "%s: total, by its lines", x.place())
		}
		for _, p := range x.Prepaid {
			add(decimal(p.Amount), "account %s, app %q, paid ahead on %s for %s, %s to %s", x.Account, p.App, p.Date, p.Item, p.From, p.Until)
		}
	}
	for id, want := range rated {
		for _, l := range want.Lines {
			add(new(big.Rat).Neg(l.Amount), "account %s, app %s, %s%s", id, l.App, l.Meter, l.Item)
		}
		for _, p := range want.Prepaid {
			add(new(big.Rat).Neg(p.Amount), "account %s, app %q, paid ahead on %s for %s, %s to %s", id, p.App, p.Date, p.Item, p.From, p.Until)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(over)) {
		v.report.same("amendments", reprice.Text(over[k]), "0", "%s: %s: billed over all revisions, less what is right", v.amended, k)
	}
	return nil
}
