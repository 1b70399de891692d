// Command scale measures what a partition costs as it grows: record batches made up in memory, compressed by lz4, are read as a
// fetch's are and counted by a counter.Shard, with checkpoints into a folder, without Kafka. Each number of devices has a process of its
// own, so that memory is its own too.
//
//	make bench-scale                                                        # one and ten million devices
//	go run ./bench/scale --devices 1000000,50000000 --events-per-device 3   # two minutes and 2 GB
//	go run ./bench/scale --unite 8 --devices 20000000                       # the union of a close: 8 partitions
//
// It prints, for each number of devices: nanoseconds of CPU per event, without those that making up batches took; resident
// memory at the end and at its highest, and how much of it lies on huge pages; bytes of heap and of checkpoint per device; how
// long the longest call of Count took, of Cut with much and with little new; how long the seal stopped counting and how long
// it took in the background; and what a restart takes.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
)

type options struct {
	devices string
	per     float64
	apps    int
	every   int
	unite   int
	json    bool
	child   string // what to measure, in a process of its own
	state   string
	profile string
}

func main() {
	var o options
	flag.StringVar(&o.devices, "devices", "1600000,16000000", "`NUMBERS` of installs to draw from, separated by commas; at 3 events each, half of them are seen")
	flag.Float64Var(&o.per, "events-per-device", 3, "`NUMBER` of events made for each device")
	flag.IntVar(&o.apps, "apps", 20, "`NUMBER` of apps")
	flag.IntVar(&o.every, "every", 5_000_000, "`EVENTS` between two checkpoints")
	flag.IntVar(&o.unite, "unite", 0, "unite the sealed months of so many `PARTITIONS` instead")
	flag.StringVar(&o.profile, "profile", "", "`FOLDER` to write CPU profiles to")
	flag.BoolVar(&o.json, "json", false, "print JSON in place of the table")
	flag.StringVar(&o.child, "child", "", "used by the program itself")
	flag.StringVar(&o.state, "state", "", "used by the program itself")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.child != "" {
		n, err := strconv.Atoi(o.devices)
		if err != nil {
			return err
		}
		stages := map[string]func(context.Context, options, int) (result, error){
			"count": count, "restore": restore, "seal": sealMonths, "unite": unite,
		}
		if o.profile != "" {
			f, err := os.Create(filepath.Join(o.profile, o.child+"-"+o.devices+".pprof"))
			if err != nil {
				return err
			}
			if err := pprof.StartCPUProfile(f); err != nil {
				return err
			}
			defer pprof.StopCPUProfile()
		}
		r, err := stages[o.child](ctx, o, n)
		if err != nil {
			return fmt.Errorf("%s: %w", o.child, err)
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	children := []string{"count", "restore"}
	if o.unite > 0 {
		children = []string{"seal", "unite"}
	}
	var all []result
	for _, n := range strings.Split(o.devices, ",") {
		r, err := measure(ctx, o, n, children)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	if o.json {
		return json.NewEncoder(os.Stdout).Encode(all)
	}
	show(all)
	return nil
}

// measure runs the children one after the other on one state folder, and puts what they measured together.
func measure(ctx context.Context, o options, devices string, children []string) (_ result, err error) {
	folder, err := os.MkdirTemp("", "headcount-scale-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var all result
	for _, child := range children {
		cmd := exec.CommandContext(ctx, self, "--child", child, "--devices", devices, "--state", folder,
			"--events-per-device", fmt.Sprint(o.per), "--apps", fmt.Sprint(o.apps), "--every", fmt.Sprint(o.every), "--unite", fmt.Sprint(o.unite), "--profile", o.profile)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s of %s devices: %w", child, devices, err)
		}
		var r result
		if err := json.Unmarshal(out, &r); err != nil {
			return nil, err
		}
		all = append(all, r...)
	}
	return all, nil
}

// show prints a column for each number of devices, and the ratio of the last to the first.
func show(all []result) {
	for i := range all[0] {
		line := fmt.Sprintf("%-44s", all[0][i].Name)
		for _, r := range all {
			line += fmt.Sprintf("%16s", strconv.FormatFloat(r[i].Value, 'f', all[0][i].digits(), 64))
		}
		if first, last := all[0][i].Value, all[len(all)-1][i].Value; len(all) > 1 && first > 0 {
			line += fmt.Sprintf("   × %.2f", last/first)
		}
		fmt.Println(line)
	}
}
