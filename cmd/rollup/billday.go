package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/rating"
)

// dayBill is what the books billed daily charge for one day.
type dayBill struct {
	Day         string           `json:"day"`
	Provisional bool             `json:"provisional"` // the month is not closed
	Bills       []rating.DayBill `json:"bills"`
}

func billDayCommand(p *cli.Program) *cobra.Command {
	var date string
	cmd := &cobra.Command{
		Use: "bill-day", Short: "the bill of a day, by books that bill daily", Args: cli.NoArgs,
		Example: "  rollup bill-day --date 2026-10-03",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if date == "" {
				return cli.Fail(cli.Usage, "--date is missing: name the day as in 2026-10-03")
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
			bill := &dayBill{Day: d.String(), Provisional: provisional}
			if bill.Bills, err = rating.BillsOfDay(invoices, bill.Day); err != nil {
				return err
			}
			if p.JSON {
				return p.PrintJSON(bill)
			}
			return dayTable(p.Out, bill)
		},
	}
	cmd.Flags().StringVar(&date, "date", "", "the `DAY`, as in 2026-10-03")
	cli.Required(cmd, "date")
	return cmd
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
