package closed

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"headcount/events"
	"headcount/rating/ledger"
)

// State is where a month stands.
type State string

const (
	StateOpen    State = "open"    // events are counted; it has no closing
	StateClosing State = "closing" // its close has begun and is not done
	StateHeld    State = "held"    // it is closed, and an invoice waits for a release
	StateClosed  State = "closed"
)

// Standing is a month as lists show it: where it stands, and what it comes to.
type Standing struct {
	Month      events.Month `json:"month"`
	State      State        `json:"state"`
	Closed     *time.Time   `json:"closed"`     // null: it is not
	Amendments int          `json:"amendments"` // on the record since
	Invoices   int          `json:"invoices"`   // accounts that have one, of however many revisions
	Held       []string     `json:"held"`       // accounts whose invoice waits for a release, sorted
	Totals     []Total      `json:"totals"`     // of all revisions, by currency
}

// Total is what a month's invoices come to in a currency, decimals as text.
type Total struct {
	Currency string `json:"currency"`
	Total    string `json:"total"` // held invoices in it
	Held     string `json:"held"`  // of held invoices
}

// MonthList is Books, and which months there are: a *ledger.Ledger's methods.
type MonthList interface {
	Books
	Months(ctx context.Context) ([]ledger.MonthState, error)
}

// Months lists the months that have a closing, and those of open, which have events, by month. It returns a *UnreachableError where the
// ledger cannot be read; l is nil where there is none yet.
func Months(ctx context.Context, l MonthList, open []events.Month) ([]Standing, error) {
	all := map[events.Month]Standing{}
	for _, m := range open {
		all[m] = Standing{Month: m, State: StateOpen, Held: []string{}, Totals: []Total{}}
	}
	if l != nil {
		states, err := l.Months(ctx)
		if err != nil {
			return nil, LedgerFailed(err)
		}
		for _, s := range states {
			if all[s.Month], err = Stands(ctx, l, s); err != nil {
				return nil, err
			}
		}
	}
	list := make([]Standing, 0, len(all))
	for _, m := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[m])
	}
	return list, nil
}

// Stands tells where a month that has a closing stands.
func Stands(ctx context.Context, l Books, of ledger.MonthState) (Standing, error) {
	s := Standing{Month: of.Month, State: StateClosing, Held: []string{}, Totals: []Total{}}
	if of.Closed.IsZero() {
		return s, nil
	}
	s.State, s.Closed = StateClosed, &of.Closed
	amendments, err := l.Amendments(ctx, of.Month)
	if err != nil {
		return s, LedgerFailed(err)
	}
	s.Amendments = len(amendments)
	invoices, err := l.Invoices(ctx, of.Month)
	if err != nil {
		return s, LedgerFailed(err)
	}
	accounts, held := map[string]bool{}, map[string]bool{}
	sums := map[string]*[2]decimal.Decimal{} // all, and held
	for _, v := range invoices {
		accounts[v.Account] = true
		amount, err := decimal.NewFromString(v.Total)
		if err != nil {
			return s, fmt.Errorf("ledger, invoice of %s for %s: total: %w", v.Account, v.Month, err)
		}
		if sums[v.Currency] == nil {
			sums[v.Currency] = &[2]decimal.Decimal{}
		}
		sum := sums[v.Currency]
		sum[0] = sum[0].Add(amount)
		if v.Status == ledger.Held {
			s.State, held[v.Account] = StateHeld, true
			sum[1] = sum[1].Add(amount)
		}
	}
	s.Invoices, s.Held = len(accounts), slices.AppendSeq(s.Held, maps.Keys(held))
	slices.Sort(s.Held)
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		sum := sums[currency]
		places := max(-sum[0].Exponent(), 0)
		s.Totals = append(s.Totals, Total{currency, sum[0].StringFixed(places), sum[1].StringFixed(places)})
	}
	return s, nil
}
