package main

import (
	"fmt"
	"io"
	"slices"
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
			look := func(t time.Time) (*rating.Subscription, error) {
				return rating.SubscriptionAt(accounts, books, c.Zone(), account, t)
			}
			s, err := look(when)
			if err != nil {
				return cli.Fail(cli.Usage, "--account: %w", err)
			}
			if !calendar {
				if p.JSON {
					return p.PrintJSON(s)
				}
				return subscriptionTable(p.Out, s)
			}
			days, err := yearAhead(when.In(c.Zone()), look)
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
		line("unpaid bill of "+b.Month, "pushed "+b.Pushed+", suspended "+or(b.Suspend))
	}
	return t.print(out, "")
}

// calendarEntry is something that happens to a subscription on a day.
type calendarEntry struct {
	Date string `json:"date"`
	What string `json:"what"`
}

// yearAhead lists what happens within a year, looking at each day's beginning: changes of state, plan and term, reminders, what
// is to be paid ahead, and the months' deductions.
func yearAhead(from time.Time, look func(time.Time) (*rating.Subscription, error)) ([]calendarEntry, error) {
	entries := []calendarEntry{}
	begin, end := from.Format(time.DateOnly), from.AddDate(1, 0, 0).Format(time.DateOnly)
	seen := map[calendarEntry]bool{}
	add := func(date, format string, args ...any) {
		if len(date) > len(time.DateOnly) {
			date = date[:len(time.DateOnly)]
		}
		e := calendarEntry{date, fmt.Sprintf(format, args...)}
		if date >= begin && date < end && !seen[e] {
			seen[e] = true
			entries = append(entries, e)
		}
	}
	before, err := look(from)
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		day := time.Date(from.Year(), from.Month(), from.Day()+n, 0, 0, 0, 0, from.Location())
		if day.Format(time.DateOnly) >= end {
			break
		}
		if day.Before(from) {
			day = from
		}
		s, err := look(day)
		if err != nil {
			return nil, err
		}
		if s.State != before.State {
			add(s.Since, "%s", s.State)
		}
		if s.Plan != before.Plan {
			add(day.Format(time.DateOnly), "plan %s", s.Plan)
		}
		if s.TermFrom != before.TermFrom {
			add(s.TermFrom, "new term, until %s", or(s.TermUntil))
		}
		for _, d := range s.Reminders {
			add(d, "reminder of the expiry")
		}
		for _, d := range s.Due {
			add(d.Date, "due: %s for %s", d.Amount, strings.TrimSpace(d.Item+" "+d.App))
		}
		if served(s) { // a month in which it is served has an invoice
			add(s.DeductFrom, "deduction of the month before, until %s", s.DeductUntil)
		}
		before = s
	}
	slices.SortStableFunc(entries, func(a, b calendarEntry) int { return strings.Compare(a.Date, b.Date) })
	return entries, nil
}

func served(s *rating.Subscription) bool {
	switch s.State {
	case rating.Trial, rating.Active, rating.Expiring:
		return true
	case rating.Expired:
		return s.Suspension != "" // else it is over
	}
	return false
}

func calendarTable(out io.Writer, s *rating.Subscription, entries []calendarEntry) error {
	fmt.Fprintf(out, "Account %s, plan %s, %s: the year from %s\n\n", s.Account, s.Plan, s.State, s.At)
	t := table{columns: []string{"date", "what"}}
	for _, e := range entries {
		t.add(e.Date, e.What)
	}
	return t.print(out, "")
}
