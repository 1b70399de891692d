package main

import (
	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/ingest/setup"
	"headcount/cmd/site"
)

func brokerCommand(p *cli.Program) *cobra.Command {
	return cli.Service(&cobra.Command{
		Use: "broker", Short: "run the embedded broker alone", Args: cli.NoArgs,
		Example: "  ingest broker",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := p.Config()
			if err != nil {
				return err
			}
			if c.Kafka.Embedded == nil {
				return cli.Fail(cli.Usage, "%s: kafka.embedded is missing: it says where the embedded broker keeps its log", c.File)
			}
			conn, err := site.Connect(ctx, c, p.Log)
			if err != nil {
				return err
			}
			defer conn.Close()
			if !conn.OwnBroker {
				return cli.Fail(cli.Usage, "a broker already answers at %s: stop it, or name another address in kafka.brokers", c.Kafka.Brokers[0])
			}
			if _, err := setup.Topics(ctx, c, conn, c.Kafka.Embedded.Partitions); err != nil {
				return err
			}
			p.Log.Info("embedded broker is up", "address", c.Kafka.Brokers[0], "data", c.Kafka.Embedded.DataDir)
			<-ctx.Done()
			p.Log.Info("embedded broker stops")
			return nil
		},
	}, "")
}
