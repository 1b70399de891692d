package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// bench is a topic and the programs that count it.
type bench struct {
	options
	dir   string
	topic string
}

// measure is what a program took to count the topic once.
type measure struct {
	Program         string  `json:"program"`
	Seconds         float64 `json:"seconds"`
	EventsPerSecond float64 `json:"events_per_second"`
	CPUPerEvent     float64 `json:"cpu_ns_per_event"`
	PeakRSSMB       float64 `json:"peak_rss_mb"`
}

// counts are exact counts by app and kind; any of the three kinds of a mini program is "any".
type counts map[string]map[string]int

func (c counts) same(other counts) error {
	if !maps.EqualFunc(c, other, maps.Equal) {
		return fmt.Errorf("the counts differ:\n%v\n%v", c, other)
	}
	return nil
}

func (b *bench) build(ctx context.Context) error {
	fmt.Fprintln(os.Stderr, "building …")
	for _, p := range []string{"cmd/ingest", "cmd/rollup", "bench/generate", "bench/peers/franz"} {
		if _, err := b.command(ctx, "go", "build", "-trimpath", "-o", b.path(filepath.Base(p)), "headcount/"+p); err != nil {
			return err
		}
	}
	var apps []string
	for i := range b.Apps {
		apps = append(apps, fmt.Sprintf("app-%0*d", max(3, len(fmt.Sprint(b.Apps))), i+1))
	}
	return os.WriteFile(b.path("accounts.yaml"), fmt.Appendf(nil, "accounts:\n  - {id: all, apps: [%s], plan: tcmpp/pro, from: %s-01}\n", strings.Join(apps, ", "), b.Month), 0o644)
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// configure writes a configuration with state of its own.
func (b *bench) configure(run int) (string, error) {
	name := b.path(fmt.Sprintf("headcount-%d.yaml", run))
	return name, os.WriteFile(name, fmt.Appendf(nil, `kafka: {brokers: [%q], topic: %s, group: %s-%d}
ingest: {checkpoint_interval: %s}
state: file://data/state-%d
ledger: sqlite://data/ledger-%d.db
`, b.Kafka, b.topic, b.topic, run, b.Checkpoint, run, run), 0o644)
}

func (b *bench) load(ctx context.Context) error {
	config, err := b.configure(0)
	if err != nil {
		return err
	}
	if _, err := b.command(ctx, b.path("ingest"), "init", "--config", config, "--partitions", fmt.Sprint(b.Partitions)); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "loading %d events …\n", b.Events)
	_, err = b.command(ctx, b.path("generate"), "--clean", "--month", b.Month, "--events", fmt.Sprint(b.Events), "--devices", fmt.Sprint(b.Devices),
		"--apps", fmt.Sprint(b.Apps), "--brokers", b.Kafka, "--topic", b.topic)
	return err
}

// command runs a program that must succeed.
func (b *bench) command(ctx context.Context, name string, args ...string) ([]byte, error) {
	out, _, err := b.measured(ctx, name, args...)
	return out, err
}

func (b *bench) measured(ctx context.Context, name string, args ...string) ([]byte, measure, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := time.Now()
	err := cmd.Run()
	took := time.Since(begin).Seconds()
	if err != nil {
		return nil, measure{}, fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, stderr.Bytes())
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	m := measure{Seconds: took, EventsPerSecond: float64(b.Events) / took, CPUPerEvent: float64(cpu.Nanoseconds()) / float64(b.Events)}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.PeakRSSMB = float64(r.Maxrss) / 1024 // kilobytes on Linux
	}
	return stdout.Bytes(), m, nil
}

// best runs a program Runs times and returns the measure with the least CPU.
func (b *bench) best(once func(run int) (measure, error)) (best measure, err error) {
	for i := range b.Runs {
		m, err := once(i)
		if err != nil {
			return best, err
		}
		if i == 0 || m.CPUPerEvent < best.CPUPerEvent {
			best = m
		}
	}
	return best, nil
}

// ingest counts with Headcount, from nothing, and returns what status says.
func (b *bench) ingest(ctx context.Context, run int) (measure, counts, error) {
	fmt.Fprintln(os.Stderr, "ingest run --until-end …")
	config, err := b.configure(run)
	if err != nil {
		return measure{}, nil, err
	}
	_, m, err := b.measured(ctx, b.path("ingest"), "run", "--until-end", "--quiet", "--config", config)
	if err != nil {
		return m, nil, err
	}
	m.Program = "headcount: ingest run, checkpoint every " + b.Checkpoint
	out, err := b.command(ctx, b.path("rollup"), "status", "--month", b.Month, "--json", "--config", config)
	if err != nil {
		return m, nil, err
	}
	var doc struct {
		Usage []struct {
			App    string
			Kinds  map[string]struct{ Exact int }
			Meters []struct {
				Meter string
				Exact int
			}
		}
	}
	if err := json.Unmarshal(out, &doc); err != nil {
		return m, nil, fmt.Errorf("rollup status: %w", err)
	}
	c := counts{}
	for _, a := range doc.Usage {
		c[a.App] = map[string]int{"any": -1}
		for _, kind := range []string{"open", "search", "predownload"} {
			c[a.App][kind] = a.Kinds[kind].Exact
		}
		for _, meter := range a.Meters {
			if meter.Meter == "mau" {
				c[a.App]["any"] = meter.Exact
			}
		}
	}
	return m, c, nil
}

// franz counts with the peer.
func (b *bench) franz(ctx context.Context) (measure, counts, error) {
	fmt.Fprintln(os.Stderr, "peer: franz-go …")
	out, m, err := b.measured(ctx, b.path("franz"), "--brokers", b.Kafka, "--topic", b.topic, "--month", b.Month)
	if err != nil {
		return m, nil, err
	}
	m.Program = "peer: franz-go, encoding/json, Go map"
	var doc struct{ Apps counts }
	if err := json.Unmarshal(out, &doc); err != nil {
		return m, nil, fmt.Errorf("peer: %w", err)
	}
	return m, doc.Apps, nil
}

func show(o options, measures []measure) {
	width := 0
	for _, m := range measures {
		width = max(width, len(m.Program))
	}
	fmt.Printf("%d events, %d devices, %d apps, %d partitions, Apache Kafka\n\n", o.Events, o.Devices, o.Apps, o.Partitions)
	fmt.Printf("%-*s %10s %10s %8s %8s\n", width, "", "events/s", "ns CPU", "RSS MB", "seconds")
	for _, m := range measures {
		fmt.Printf("%-*s %10.0f %10.0f %8.0f %8.1f\n", width, m.Program, m.EventsPerSecond, m.CPUPerEvent, m.PeakRSSMB, m.Seconds)
	}
	fmt.Println()
}
