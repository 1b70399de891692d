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
	"headcount/cmd/metrics"
	"headcount/cmd/site"
	"headcount/counter/checkpoint"
	"headcount/events"
	"headcount/events/stream"
	"headcount/ingest/worker"
)

func runCommand(p *cli.Program) *cobra.Command {
	var how running
	var instance, profileFile string
	cmd := &cobra.Command{
		Use: "run", Short: "consume and count", Args: cli.NoArgs,
		Example: "  ingest run\n  ingest run --until-end\n  ingest run --instance ingest-1",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.Config()
			if err != nil {
				return err
			}
			if instance != "" {
				c.Kafka.Instance = instance
				if err := c.Validate(); err != nil {
					return err
				}
			}
			stop, err := profile(profileFile)
			if err != nil {
				return cli.Fail(cli.Usage, "%w", err)
			}
			return errors.Join(run(cmd.Context(), p, c, how), stop())
		},
	}
	cmd.Flags().BoolVar(&how.untilEnd, "until-end", false, "stop, checkpointed, when every partition is read up to its present end")
	cmd.Flags().BoolVar(&how.acceptGap, "accept-gap", false, "go on where the log was lost; recorded, and the month's invoices are held")
	cmd.Flags().StringVar(&instance, "instance", "", "static member `NAME` in the group: a restarted process has its partitions back at once")
	cmd.Flags().StringVar(&profileFile, "cpuprofile", "", "write a CPU profile to `FILE`")
	cmd.Flags().StringVar(&how.metrics, "metrics", "", "answer GET /healthz, /readyz and /metrics at `ADDR`, such as 127.0.0.1:9464")
	cmd.Flags().BoolVar(&how.profiles, "pprof", false, "answer /debug/pprof/ there as well")
	return cli.Service(cmd, "until-end")
}

// running is how to run.
type running struct {
	untilEnd, acceptGap bool
	metrics             string // where to answer; empty: nowhere
	profiles            bool
}

// work is what counting needs open.
type work struct {
	conn   *site.Connection
	topic  *stream.Topic
	state  *checkpoint.Topic
	policy worker.Policy
}

// openWork opens log, state and keys; with an embedded broker it first makes what is missing, as `init` does. The caller closes
// the connection. What is asked of the state store is shown; nil: nowhere.
func openWork(ctx context.Context, p *cli.Program, c *config.Config, shown *metrics.Server) (w *work, err error) {
	if c.Kafka.Embedded != nil {
		if _, err := setup.Files(ctx, c, false); err != nil {
			return nil, err
		}
	}
	w = &work{}
	keys, err := site.Keys(c)
	if err != nil {
		return nil, err
	}
	template, err := site.Template(c, keys)
	if err != nil {
		return nil, err
	}
	w.policy = site.Policy(c, template, keys)
	bucket, err := site.CountingState(ctx, c, p.Log)
	if err != nil {
		return nil, err
	}
	if shown != nil {
		bucket = shown.Store(bucket)
	}
	if w.conn, err = site.Connect(ctx, c, p.Log); err != nil {
		return nil, err
	}
	conn := w.conn // a return sets w
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	if e := c.Kafka.Embedded; e != nil {
		if _, err := setup.Topics(ctx, c, w.conn, e.Partitions); err != nil {
			return nil, err
		}
	}
	if w.topic, err = w.conn.Topic(ctx, c); err != nil {
		return nil, err
	}
	w.state = checkpoint.OpenTopic(bucket, w.topic.Name, w.topic.ID)
	if err = site.RestoreRules(ctx, c, w.state, w.conn, w.topic, w.policy, p.Log); err != nil {
		return nil, err
	}
	return w, nil
}

func run(ctx context.Context, p *cli.Program, c *config.Config, how running) (err error) {
	shown, err := show(p, how)
	if err != nil {
		return err
	}
	if shown != nil {
		defer func() { err = errors.Join(err, shown.Close()) }()
	}
	w, err := openWork(ctx, p, c, shown)
	if err != nil {
		return err
	}
	defer w.conn.Close()
	warnOfSign(p, c)
	if err := worker.CheckRules(ctx, w.state, w.policy); err != nil {
		return err
	}
	former, err := worker.CheckSiblings(ctx, w.state, w.topic, how.acceptGap)
	if err != nil {
		return err
	}
	if err := preflight(ctx, p, c, w.conn); err != nil {
		return err
	}
	p.Log.Info("counting", "topic", w.topic.Name, "topic_id", w.topic.ID, "partitions", len(w.topic.Partitions), "group", c.Kafka.Group, "key", w.policy.Keys.Newest().ID())
	cfg := worker.Config{
		Topic: w.topic, State: w.state, Template: w.policy.Template, Keys: w.policy.Keys,
		Interval: time.Duration(c.Ingest.CheckpointInterval), AcceptGap: how.acceptGap, Former: former,
	}
	if shown != nil {
		watch(shown, w.conn, &cfg)
	}
	if how.untilEnd {
		cfg.Until = func(events.Partition) bool { return true }
	}
	records, err := count(ctx, p, w.conn, cfg)
	if err != nil {
		return err
	}
	if p.JSON {
		return p.PrintJSON(map[string]int64{"records": records})
	}
	_, err = fmt.Fprintf(p.Out, "%d records counted and checkpointed\n", records)
	return err
}

// preflight looks at the topic before counting, as `ingest check` does. What a person who tries the embedded broker cannot mend
// is left to that command.
func preflight(ctx context.Context, p *cli.Program, c *config.Config, conn *site.Connection) error {
	for _, f := range conn.Check(ctx) {
		if f.Verdict == stream.Fail && f.Check == stream.CompactionCheck { // all else is waited for, or only a risk
			return cli.Fail(cli.CheckFailed, "%s: %s; %s", f.Check, f.Detail, f.Remedy)
		}
		if f.Verdict == stream.Pass || c.Kafka.Embedded != nil && f.Verdict == stream.Warn {
			continue
		}
		p.Log.Warn(f.Check+": "+f.Detail, "remedy", f.Remedy)
	}
	return nil
}

// count runs the workers and shows how far they are. It returns how many records were read.
func count(ctx context.Context, p *cli.Program, conn *site.Connection, cfg worker.Config) (int64, error) {
	progress := p.NewProgress("counted", "records", 0)
	var records atomic.Int64
	cfg.Log, cfg.Group, cfg.Logger, cfg.DeadLetter = worker.LogOf(conn.Log), conn, p.Log, stream.DeadTopic(cfg.Topic.Name)
	cfg.Read = func(n, _ int) { records.Add(int64(n)) }
	shown, stop := context.WithCancel(ctx)
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
	err := worker.Run(ctx, cfg)
	stop()
	<-done
	progress.Set(records.Load())
	progress.End()
	if _, known := errors.AsType[*cli.Failure](site.FailureOf(err)); err != nil && !known {
		err = fmt.Errorf("counting stopped: %w", err)
	}
	return records.Load(), err
}
