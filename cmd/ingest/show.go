package main

import (
	"time"

	"headcount/cmd/cli"
	"headcount/cmd/metrics"
	"headcount/cmd/site"
	"headcount/ingest/worker"
)

// show begins to answer where --metrics says; nil: nowhere. It is there before anything else is opened, so that whoever asks sees a
// process that waits for its broker.
func show(p *cli.Program, how running) (*metrics.Server, error) {
	if how.metrics == "" {
		if how.profiles {
			return nil, cli.Fail(cli.Usage, "--pprof: say where with --metrics ADDR")
		}
		return nil, nil
	}
	s, err := metrics.Listen(how.metrics, "ingest", cli.ProgramVersion(), how.profiles)
	if err != nil {
		return nil, cli.Fail(cli.Usage, "%w", err)
	}
	p.Log.Info("metrics", "address", s.Addr)
	return s, nil
}

// overdue is how much later than it is due a checkpoint may come before the process is not ready: a large one takes minutes.
const overdue = 5 * time.Minute

// watch has a crew's figures shown.
func watch(s *metrics.Server, conn *site.Connection, cfg *worker.Config) {
	cfg.Figures = &worker.Figures{}
	c := &metrics.Counting{Figures: cfg.Figures, Partitions: len(cfg.Topic.Partitions), Troubles: conn.Troubles, Now: time.Now}
	s.Register(c)
	bound := cfg.Interval + overdue
	s.Ready(func() (why, remarks []string) { return c.State(bound) })
}
