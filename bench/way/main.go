// Command way measures the whole way of an event, from Apache Kafka to counted, beside other ways to count the same month exactly:
// it makes a month, starts Apache Kafka, loads it, lets `ingest run --until-end` count it with checkpoints on, then each peer of
// bench/peers, and holds every count against the month as it was made.
//
//	make bench                                        # two million events; a minute or two
//	make bench BENCH="--only franz --runs 3"          # some peers alone
//	make bench-readme                                 # eight million, into README.md and its chart
//	make bench-readme README_PEERS="--only flink --add"   # one peer of it anew, the others as they were
//	make bench-curves                                 # Headcount alone, from few to many devices, apps, partitions, processes
//
// It prints a table, and with --json, --svg and --readme the same as JSON, as a chart and into a README between the two comments
// that say so. A peer whose tools are missing is skipped by name. It fails where counts differ.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"headcount/endtoend/apachekafka"
)

type options struct {
	shape
	kafka      string
	checkpoint time.Duration
	runs       int
	warm       bool
	only       string
	maxRSS     int
	json       string
	svg        string
	readme     string
	curves     string
	out        string
	scale      float64
	profile    string
	add        bool
}

func main() {
	var o options
	flag.IntVar(&o.Events, "events", 2_000_000, "`NUMBER` of events")
	flag.IntVar(&o.Devices, "devices", 900_000, "`NUMBER` of devices that they come from")
	flag.IntVar(&o.Apps, "apps", 20, "`NUMBER` of apps")
	flag.IntVar(&o.Partitions, "partitions", 4, "`NUMBER` of partitions")
	flag.StringVar(&o.Codec, "compression", "lz4", "`CODEC` of the topic: none, gzip, snappy, lz4, zstd")
	flag.StringVar(&o.Month, "month", "2025-03", "`MONTH`; it must be over")
	flag.Uint64Var(&o.Seed, "seed", 1, "`SEED`: the same gives the same month")
	flag.StringVar(&o.kafka, "kafka", "", "`HOST:PORT` of a running Kafka; else one is started")
	flag.DurationVar(&o.checkpoint, "checkpoint-interval", 10*time.Second, "of whoever makes checkpoints")
	flag.IntVar(&o.runs, "runs", 1, "`TIMES` that each program counts the topic, those on a JVM once; the least CPU is shown")
	flag.BoolVar(&o.warm, "warm", false, "let peers on a JVM count twice in their process, and show what the second pass costs")
	flag.StringVar(&o.only, "only", "all", "`PEERS` to measure: duckdb,franz,kafkago,streams,flink; none: Headcount alone")
	flag.IntVar(&o.maxRSS, "max-rss", 0, "`MB` of memory past which Headcount fails the benchmark; 0: no limit")
	flag.StringVar(&o.json, "json", "", "`FILE` to write the results to as JSON")
	flag.BoolVar(&o.add, "add", false, "keep what the JSON file has of peers that are not measured now, on the same topic and machine")
	flag.StringVar(&o.svg, "svg", "", "`FILE` to draw the results into")
	flag.StringVar(&o.readme, "readme", "", "`FILE` whose table to renew, between <!-- bench --> and <!-- /bench -->")
	flag.StringVar(&o.profile, "cpuprofile", "", "`FILE` for a CPU profile of Headcount's last run, which it makes a little slower")
	flag.StringVar(&o.curves, "curves", "", "measure Headcount along these in place of the table: `devices,apps,partitions,codecs,processes`, or all")
	flag.StringVar(&o.out, "out", "", "`FOLDER` for a JSON file and a chart of each curve")
	flag.Float64Var(&o.scale, "scale", 1, "of the curves' events and devices: `0.1` is a tenth")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measureAll(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "way:", err)
		os.Exit(1)
	}
}

func measureAll(ctx context.Context, o options) (err error) {
	if flag.NArg() > 0 || o.runs < 1 {
		return fmt.Errorf("unknown argument %q, or --runs below 1", strings.Join(flag.Args(), " "))
	}
	dir, err := os.MkdirTemp("", "headcount-way-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "bin")
	fmt.Fprintln(os.Stderr, "building …")
	if err := build(bin, "cmd/ingest", "cmd/rollup", "endtoend/generate"); err != nil {
		return err
	}
	if o.kafka == "" {
		fmt.Fprintf(os.Stderr, "starting Apache Kafka %s …\n", apachekafka.Version)
		k, err := apachekafka.Start(ctx, apachekafka.Config{HeapMB: 1024})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, k.Close()) }()
		o.kafka = k.Addr
	}
	b := &bench{options: o, dir: dir, bin: bin}
	if o.curves != "" {
		return b.allCurves(ctx)
	}
	return b.table(ctx)
}
