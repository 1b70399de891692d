package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/events"
	"headcount/rollup/closed"
	"headcount/rollup/compare"
)

func compareCommand(p *cli.Program) *cobra.Command {
	var plan, accounts string
	cmd := &cobra.Command{Use: "compare", Short: "what-if: closed months under another plan or other contracts, beside what was billed", Args: cli.NoArgs,
		Example: "  rollup compare --months 2026-01..2026-10 --plan tcmpp/enterprise\n  rollup compare --months 2026-10 --accounts offer.yaml"}
	cmd.Flags().StringVar(&plan, "plan", "", "every account that was billed on this `BOOK/PLAN`, at its list price")
	cmd.Flags().StringVar(&accounts, "accounts", "", "or by this accounts `FILE` or folder")
	cli.RequiredUnless(cmd, "plan", "accounts")
	cli.RequiredUnless(cmd, "accounts", "plan")
	months := cli.RequiredMonths(cmd, "the closed months")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := p.Config()
		if err != nil {
			return err
		}
		if (plan == "") == (accounts == "") {
			return cli.Fail(cli.Usage, "say either --plan BOOK/PLAN or --accounts FILE")
		}
		first, last, err := months()
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

func compareMonths(ctx context.Context, p *cli.Program, c *config.Config, other *compare.Alternative, first, last events.Month) (*compare.Comparison, error) {
	l, err := readLedger(ctx, p, c)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	bucket, err := site.State(ctx, c)
	if err != nil {
		return nil, err
	}
	progress := p.NewProgress("compared", "months", int64(last-first)+1)
	defer progress.End()
	open := func(m events.Month) (*closed.Month, error) { return closed.Open(ctx, l, bucket, m) }
	return compare.Months(ctx, first, last, other, open, progress.Set)
}

func printComparison(p *cli.Program, c *compare.Comparison) error {
	if _, err := fmt.Fprintf(p.Out, "What-if: what is priced here is no bill, and is recorded nowhere.\n\n"); err != nil {
		return err
	}
	t := table{columns: []string{"month", "account", "currency", "plan", ">billed", "other plan", ">priced", ">difference"}}
	plan := func(s *string) string {
		if s == nil {
			return absent
		}
		return *s
	}
	for _, m := range c.Months {
		for _, r := range m.Accounts {
			billed := grouped(r.Billed)
			if r.Held {
				billed += " (held)"
			}
			t.add(m.Month.String(), r.Account, r.Currency, plan(r.Plan), billed, plan(r.OtherPlan), grouped(r.Priced), grouped(r.Difference))
		}
	}
	for _, all := range c.Totals {
		t.add("all", "", all.Currency, "", grouped(all.Billed), "", grouped(all.Priced), grouped(all.Difference))
	}
	return t.print(p.Out, "")
}
