// Command way measures the whole way of an event: a month is made up and loaded into Apache Kafka, `ingest run --until-end` counts
// it with checkpoints on, and a peer (bench/peers/franz) counts the same topic after it. Both must come to the same numbers.
//
//	make bench                                                  # two million events of 900 thousand devices
//	make bench BENCH="--events 8000000 --devices 889000"
//
// It prints, per program, events a second, nanoseconds of CPU per event (the process's own user and system time, broker left
// out) and the highest resident memory, as a table and, with --json FILE, as JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"headcount/bench/apachekafka"
)

type options struct {
	Events     int    `json:"events"`
	Devices    int    `json:"devices"`
	Apps       int    `json:"apps"`
	Partitions int    `json:"partitions"`
	Month      string `json:"month"`
	Kafka      string `json:"kafka"`
	Checkpoint string `json:"checkpoint_interval"`
	MaxRSS     int    `json:"-"`
	JSON       string `json:"-"`
	Runs       int    `json:"runs"`
	Peer       bool   `json:"-"`
}

func main() {
	var o options
	flag.IntVar(&o.Events, "events", 2_000_000, "`NUMBER` of events")
	flag.IntVar(&o.Devices, "devices", 900_000, "`NUMBER` of devices")
	flag.IntVar(&o.Apps, "apps", 20, "`NUMBER` of apps")
	flag.IntVar(&o.Partitions, "partitions", 4, "`NUMBER` of partitions")
	flag.StringVar(&o.Month, "month", "2025-03", "`MONTH`; it must be over")
	flag.StringVar(&o.Kafka, "kafka", "", "`HOST:PORT` of a running Kafka; else one is started")
	flag.StringVar(&o.Checkpoint, "checkpoint-interval", "10s", "of ingest")
	flag.IntVar(&o.MaxRSS, "max-rss", 200, "`MB` of memory past which ingest fails the benchmark; 0: no limit")
	flag.StringVar(&o.JSON, "json", "", "`FILE` to write the results to as well")
	flag.IntVar(&o.Runs, "runs", 1, "`TIMES` that each program counts the topic; the fastest is shown")
	flag.BoolVar(&o.Peer, "peer", true, "measure the peer too, and compare with it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "way:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "headcount-way-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.Kafka == "" {
		fmt.Fprintf(os.Stderr, "starting Apache Kafka %s …\n", apachekafka.Version)
		k, err := apachekafka.Start(ctx, apachekafka.Config{HeapMB: 1024})
		if err != nil {
			return err
		}
		defer k.Close()
		o.Kafka = k.Addr
	}
	b := &bench{options: o, dir: dir, topic: fmt.Sprintf("way-%d", os.Getpid())}
	if err := b.build(ctx); err != nil {
		return err
	}
	if err := b.load(ctx); err != nil {
		return err
	}
	var measures []measure
	var counted, peers counts
	ingest, err := b.best(func(i int) (m measure, err error) { m, counted, err = b.ingest(ctx, i); return m, err })
	if err != nil {
		return err
	}
	measures = append(measures, ingest)
	if o.Peer {
		peer, err := b.best(func(int) (m measure, err error) { m, peers, err = b.franz(ctx); return m, err })
		if err != nil {
			return err
		}
		measures = append(measures, peer)
	}
	show(o, measures)
	if o.JSON != "" {
		text, err := json.MarshalIndent(map[string]any{"options": o, "results": measures}, "", "  ")
		if err == nil {
			err = os.WriteFile(o.JSON, append(text, '\n'), 0o644)
		}
		if err != nil {
			return err
		}
	}
	if o.Peer {
		if err := counted.same(peers); err != nil {
			return err
		}
		fmt.Printf("exact counts of %d apps: the same in both\n", len(peers))
	}
	if o.MaxRSS > 0 && ingest.PeakRSSMB > float64(o.MaxRSS) {
		return fmt.Errorf("ingest took %.0f MB of memory, over the limit of %d", ingest.PeakRSSMB, o.MaxRSS)
	}
	return nil
}
