package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/site"
	"headcount/rating"
)

func subscriptionCommand(p *cli.Program) *cobra.Command {
	var account, at string
	var calendar bool
	cmd := &cobra.Command{
		Use: "subscription", Short: "where an account stands: state, term, reminders, suspension, refund", Args: cli.NoArgs,
		Example: "  rollup subscription --account acme\n  rollup subscription --account acme --at 2026-12-31 --calendar",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if account == "" {
				return cli.Fail(cli.Usage, "--account is missing: name an account of the accounts file")
			}
			c, err := p.Config()
			if err != nil {
				return err
			}
			when := time.Now()
			if at != "" {
				moment, err := rating.ParseMoment(at)
				if err != nil {
					return cli.Fail(cli.Usage, "--at: %w", err)
				}
				when = moment.At(c.Zone())
			}
			books, err := site.Catalog(c)
			if err != nil {
				return err
			}
			accounts, err := site.Accounts(c, books)
			if err != nil {
				return err
			}
			s, err := rating.SubscriptionAt(accounts, books, c.Zone(), account, when)
			if err != nil {
				return cli.Fail(cli.Usage, "--account: %w", err)
			}
			if !calendar {
				if p.JSON {
					return p.PrintJSON(s)
				}
				return subscriptionTable(p.Out, s)
			}
			days, err := rating.YearAhead(accounts, books, c.Zone(), account, when)
			if err != nil {
				return err
			}
			if p.JSON {
				return p.PrintJSON(map[string]any{"account": s.Account, "at": s.At, "calendar": days})
			}
			return calendarTable(p.Out, s, days)
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "the `ACCOUNT` to look at")
	cli.Required(cmd, "account")
	cmd.Flags().StringVar(&at, "at", "", "a `TIME` other than now: a date (its beginning in the billing zone) or RFC 3339")
	cmd.Flags().BoolVar(&calendar, "calendar", false, "list what happens in the year from then on")
	return cmd
}

func subscriptionTable(out io.Writer, s *rating.Subscription) error {
	t := table{columns: []string{"account " + s.Account, "at " + s.At}}
	line := func(name, value string) {
		if value != "" {
			t.add(name, value)
		}
	}
	state := string(s.State)
	if s.Since != "" {
		state += " since " + s.Since
	}
	if s.Cause != "" {
		state += ": " + s.Cause
	}
	line("state", state)
	line("plan", s.Plan)
	term := "from " + s.TermFrom
	if s.TermUntil != "" {
		term += " until " + s.TermUntil
	}
	if s.Renews {
		term += ", renews by itself"
	}
	if s.TermFrom != "" {
		line("term", term)
	}
	line("expires", s.Expiry)
	line("reminders", strings.Join(s.Reminders, ", "))
	line("suspended", s.Suspension)
	line("repossessed", s.Repossession)
	if s.DeductFrom != "" {
		line("this month is deducted", s.DeductFrom+" to "+s.DeductUntil)
	}
	if s.Refund != nil {
		line("refund if cancelled then", fmt.Sprintf("%s (cash %s, credit %s): %s", s.Refund.Amount, s.Refund.Cash, s.Refund.Credit, s.Refund.How))
	}
	for _, d := range s.Due {
		line("due "+d.Date, d.Amount+" for "+strings.TrimSpace(d.Item+" "+d.App)+": "+d.How)
	}
	for _, b := range s.Unpaid {
		line("unpaid bill of "+b.Month.String(), "pushed "+b.Pushed+", suspended "+or(b.Suspend))
	}
	return t.print(out, "")
}

func calendarTable(out io.Writer, s *rating.Subscription, entries []rating.CalendarEntry) error {
	fmt.Fprintf(out, "Account %s, plan %s, %s: the year from %s\n\n", s.Account, s.Plan, s.State, s.At)
	t := table{columns: []string{"date", "what"}}
	for _, e := range entries {
		t.add(e.Date, e.What)
	}
	return t.print(out, "")
}
