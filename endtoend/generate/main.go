// Command generate makes up a month of SDK events (package month) as NDJSON or straight into a Kafka topic.
//
//	go run ./endtoend/generate --month 2026-10 --events 1000000 --devices 120000 --apps 20 > events.ndjson
//	go run ./endtoend/generate --events 8000000 --devices 900000 --clean --brokers 127.0.0.1:9092 --topic sdk-events
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata"

	"headcount/endtoend/month"
	"headcount/endtoend/reporter"
	"headcount/events/signed"
	"headcount/events/stream"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	c := month.Default()
	flags := flag.NewFlagSet("generate", flag.ExitOnError)
	flags.StringVar(&c.Month, "month", c.Month, "calendar `MONTH` to make up")
	zone := flags.String("time-zone", "UTC", "billing `ZONE` whose calendar month it is, an IANA name")
	flags.IntVar(&c.Events, "events", c.Events, "`NUMBER` of records, odd ones included")
	flags.IntVar(&c.Devices, "devices", c.Devices, "`NUMBER` of installs that they come from")
	flags.IntVar(&c.Apps, "apps", c.Apps, "`NUMBER` of superapps, app-001 and on; few have most of the devices")
	flags.Uint64Var(&c.Seed, "seed", c.Seed, "`SEED`: the same flags give the same bytes")
	flags.Float64Var(&c.Logins, "logins", c.Logins, "`SHARE` of user.login")
	flags.Float64Var(&c.Components, "components", c.Components, "`SHARE` of component.*")
	flags.Float64Var(&c.Reported, "reported", c.Reported, "`SHARE` of usage.reported (gateway_calls, peak_groups)")
	sealKey := flags.String("seal-key", "data/seal.pub", "seal public key `FILE` of the installation that usage.reported is signed to")
	reporters := flags.String("reporters", "", "write the key files of those who sign to this `FOLDER`, print what the configuration must say of them, and end")
	flags.Float64Var(&c.Odd, "odd", c.Odd, "`SHARE` of odd records: spellings, wrong clocks, stragglers, repeats, a quarter of them dead letters")
	clean := flags.Bool("clean", false, "no odd record and none of another month: every record counts")
	flags.Float64Var(&c.Binary, "binary", c.Binary, "`SHARE` in CloudEvents' binary mode (only with --brokers)")
	compression := flags.String("compression", "lz4", "`CODEC` of what is sent: none, gzip, snappy, lz4, zstd (only with --brokers)")
	counts := flags.String("counts", "", "`FILE` to write the exact number of devices to, by app and kind, as JSON (only with --clean)")
	out := flags.String("out", "-", "`FILE` to write NDJSON to; - is standard output")
	brokers := flags.String("brokers", "", "send to Kafka at `HOST:PORT,…` instead, with timestamps of the month")
	topic := flags.String("topic", "sdk-events", "`TOPIC` to send to; it must exist")
	flags.Parse(args)
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	if *reporters != "" {
		text, err := reporter.Files(*reporters, month.Reporters...)
		if err == nil {
			_, err = fmt.Print(text)
		}
		return err
	}
	if *clean {
		c.Odd = 0
	}
	if c.Reported > 0 {
		var err error
		if c.SealKey, err = signed.LoadSealPublicKey(*sealKey); err != nil {
			return fmt.Errorf("--seal-key: %w", err)
		}
	}
	if c.Binary > 0 && *brokers == "" {
		return fmt.Errorf("--binary: NDJSON has no headers: give --brokers")
	}
	if *counts != "" && !*clean {
		return fmt.Errorf("--counts: odd records are not counted here: give --clean")
	}
	var err error
	if c.Zone, err = time.LoadLocation(*zone); err != nil {
		return fmt.Errorf("--time-zone: %w", err)
	}
	g, err := month.New(c)
	if err != nil {
		return err
	}
	next := g.Next
	var seen tally
	if *counts != "" {
		next = seen.of(g.Next)
	}
	if *brokers != "" {
		err = send(ctx, next, stream.Config{Brokers: strings.Split(*brokers, ","), Topic: *topic, Compression: *compression})
	} else {
		err = write(ctx, next, *out)
	}
	if err == nil && *counts != "" {
		err = seen.write(*counts)
	}
	return err
}
