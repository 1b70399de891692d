package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/ingest/setup"
	"headcount/cmd/site"
	"headcount/events"
)

func initCommand(p *cli.Program) *cobra.Command {
	partitions, newSealKey, openAt := 0, false, ""
	cmd := &cobra.Command{
		Use: "init", Short: "create what is missing: config, accounts example, keys, topics; overwrites nothing", Args: cli.NoArgs,
		Example: "  ingest init\n  ingest init --config /etc/headcount/headcount.yaml --from 2026-10",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if cmd.Flags().Changed("partitions") && partitions < 1 {
				return cli.Fail(cli.Usage, "--partitions %d: at least 1", partitions)
			}
			var steps []setup.Step
			from, err := opening(openAt, time.Now())
			if err != nil {
				return err
			}
			step, err := setup.Config(p.ConfigFile, from)
			if err != nil {
				return err
			}
			steps = append(steps, step)
			c, err := p.Config()
			if err != nil {
				return err
			}
			warnOfSign(p, c)
			if is := events.Month(c.Billing.From); openAt != "" && is != from {
				return cli.Fail(cli.Usage, "--from %s: %s is there already, and stays as it is: change billing.from in it; where counting has begun, `ingest recount` makes it hold", from, c.File)
			}
			if partitions == 0 {
				partitions = 4
				if c.Kafka.Embedded != nil {
					partitions = c.Kafka.Embedded.Partitions
				}
			}
			files, err := setup.Files(ctx, c, newSealKey)
			steps = append(steps, files...)
			if err == nil {
				var conn *site.Connection
				if conn, err = site.Connect(ctx, c, p.Log); err == nil {
					defer conn.Close()
					var topics []setup.Step
					topics, err = setup.Topics(ctx, c, conn, partitions)
					steps = append(steps, topics...)
				}
			}
			if printed := printSteps(p, steps); printed != nil {
				return printed
			}
			return err
		},
	}
	cmd.Flags().IntVar(&partitions, "partitions", 0, "`NUMBER` of partitions of a new topic (default 4)")
	cmd.Flags().StringVar(&openAt, "from", "", "`MONTH` in which the books open, for a new configuration (default: the month before the present one)")
	cmd.Flags().BoolVar(&newSealKey, "new-seal-key", false, "replace seal keys that are lost; the open months must then be counted again")
	return cmd
}

// opening is the month in which the books of a new configuration open: as asked for, else the month before the present one.
func opening(asked string, now time.Time) (events.Month, error) {
	if asked == "" {
		now = now.UTC() // the zone of a new configuration
		return events.MonthOf(now.Year(), now.Month()) - 1, nil
	}
	m, err := events.ParseMonth(asked)
	if err != nil {
		return 0, cli.Fail(cli.Usage, "--from: %w", err)
	}
	return m, nil
}

func printSteps(p *cli.Program, steps []setup.Step) error {
	if p.JSON {
		return p.PrintJSON(map[string]any{"steps": steps})
	}
	for _, s := range steps {
		did := "exists "
		if s.Created {
			did = "created"
		}
		if _, err := fmt.Fprintf(p.Out, "%s  %-18s %s\n", did, s.What, s.Name); err != nil {
			return err
		}
	}
	return nil
}
