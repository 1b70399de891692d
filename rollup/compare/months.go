package compare

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"headcount/events"
	"headcount/rating"
	"headcount/rollup/closed"
)

// Comparison is several months, each account beside what it would have been billed, and the sums.
type Comparison struct {
	WhatIf bool       `json:"what_if"` // true: what is priced is no bill
	Months []Accounts `json:"months"`
	*Sums             // absent where there are several currencies
	Totals []Total    `json:"totals"` // by currency
}

// Accounts are those of a month.
type Accounts struct {
	Month    events.Month `json:"month"`
	Accounts []Account    `json:"accounts"`
}

// Total is the sum of a currency.
type Total struct {
	Currency string `json:"currency"`
	Sums
}

// Sums are amounts.
type Sums struct {
	Billed     string `json:"billed"`
	Priced     string `json:"priced"`
	Difference string `json:"difference"` // priced less billed
}

// Months prices closed months, the last with them, and sums up. open opens one, and fails as closed.Open does; progress is told how many
// are done. Else it fails as Month does.
func Months(ctx context.Context, first, last events.Month, other *Alternative, open func(events.Month) (*closed.Month, error), progress func(done int64)) (*Comparison, error) {
	result := &Comparison{WhatIf: true, Months: []Accounts{}, Totals: []Total{}}
	for m := first; m <= last; m++ {
		was, err := open(m)
		if err != nil {
			return nil, err
		}
		rows, err := Month(ctx, was, other)
		was.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m, err)
		}
		for i := range rows {
			if err := result.add(&rows[i]); err != nil {
				return nil, err
			}
		}
		result.Months = append(result.Months, Accounts{m, rows})
		progress(int64(m-first) + 1)
	}
	switch len(result.Totals) {
	case 0:
		result.Sums = &Sums{"0.00", "0.00", "0.00"}
	case 1:
		result.Sums = &result.Totals[0].Sums
	}
	return result, nil
}

// add adds an account's month to the total of its currency.
func (c *Comparison) add(a *Account) (err error) {
	i, found := slices.BinarySearchFunc(c.Totals, a.Currency, func(t Total, currency string) int { return strings.Compare(t.Currency, currency) })
	if !found {
		c.Totals = slices.Insert(c.Totals, i, Total{a.Currency, Sums{"0.00", "0.00", "0.00"}})
	}
	t := &c.Totals[i]
	if t.Billed, err = rating.Sum(t.Billed, a.Billed); err != nil {
		return err
	}
	if t.Priced, err = rating.Sum(t.Priced, a.Priced); err != nil {
		return err
	}
	t.Difference, err = rating.Less(t.Priced, t.Billed)
	return err
}
