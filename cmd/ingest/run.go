package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"headcount/cmd/cli"
	"headcount/cmd/config"
	"headcount/cmd/ingest/setup"
	"headcount/cmd/ingest/worker"
	"headcount/cmd/site"
	"headcount/counter/checkpoint"
	"headcount/events"
)

func runCommand(p *cli.Program) *cobra.Command {
	var untilEnd, acceptGap bool
	var instance, profileFile string
	cmd := &cobra.Command{
		Use: "run", Short: "consume and count", Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.Config()
			if err != nil {
				return err
			}
			if instance != "" {
				c.Kafka.Instance = instance
			}
			stop, err := profile(profileFile)
			if err != nil {
				return cli.Fail(cli.Usage, "%w", err)
			}
			return errors.Join(run(cmd.Context(), p, c, untilEnd, acceptGap), stop())
		},
	}
	cmd.Flags().BoolVar(&untilEnd, "until-end", false, "stop, checkpointed, when every partition is read up to its present end")
	cmd.Flags().BoolVar(&acceptGap, "accept-gap", false, "go on where the log was lost; recorded, and the month's invoices are held")
	cmd.Flags().StringVar(&instance, "instance", "", "static member `NAME` in the group: a restarted process has its partitions back at once")
	cmd.Flags().StringVar(&profileFile, "cpuprofile", "", "write a CPU profile to `FILE`")
	return cmd
}

func run(ctx context.Context, p *cli.Program, c *config.Config, untilEnd, acceptGap bool) error {
	if c.Kafka.Embedded != nil {
		if _, err := setup.Files(ctx, c); err != nil {
			return err
		}
	}
	keys, err := site.Keys(c)
	if err != nil {
		return err
	}
	template, err := site.Template(c, keys)
	if err != nil {
		return err
	}
	bucket, err := site.State(ctx, c)
	if err != nil {
		return err
	}
	conn, err := site.Connect(ctx, c, p.Log)
	if err != nil {
		return err
	}
	defer conn.Close()
	if e := c.Kafka.Embedded; e != nil {
		if _, err := setup.Topics(ctx, c, conn, e.Partitions); err != nil {
			return err
		}
	}
	topic, err := conn.Topic(ctx, c)
	if err != nil {
		return err
	}
	state := checkpoint.OpenTopic(bucket, topic.Name, topic.ID)
	if err := site.CheckRules(ctx, c, state, template, keys); err != nil {
		return err
	}
	if err := site.CheckSiblings(ctx, state, topic, acceptGap); err != nil {
		return err
	}
	for _, f := range conn.Check(ctx) {
		if f.Verdict != "ok" {
			p.Log.Warn(f.Check+": "+f.Detail, "remedy", f.Remedy)
		}
		if f.Verdict == "fail" {
			return cli.Fail(cli.CheckFailed, "%s: %s; %s", f.Check, f.Detail, f.Remedy)
		}
	}
	p.Log.Info("counting", "topic", topic.Name, "topic_id", topic.ID, "partitions", len(topic.Partitions), "group", c.Kafka.Group, "key", keys.Newest().ID())

	progress := p.NewProgress("counted", "records", 0)
	var records atomic.Int64
	cfg := worker.Config{
		Log: conn.Log, Topic: topic, State: state, Template: template, Keys: keys,
		Interval: time.Duration(c.Ingest.CheckpointInterval), DeadLetter: site.DeadLetterTopic(topic.Name),
		AcceptGap: acceptGap, Logger: p.Log,
		Read: func(n, _ int) { records.Add(int64(n)) },
	}
	if untilEnd {
		cfg.Until = func(int32) bool { return true }
	}
	shown, stopShowing := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-shown.Done():
				return
			case <-time.After(500 * time.Millisecond):
				progress.Set(records.Load())
			}
		}
	}()
	err = worker.Run(ctx, cfg)
	stopShowing()
	<-done
	progress.Set(records.Load())
	progress.End()
	return explain(err)
}

// explain gives a worker's failure its exit code.
func explain(err error) error {
	var halted *worker.Halted
	var differ *checkpoint.RulesDifferError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &differ), errors.Is(err, events.ErrUnknownKey):
		return cli.Fail(cli.Usage, "%w", err)
	case errors.As(err, &halted):
		return cli.Fail(cli.CheckFailed, "%w", err)
	case errors.Is(err, context.DeadlineExceeded):
		return cli.Fail(cli.Unreachable, "%w", err)
	}
	return fmt.Errorf("counting stopped: %w", err)
}
