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
	"headcount/events/stream"
	"headcount/ingest/recount"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
)

func recountCommand(p *cli.Program) *cobra.Command {
	cmd := &cobra.Command{Use: "recount", Short: "throw an unsealed month's windows away and count it again from the log, under today's rules", Args: cli.NoArgs,
		Example: "  ingest recount --month 2026-10"}
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
	w, err := openWork(ctx, p, c, nil)
	if err != nil {
		return err
	}
	defer w.conn.Close()
	again := recount.Month{
		Month: m, Log: w.conn, Topic: w.topic, State: w.state, Policy: w.policy, Group: c.Kafka.Group,
		Patience: time.Duration(c.Kafka.SessionTimeout) + 2*time.Second,
		Waits: func(who *recount.BeingReadError) {
			p.Log.Warn("somebody reads: if it was killed, the group lets go of it when its session has run out, for which this waits", "until", time.Now().Add(time.Duration(c.Kafka.SessionTimeout)).Format(time.TimeOnly), "member", who.Owner, "partition", who.Partition)
		},
		Begun: func(ctx context.Context) ([]events.Month, error) { return closingsBegun(ctx, p, c) },
	}
	begun, err := again.Begin(ctx)
	if err != nil {
		return err
	}
	what := m.String()
	if begun.All {
		what = "every month"
	}
	p.Log.Info("counted again from the log", "month", what, "rules", begun.Rules)
	letters, err := writtenLetters(ctx, p, c)
	if err != nil {
		return err
	}
	records, err := count(ctx, p, w.conn, worker.Config{
		Buried: letters.Have,
		Topic:  w.topic, State: w.state, Template: w.policy.Template, Keys: w.policy.Keys,
		Interval: time.Duration(c.Ingest.CheckpointInterval), Until: func(events.Partition) bool { return true }, Alone: true,
	})
	if err != nil {
		return err
	}
	if p.JSON {
		return p.PrintJSON(map[string]any{"month": m, "rules": begun.Rules, "records": records})
	}
	_, err = fmt.Fprintf(p.Out, "%s counted again from the log: %d records, rules %s\n", what, records, begun.Rules)
	return err
}

// writtenLetters reads the dead letters that are there.
func writtenLetters(ctx context.Context, p *cli.Program, c *config.Config) (recount.Letters, error) {
	dead := *c
	dead.Kafka.Topic, dead.Kafka.Group, dead.Kafka.Instance = stream.DeadTopic(c.Kafka.Topic), "", ""
	conn, err := site.Connect(ctx, &dead, p.Log)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.Describe(ctx); errors.Is(err, stream.ErrNoTopic) {
		return nil, nil // which counting waits for, loudly
	}
	return recount.ReadLetters(ctx, conn)
}

// closingsBegun returns the months that the ledger has a closing of.
func closingsBegun(ctx context.Context, p *cli.Program, c *config.Config) ([]events.Month, error) {
	l, err := site.Ledger(ctx, c, p.Log, ledger.OpenReadOnly)
	if errors.Is(err, ledger.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, site.LedgerFailure(err)
	}
	defer l.Close()
	all, err := l.Months(ctx)
	if err != nil {
		return nil, cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	months := make([]events.Month, len(all))
	for i, m := range all {
		months[i] = m.Month
	}
	return months, nil
}
