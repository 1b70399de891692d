package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"

	"headcount/bench/peers"
)

// headcount counts a topic with a number of processes that share it, from nothing, with checkpoints, and compares.
func (t *topic) headcount(ctx context.Context, name string, processes int, checkpoint time.Duration, flags ...string) (m measure, err error) {
	config, err := t.configure(name, checkpoint.String())
	if err != nil {
		return m, err
	}
	var waits []func() ([]byte, measure, error)
	for range processes {
		args := append([]string{"run", "--until-end", "--quiet", "--config", config}, flags...)
		wait, err := start(exec.CommandContext(ctx, t.command("ingest"), args...))
		if err != nil {
			return m, err
		}
		waits = append(waits, wait)
	}
	for _, wait := range waits {
		_, one, failed := wait()
		if failed != nil {
			err = failed
		}
		m.Seconds = max(m.Seconds, one.Seconds)
		m.CPU += one.CPU
		m.PeakRSSMB += one.PeakRSSMB
	}
	if err != nil {
		return m, err
	}
	m.Durable = size(t.path(name + "/state"))
	out, _, err := run(exec.CommandContext(ctx, t.command("rollup"), "status", "--month", t.Month, "--json", "--config", config))
	if err != nil {
		return m, err
	}
	found, err := parseStatus(out)
	if err == nil {
		err = found.agrees(t.truth)
	}
	if err != nil {
		return m, fmt.Errorf("headcount: %w", err)
	}
	return m, os.RemoveAll(t.path(name))
}

// parseStatus reads what rollup status --json says.
func parseStatus(text []byte) (counts, error) {
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
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("rollup status: %w", err)
	}
	c := counts{}
	for _, a := range doc.Usage {
		c[a.App] = map[string]int{}
		for _, kind := range []string{"open", "search", "predownload"} {
			c[a.App][kind] = a.Kinds[kind].Exact
		}
		for _, meter := range a.Meters {
			if meter.Meter == "mau" {
				c[a.App]["any"] = meter.Exact
			}
		}
	}
	return c, nil
}

// peer counts the topic, or the file, with a peer, and compares. Where it makes several passes, warm is the CPU of the last, which is
// left out of the measure.
func (t *topic) peer(ctx context.Context, p *peers.Peer, passes int, checkpoint time.Duration) (m measure, warm time.Duration, err error) {
	job := peers.Job{Brokers: t.kafka, Topic: t.name, File: t.path("events.ndjson"), Month: t.Month, State: t.path(p.Name), Checkpoint: checkpoint, Passes: passes}
	if p.File {
		if _, err := os.Stat(job.File); err != nil {
			if err := t.generate(ctx, "--out", job.File); err != nil {
				return m, 0, err
			}
		}
	}
	if err := fresh(job.State); err != nil {
		return m, 0, err
	}
	defer os.RemoveAll(job.State)
	durable := func() int64 { return 0 }
	switch p.Durable {
	case peers.Kept:
		durable = func() int64 { return size(job.State) }
	case peers.Watched:
		durable = watch(job.State, "chk-")
	}
	out, m, err := run(p.Command(ctx, job))
	m.Durable = durable()
	if err != nil {
		return m, 0, err
	}
	var said peers.Printed
	if err := json.Unmarshal(out, &said); err != nil {
		return m, 0, fmt.Errorf("%s printed no JSON: %w: %s", p.Name, err, out)
	}
	found := counts{}
	for app, n := range said.Apps {
		found[app] = map[string]int{"any": n}
	}
	if err := found.agrees(t.truth); err != nil {
		return m, 0, fmt.Errorf("%s: %w", p.Name, err)
	}
	m.Seconds -= said.Waited
	if passes > 1 {
		warm = time.Duration(said.Warm.CPU)
		m.CPU -= warm
		m.Seconds -= said.Warm.Seconds
	}
	return m, warm, nil
}
