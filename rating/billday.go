package rating

import (
	"fmt"

	"github.com/shopspring/decimal"
)

// DayBill is an account's bill of one day, by a book that bills daily.
type DayBill struct {
	Account  string `json:"account"`
	Plan     string `json:"plan"`
	Amount   string `json:"amount"`
	SoFar    string `json:"so_far"` // of the month, this day included
	Currency string `json:"currency"`
	By       string `json:"by"` // the date by which it is out
	Status   string `json:"status"`
}

// BillsOfDay takes one day (2026-10-03) out of a month's invoices, the revisions of an account added up.
func BillsOfDay(invoices []Invoice, day string) ([]DayBill, error) {
	bills := []DayBill{}
	for _, v := range invoices {
		amount, soFar, by, err := v.ofDay(day)
		if err != nil {
			return nil, err
		}
		if by == "" {
			continue // not billed daily
		}
		digits := digitsOf(v.Total)
		if n := len(bills); n > 0 && bills[n-1].Account == v.Account {
			last := &bills[n-1]
			last.Amount = decimal.RequireFromString(last.Amount).Add(amount).StringFixed(digits)
			last.SoFar = decimal.RequireFromString(last.SoFar).Add(soFar).StringFixed(digits)
			if v.Status == StatusHeld {
				last.Status = v.Status
			}
			continue
		}
		bills = append(bills, DayBill{v.Account, v.Plan, amount.StringFixed(digits), soFar.StringFixed(digits), v.Currency, by, v.Status})
	}
	return bills, nil
}

// ofDay returns a day's amount, that of the month up to it, and by when its bill is out; by is empty where the invoice has no
// such day.
func (v *Invoice) ofDay(day string) (amount, soFar decimal.Decimal, by string, err error) {
	for _, d := range v.Daily {
		if d.Day > day {
			break
		}
		a, err := decimal.NewFromString(d.Amount)
		if err != nil {
			return amount, soFar, "", fmt.Errorf("invoice of %s for %s, day %s: %w", v.Account, v.Month, d.Day, err)
		}
		soFar = soFar.Add(a)
		if d.Day == day {
			amount, by = a, d.By
		}
	}
	return amount, soFar, by, nil
}

// digitsOf returns how many digits an amount has behind the point: the currency's.
func digitsOf(amount string) int32 {
	d, err := decimal.NewFromString(amount)
	if err != nil {
		return 0
	}
	return max(-d.Exponent(), 0)
}
