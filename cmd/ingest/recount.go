package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/site"
	"headcount/events"
	"headcount/ingest/recount"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
)

func recountCommand(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{Use: "recount", Short: "throw an unsealed month's windows away and count it again from the log, under today's rules", Args: cli.NoArgs}
	month := cli.RequiredMonth(cmd, "the month to count again")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, m, err := p.ConfigAndMonth(month)
		if err != nil {
			return err
		}
		return recountMonth(cmd.Context(), p, c, m)
	}
	return cmd
}

// recountMonth begins a recount, and counts every partition again from the log's start.
func recountMonth(ctx context.Context, p *cli.Program, c *config.Config, m events.Month) error {
	w, err := openWork(ctx, p, c)
	if err != nil {
		return err
	}
	defer w.conn.Close()
	again := recount.Month{
		Month: m, Log: w.conn, Topic: w.topic, State: w.state, Policy: w.policy, Group: c.Kafka.Group,
		Closing: func(ctx context.Context) (bool, error) { return closingBegun(ctx, p, c, m) },
	}
	rules, err := again.Begin(ctx)
	if err != nil {
		return err
	}
	p.Log.Info("month is counted again from the log", "month", m, "rules", rules.Hash())
	records, err := count(ctx, p, w.conn, worker.Config{
		Topic: w.topic, State: w.state, Template: w.policy.Template, Keys: w.policy.Keys,
		Interval: time.Duration(c.Ingest.CheckpointInterval), Until: func(events.Partition) bool { return true }, Alone: true,
	})
	if err != nil {
		return err
	}
	if p.JSON {
		return p.PrintJSON(map[string]any{"month": m, "rules": rules.Hash(), "records": records})
	}
	_, err = fmt.Fprintf(p.Out, "%s counted again from the log: %d records, rules %s\n", m, records, rules.Hash())
	return err
}

// closingBegun says whether the ledger has a month's closing.
func closingBegun(ctx context.Context, p *cli.Program, c *config.Config, m events.Month) (bool, error) {
	l, err := site.Ledger(ctx, c, p.Log, ledger.OpenReadOnly)
	if errors.Is(err, ledger.ErrMissing) {
		return false, nil
	}
	if err != nil {
		return false, site.LedgerFailure(err)
	}
	defer l.Close()
	_, err = l.Closing(ctx, m)
	if errors.Is(err, ledger.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	return true, nil
}
