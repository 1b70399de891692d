// Command crash kills real `ingest` and `rollup` processes on real Apache Kafka, and holds what they end at against a run that
// nothing disturbed.
//
//	make crash                                  # ten thousand cycles
//	make crash CRASH="--cycles 100"             # what CI runs
//
// Each lane has a topic of its own and lives month after month: small months of records of every kind, sent a slice at a time
// while two `ingest run` processes share the partitions. A cycle is one process ended by SIGKILL, at a random moment or soon
// after it counted its first records; or, at the month's end, a `rollup close` killed at one of its steps. Between them,
// checkpoints are damaged, processes are stopped past their session and woken, the disk fills up or becomes read-only, and
// Kafka itself is killed. The same records, in the same partitions and order, lie in a second topic, which one `rollup close`
// counts and closes undisturbed: sealed files by their SHA-256, usage and invoices must be the same, byte for byte.
//
// At the end it prints how often each fault fired and took effect, and fails where one did neither, where a process ended by
// itself, or where anything differed.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
)

type options struct {
	cycles     int
	lanes      int
	records    int
	devices    int
	recoveries int
	kafka      int
	bin        string
	dir        string
	seed       uint64
}

func main() {
	var o options
	flag.IntVar(&o.cycles, "cycles", 10_000, "`NUMBER` of processes to kill; 0: measure recoveries alone")
	flag.IntVar(&o.lanes, "lanes", 3, "`NUMBER` of topics counted side by side")
	flag.IntVar(&o.records, "records", 1500, "`NUMBER` of records in a month")
	flag.IntVar(&o.devices, "recovery-devices", 1_000_000, "`NUMBER` of devices that a process recovers with")
	flag.IntVar(&o.recoveries, "recoveries", 250, "`TIMES` that the recovery with so many devices is measured; 0: not at all")
	flag.IntVar(&o.kafka, "kafka-kills", 0, "`TIMES` that Kafka is killed; 0: once in 500 cycles, at least once")
	flag.StringVar(&o.bin, "bin", "bin", "`FOLDER` of the programs")
	flag.StringVar(&o.dir, "dir", "", "`FOLDER` to work in, kept; empty: a temporary one, removed where all went well")
	flag.Uint64Var(&o.seed, "seed", 0, "of the random moments, as far as processes can be repeated; 0: a new one, printed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}
