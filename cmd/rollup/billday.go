package main

import (
	"fmt"
	"io"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/rating"
)

// dayBill is what the books billed daily charge for one day.
type dayBill struct {
	Day         string       `json:"day"`
	Provisional bool         `json:"provisional"` // the month is not closed
	Bills       []accountDay `json:"bills"`
}

// accountDay is one account's bill of a day.
type accountDay struct {
	Account  string `json:"account"`
	Plan     string `json:"plan"`
	Amount   string `json:"amount"`
	SoFar    string `json:"so_far"` // of the month, this day included
	Currency string `json:"currency"`
	By       string `json:"by"` // the date by which it is out
	Status   string `json:"status"`
}

func billDayCommand(p *cli.Program) *cobra.Command {
	var date string
	cmd := &cobra.Command{
		Use: "bill-day", Short: "the bill of a day, by books that bill daily", Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if date == "" {
				return cli.Fail(cli.Usage, "--date is missing: name the day as 2026-10-03")
			}
			d, err := rating.ParseDate(date)
			if err != nil {
				return cli.Fail(cli.Usage, "--date: %w", err)
			}
			c, err := p.Config()
			if err != nil {
				return err
			}
			now := time.Now().In(c.Zone())
			if today := now.Format(time.DateOnly); d.String() > today {
				return cli.Fail(cli.Usage, "--date: %s is after today, %s (%s)", d, today, c.Billing.TimeZone)
			}
			invoices, provisional, err := invoicesSoFar(cmd.Context(), p, c, d.Month, now)
			if err != nil {
				return err
			}
			bill, err := billOfDay(invoices, d.String())
			if err != nil {
				return err
			}
			bill.Provisional = provisional
			if p.JSON {
				return p.PrintJSON(bill)
			}
			return dayTable(p.Out, bill)
		},
	}
	cmd.Flags().StringVar(&date, "date", "", "the `DAY`, as 2026-10-03")
	return cmd
}

// billOfDay takes one day out of invoices, the revisions of an account added up.
func billOfDay(invoices []rating.Invoice, day string) (*dayBill, error) {
	bill := &dayBill{Day: day, Bills: []accountDay{}}
	for _, v := range invoices {
		amount, soFar, by := decimal.Zero, decimal.Zero, ""
		for _, d := range v.Daily {
			if d.Day > day {
				break
			}
			a, err := decimal.NewFromString(d.Amount)
			if err != nil {
				return nil, fmt.Errorf("invoice of %s for %s, day %s: %w", v.Account, v.Month, d.Day, err)
			}
			soFar = soFar.Add(a)
			if d.Day == day {
				amount, by = a, d.By
			}
		}
		if by == "" {
			continue // not billed daily
		}
		digits := digitsOf(v.Total)
		if n := len(bill.Bills); n > 0 && bill.Bills[n-1].Account == v.Account {
			last := &bill.Bills[n-1]
			last.Amount = decimal.RequireFromString(last.Amount).Add(amount).StringFixed(digits)
			last.SoFar = decimal.RequireFromString(last.SoFar).Add(soFar).StringFixed(digits)
			if v.Status == rating.StatusHeld {
				last.Status = v.Status
			}
			continue
		}
		bill.Bills = append(bill.Bills, accountDay{v.Account, v.Plan, amount.StringFixed(digits), soFar.StringFixed(digits), v.Currency, by, v.Status})
	}
	return bill, nil
}

// digitsOf returns how many digits an amount has behind the point: the currency's.
func digitsOf(amount string) int32 {
	d, err := decimal.NewFromString(amount)
	if err != nil {
		return 0
	}
	return max(-d.Exponent(), 0)
}

func dayTable(out io.Writer, b *dayBill) error {
	kind := "closed"
	if b.Provisional {
		kind = "provisional"
	}
	fmt.Fprintf(out, "Bills of %s, %s\n\n", b.Day, kind)
	if len(b.Bills) == 0 {
		_, err := fmt.Fprintln(out, "No account in force is billed daily.")
		return err
	}
	t := table{columns: []string{"account", "plan", ">of the day", ">month so far", "currency", "out by", "status"}}
	for _, a := range b.Bills {
		t.add(a.Account, a.Plan, a.Amount, a.SoFar, a.Currency, a.By, a.Status)
	}
	return t.print(out, "")
}
