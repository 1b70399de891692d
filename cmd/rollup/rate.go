package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/rating"
)

func rateCommand(p *cli.Program) *cobra.Command {
	var usageFile, plan, accountsFile string
	var days bool
	cmd := &cobra.Command{
		Use: "rate", Short: "what-if: price a usage file by a plan or an accounts file; no Kafka, no ledger", Args: cli.NoArgs,
		Example: "  rollup rate --usage usage.json --plan tcmpp/enterprise\n  rollup rate --usage usage.json --accounts offer.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if usageFile == "" {
				return cli.Fail(cli.Usage, "--usage FILE is missing: `rollup usage --json` prints one")
			}
			if (plan == "") == (accountsFile == "") {
				return cli.Fail(cli.Usage, "say either --plan BOOK/PLAN or --accounts FILE")
			}
			c, err := rateConfig(cmd, p)
			if err != nil {
				return err
			}
			in, err := rateFile(c, usageFile, plan, accountsFile)
			if err != nil {
				return err
			}
			in, said, err := rating.Fit(in)
			if _, foreign := errors.AsType[*rating.ForeignMeterError](err); foreign {
				return cli.Fail(cli.Usage, "%w: price a closed month by `rollup compare`, which counts it again", err)
			} else if err != nil {
				return cli.Fail(cli.Usage, "%w", err)
			}
			for _, text := range said {
				p.Log.Warn(text)
			}
			warnings, err := rating.Warnings(in)
			if err != nil {
				return cli.Fail(cli.Usage, "%w", err)
			}
			for _, text := range warnings {
				p.Log.Warn(text)
			}
			invoices, err := rateInput(in)
			if err != nil {
				return err
			}
			for i := range invoices {
				invoices[i].WhatIf = true
			}
			if p.JSON {
				return p.PrintJSON(map[string]any{"invoices": invoices})
			}
			return printInvoices(p.Out, invoices, view{days: days})
		},
	}
	cmd.Flags().StringVar(&usageFile, "usage", "", "usage as rollup usage --json prints it: a `FILE`, or - for standard input")
	cli.Required(cmd, "usage")
	cmd.Flags().StringVar(&plan, "plan", "", "price all of it by this `BOOK/PLAN`")
	cmd.Flags().BoolVar(&days, "days", false, "list the bill of each day, where a book bills by day")
	cmd.Flags().StringVar(&accountsFile, "accounts", "", "price it by this accounts `FILE` or folder")
	cli.RequiredUnless(cmd, "plan", "accounts")
	cli.RequiredUnless(cmd, "accounts", "plan")
	return cmd
}

// rateConfig reads the configuration, of which rating needs time zone and catalog; without a file the defaults do.
func rateConfig(cmd *cobra.Command, p *cli.Program) (*config.Config, error) {
	if _, err := os.Stat(p.ConfigFile); os.IsNotExist(err) && !cmd.Flags().Changed("config") {
		return config.Default(), nil
	}
	return p.Config()
}

// rateFile reads what is to be priced.
func rateFile(c *config.Config, usageFile, plan, accountsFile string) (none rating.Input, _ error) {
	in := os.Stdin
	if usageFile != "-" {
		f, err := os.Open(usageFile)
		if err != nil {
			return none, cli.Fail(cli.Usage, "--usage: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := readUsage(in)
	if err != nil {
		return none, cli.Fail(cli.Usage, "%s: %w", usageFile, err)
	}
	usage, err := rating.ParseUsage(text)
	if err != nil {
		return none, &config.Error{Where: usageFile, What: err.Error()}
	}
	usage.File = usageFile
	books, err := site.Catalog(c)
	if err != nil {
		return none, err
	}
	if plan != "" {
		input, err := rating.PlanInput(books, plan, usage, c.Zone())
		if err != nil {
			return none, cli.Fail(cli.Usage, "--plan: %w", err)
		}
		return input, nil
	}
	if _, err := os.Stat(accountsFile); err != nil {
		return none, cli.Fail(cli.Usage, "--accounts: %w", err)
	}
	c.Accounts = accountsFile
	accounts, err := site.Accounts(c, books)
	if err != nil {
		return none, err
	}
	return rating.Input{Month: usage.Month, Zone: c.Zone(), Usage: usage, Accounts: accounts, Catalog: books}, nil
}

func rateInput(in rating.Input) ([]rating.Invoice, error) {
	invoices, err := rating.Rate(in)
	if err != nil {
		return nil, cli.Fail(cli.Usage, "%w", err)
	}
	return invoices, nil
}

// maxUsage is the largest usage file that is read.
const maxUsage = 1 << 30

func readUsage(in io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxUsage+1))
	if err == nil && len(text) > maxUsage {
		err = fmt.Errorf("over 1 GiB")
	}
	return text, err
}
