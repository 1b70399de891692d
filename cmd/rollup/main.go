// Command rollup closes months, shows and verifies them, and prints price books, subscriptions and daily bills.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/site"
)

func main() {
	p := &cli.Program{Out: os.Stdout, Err: os.Stderr, FailureOf: site.FailureOf}
	os.Exit(cli.Execute(p, root(p)))
}

func root(p *cli.Program) *cobra.Command {
	cmd := cli.Root(p, "rollup", "close months of counted users and make invoices of them")
	cmd.AddCommand(statusCommand(p), monthsCommand(p), closeCommand(p), usageCommand(p), invoicesCommand(p), rateCommand(p), releaseCommand(p), ledgerCommand(p), amendCommand(p), compareCommand(p), verifyCommand(p), explainCommand(p), exportCommand(p),
		plansCommand(p), subscriptionCommand(p), billDayCommand(p))
	site.Complete(p, cmd)
	return cmd
}
