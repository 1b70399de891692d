// Command ingest consumes the topic and counts: init, run, load, report, check, recount, broker, collect, key, dead.
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
	cmd := cli.Root(p, "ingest", "count monthly active users from a Kafka topic")
	cmd.AddCommand(initCommand(p), runCommand(p), loadCommand(p), reportCommand(p), checkCommand(p), recountCommand(p), brokerCommand(p),
		collectCommand(p), keyCommand(p), deadCommand(p))
	site.Complete(p, cmd)
	return cmd
}
