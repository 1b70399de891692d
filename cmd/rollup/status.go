package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/rollup/status"
	"headcount/events"
)

func statusCommand(p *cli.Program) *cobra.Command {
	var month string
	cmd := &cobra.Command{
		Use: "status", Short: "month to date: exact (provisional), estimate, quota used, forecast, lag", Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.Config()
			if err != nil {
				return err
			}
			now := time.Now().In(c.Zone())
			m := events.MonthOf(now.Year(), now.Month())
			if month != "" {
				if m, err = events.ParseMonth(month); err != nil {
					return cli.Fail(cli.Usage, "--month: %w", err)
				}
			}
			return showStatus(cmd.Context(), p, c, m)
		},
	}
	cmd.Flags().StringVar(&month, "month", "", "the month to show (`YYYY-MM`; default: the present one)")
	return cmd
}

func showStatus(ctx context.Context, p *cli.Program, c *config.Config, m events.Month) error {
	doc, err := status.Read(ctx, c, m, time.Now(), p.Log)
	if err != nil {
		return err
	}
	if p.JSON {
		return p.PrintJSON(doc)
	}
	if err := usageTable(p.Out, &doc.Document); err != nil {
		return err
	}
	for _, f := range doc.Forecast {
		fmt.Fprintf(p.Out, "app %s, meter %s: %d of %s free used, %d at the month's end at this pace\n", f.App, f.Meter, f.Exact, f.Free, f.Forecast)
	}
	return nil
}
