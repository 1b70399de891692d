package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/counter"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
	"headcount/rating/ledger"
)

func recountCommand(p *cli.Program) *cobra.Command {
	var text string
	cmd := &cobra.Command{
		Use: "recount", Short: "throw an unsealed month's windows away and count it again from the log, under today's rules", Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.Config()
			if err != nil {
				return err
			}
			if text == "" {
				return cli.Fail(cli.Usage, "--month is missing: name the month as 2026-10")
			}
			m, err := events.ParseMonth(text)
			if err != nil {
				return cli.Fail(cli.Usage, "--month: %w", err)
			}
			return recount(cmd.Context(), p, c, m)
		},
	}
	cmd.Flags().StringVar(&text, "month", "", "the month to count again (`YYYY-MM`)")
	return cmd
}

// recount gives the month a further revision of its rules, which is the record of it and makes the checkpoints counted under the
// former one void, and counts every partition again from the log's start.
func recount(ctx context.Context, p *cli.Program, c *config.Config, m events.Month) error {
	if err := notClosing(ctx, c, m); err != nil {
		return err
	}
	w, err := openWork(ctx, p, c)
	if err != nil {
		return err
	}
	defer w.conn.Close()
	if err := worker.CheckKeys(ctx, w.state, w.policy); err != nil {
		return err
	}
	if err := w.wholeLog(ctx, m); err != nil {
		return err
	}
	if c.Kafka.Group != "" {
		owners, err := w.conn.Owners(ctx)
		if err != nil {
			return cli.Fail(cli.Unreachable, "group %s: %w", c.Kafka.Group, err)
		}
		for partition, owner := range owners {
			return cli.Fail(cli.CheckFailed, "partition %d is being read by %s: stop every `ingest run` of group %s first, they count by the former rules", partition, owner, c.Kafka.Group)
		}
	}
	rules, err := w.state.Recount(ctx, m, w.policy.Template)
	if errors.Is(err, checkpoint.ErrNoRules) {
		return cli.Fail(cli.CheckFailed, "no event of %s was ever counted: nothing to count again", m)
	}
	if err != nil {
		return cli.Fail(cli.CheckFailed, "%w", err)
	}
	p.Log.Info("month is counted again from the log", "month", m, "rules", rules.Hash())
	records, err := count(ctx, p, w.conn, worker.Config{
		Topic: w.topic, State: w.state, Template: w.policy.Template, Keys: w.policy.Keys,
		Interval: time.Duration(c.Ingest.CheckpointInterval), Until: func(int32) bool { return true }, Alone: true,
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

// notClosing refuses a month whose closing has begun.
func notClosing(ctx context.Context, c *config.Config, m events.Month) error {
	l, err := ledger.OpenReadOnly(ctx, c.Ledger)
	if errors.Is(err, ledger.ErrMissing) {
		return nil
	}
	if err != nil {
		return cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	defer l.Close()
	_, err = l.Closing(ctx, m)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil
	}
	if err != nil {
		return cli.Fail(cli.Unreachable, "ledger: %w", err)
	}
	return cli.Fail(cli.CheckFailed, "the closing of %s has begun: a month that is being sealed, or is sealed, is not counted again", m)
}

// wholeLog refuses where records that the month may need are gone, also where others took their place: a count from the log's start would
// not miss them.
func (w *work) wholeLog(ctx context.Context, m events.Month) error {
	offsets, err := w.conn.Offsets(ctx)
	if err != nil {
		return cli.Fail(cli.Unreachable, "offsets: %w", err)
	}
	var short []string
	partitions := slices.Sorted(maps.Keys(offsets))
	for _, p := range partitions {
		if start := offsets[p].Start; start > 0 {
			short = append(short, fmt.Sprintf("partition %d begins at offset %d", p, start))
		}
	}
	if len(short) > 0 {
		return cli.Fail(cli.CheckFailed, "the log no longer reaches back to offset 0 (%s): %s cannot be counted again; its present counts stay", strings.Join(short, ", "), m)
	}
	for _, p := range partitions {
		counted, _, err := w.state.Partition(counter.Identity{Cluster: w.topic.Cluster, TopicID: w.topic.ID, Partition: p}).Glance(ctx)
		if errors.Is(err, checkpoint.ErrNone) {
			continue
		}
		if err != nil {
			return cli.Fail(cli.Unreachable, "%w", err)
		}
		err = w.conn.Verify(ctx, p, worker.LogPosition(counted))
		if cut, ok := errors.AsType[*stream.TruncatedError](err); ok {
			return cli.Fail(cli.CheckFailed, "%w; run `ingest run` with it first: %s counted again would not show what was lost, its present counts stay", cut, m)
		}
		if err != nil {
			return cli.Fail(cli.Unreachable, "%w", err)
		}
	}
	return nil
}
