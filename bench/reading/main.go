// Command reading measures reading alone: fetch, CRC and walking the records, nothing decoded. Topics of CloudEvents are written
// to Apache Kafka, uncompressed and lz4, with one and many partitions; each is read to its end by Headcount's stream.Reader, by
// franz-go and by kafka-go's Reader, each a process of its own, in turn.
//
//	make bench-reading
//	go run ./bench/reading --records 2000000 --runs 3 --json reading.json
//
// It prints nanoseconds of CPU per record (the process's own user and system time, broker left out; the least of the runs), the
// ratio to franz-go and the highest resident memory. It fails where Headcount takes more than --ratio of franz-go's CPU, or any
// of its processes more than --max-rss.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"headcount/endtoend/apachekafka"
)

type options struct {
	Records int     `json:"records"`
	Wide    int     `json:"wide_partitions"`
	Many    int     `json:"many_partitions"`
	Runs    int     `json:"runs"`
	Ratio   float64 `json:"ratio"`
	MaxRSS  float64 `json:"max_rss_mb"`
	Kafka   string  `json:"-"`
	JSON    bool    `json:"-"`
	Peers   bool    `json:"-"`
	child   string
	topic   string
}

func main() {
	var o options
	flag.IntVar(&o.Records, "records", 1_000_000, "`NUMBER` of records in each topic")
	flag.IntVar(&o.Wide, "wide", 64, "`NUMBER` of partitions of the wide topics")
	flag.IntVar(&o.Many, "many", 0, "`NUMBER` of partitions of a further topic, that only Headcount reads; 0: none")
	flag.IntVar(&o.Runs, "runs", 3, "`TIMES` that each reader reads each topic")
	flag.Float64Var(&o.Ratio, "ratio", 0.5, "of franz-go's CPU past which Headcount fails the benchmark; 0: no limit")
	flag.Float64Var(&o.MaxRSS, "max-rss", 256, "`MB` of memory past which Headcount fails the benchmark; 0: no limit")
	flag.StringVar(&o.Kafka, "kafka", "", "`HOST:PORT` of a running Kafka; else one is started")
	flag.BoolVar(&o.JSON, "json", false, "print JSON in place of the table")
	flag.BoolVar(&o.Peers, "peers", true, "measure franz-go and kafka-go too")
	flag.StringVar(&o.child, "child", "", "used by the program itself: the `READER` to be")
	flag.StringVar(&o.topic, "topic", "", "used by the program itself: the `TOPIC` to read")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "reading:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	if o.child != "" {
		return child(ctx, o)
	}
	if o.Kafka == "" {
		fmt.Fprintf(os.Stderr, "starting Apache Kafka %s …\n", apachekafka.Version)
		k, err := apachekafka.Start(ctx, apachekafka.Config{HeapMB: 768})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, k.Close()) }()
		o.Kafka = k.Addr
	}
	return measure(ctx, o)
}
