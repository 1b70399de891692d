package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/events"
	"headcount/rating"
	"headcount/rollup/closed"
	"headcount/rollup/compare"
)

// comparison is what `rollup compare --json` prints.
type comparison struct {
	Months []comparedMonth `json:"months"`
	*sums                  // absent where there are several currencies
	Totals []comparedTotal `json:"totals"`
}

type comparedTotal struct {
	Currency string `json:"currency"`
	sums
}

type sums struct {
	Billed     string `json:"billed"`
	Priced     string `json:"priced"`
	Difference string `json:"difference"` // priced less billed
}

type comparedMonth struct {
	Month    string            `json:"month"`
	Accounts []compare.Account `json:"accounts"`
}

func compareCommand(p *cli.Program) *cobra.Command {
	var plan, accounts, months string
	cmd := &cobra.Command{Use: "compare", Short: "what-if: closed months under another plan or other contracts, beside what was billed", Args: cli.NoArgs}
	cmd.Flags().StringVar(&plan, "plan", "", "every account that was billed on this `BOOK/PLAN`, at its list price")
	cmd.Flags().StringVar(&accounts, "accounts", "", "or by this accounts `FILE`")
	cmd.Flags().StringVar(&months, "months", "", "the closed months, `FROM..TO`, such as 2026-01..2026-10, or one")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := p.Config()
		if err != nil {
			return err
		}
		if (plan == "") == (accounts == "") {
			return cli.Fail(cli.Usage, "say either --plan BOOK/PLAN or --accounts FILE")
		}
		first, last, err := monthRange(months)
		if err != nil {
			return err
		}
		other := &compare.Alternative{Plan: plan}
		if other.Catalog, err = site.Catalog(c); err != nil {
			return err
		}
		if accounts != "" {
			file := *c
			file.Accounts = accounts
			if other.Accounts, err = site.Accounts(&file, other.Catalog); err != nil {
				return err
			}
		} else if _, err := other.Catalog.Plan(plan); err != nil {
			return cli.Fail(cli.Usage, "--plan: %w", err)
		}
		result, err := compareMonths(cmd.Context(), p, c, other, first, last)
		if err != nil {
			return err
		}
		if p.JSON {
			return p.PrintJSON(result)
		}
		return printComparison(p, result)
	}
	return cmd
}

func monthRange(text string) (first, last events.Month, err error) {
	from, to, isRange := strings.Cut(text, "..")
	if !isRange {
		to = from
	}
	if text == "" {
		return 0, 0, cli.Fail(cli.Usage, "--months is missing: name closed months as 2026-01..2026-10")
	}
	if first, err = events.ParseMonth(from); err == nil {
		last, err = events.ParseMonth(to)
	}
	switch {
	case err != nil:
		err = cli.Fail(cli.Usage, "--months: %w", err)
	case last < first:
		err = cli.Fail(cli.Usage, "--months %s: the first lies after the last", text)
	}
	return first, last, err
}

func compareMonths(ctx context.Context, p *cli.Program, c *config.Config, other *compare.Alternative, first, last events.Month) (*comparison, error) {
	l, err := readLedger(ctx, c)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	bucket, err := site.State(ctx, c)
	if err != nil {
		return nil, err
	}
	result := &comparison{Months: []comparedMonth{}, Totals: []comparedTotal{}}
	progress := p.NewProgress("compared", "months", int64(last-first)+1)
	defer progress.End()
	for m := first; m <= last; m++ {
		was, err := closed.Open(ctx, l, bucket, m)
		if err != nil {
			return nil, err
		}
		rows, err := compare.Month(ctx, was, other)
		was.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m, err)
		}
		for i := range rows {
			if err := result.add(&rows[i]); err != nil {
				return nil, err
			}
		}
		result.Months = append(result.Months, comparedMonth{m.String(), rows})
		progress.Set(int64(m-first) + 1)
	}
	switch len(result.Totals) {
	case 0:
		result.sums = &sums{"0.00", "0.00", "0.00"}
	case 1:
		result.sums = &result.Totals[0].sums
	}
	return result, nil
}

// add adds an account's month to the total of its currency.
func (c *comparison) add(r *compare.Account) (err error) {
	i, found := slices.BinarySearchFunc(c.Totals, r.Currency, func(t comparedTotal, currency string) int { return strings.Compare(t.Currency, currency) })
	if !found {
		c.Totals = slices.Insert(c.Totals, i, comparedTotal{r.Currency, sums{"0.00", "0.00", "0.00"}})
	}
	t := &c.Totals[i]
	if t.Billed, err = rating.Sum(t.Billed, r.Billed); err != nil {
		return err
	}
	if t.Priced, err = rating.Sum(t.Priced, r.Priced); err != nil {
		return err
	}
	t.Difference, err = rating.Less(t.Priced, t.Billed)
	return err
}

func printComparison(p *cli.Program, c *comparison) error {
	t := table{columns: []string{"month", "account", "currency", "plan", ">billed", "other plan", ">priced", ">difference"}}
	plan := func(s *string) string {
		if s == nil {
			return absent
		}
		return *s
	}
	for _, m := range c.Months {
		for _, r := range m.Accounts {
			billed := r.Billed
			if r.Held {
				billed += " (held)"
			}
			t.add(m.Month, r.Account, r.Currency, plan(r.Plan), billed, plan(r.OtherPlan), r.Priced, r.Difference)
		}
	}
	for _, all := range c.Totals {
		t.add("all", "", all.Currency, "", all.Billed, "", all.Priced, all.Difference)
	}
	return t.print(p.Out, "")
}
