package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"headcount/bench/peers"
)

// bench is a run of this command.
type bench struct {
	options
	dir, bin string
}

// table measures Headcount and the peers on one topic, and shows the results.
func (b *bench) table(ctx context.Context) error {
	r := report{Command: strings.Join(append([]string{"go run ./bench/way"}, os.Args[1:]...), " "), Machine: thisMachine(), Topic: b.shape,
		Interval: b.checkpoint.String(), Skipped: map[string]string{}}
	chosen, err := b.peers(ctx, r.Skipped)
	if err != nil {
		return err
	}
	t, err := newTopic(ctx, b.bin, b.dir, b.kafka, b.shape)
	if err != nil {
		return err
	}
	r.Active = t.truth.devices()
	all, warm, err := b.measure(ctx, t, chosen)
	if err != nil {
		return err
	}
	head := t.result("headcount", "Headcount: `ingest run`, checkpoints on", all[0])
	head.Ratio = 1
	r.Results = append(r.Results, head)
	for i, p := range chosen {
		x := t.result(p.Name, p.Title, all[i+1])
		x.WarmCPUPerEvent = float64(warm[i]) / float64(t.Events)
		x.Ratio = x.CPUPerEvent / head.CPUPerEvent
		r.Results = append(r.Results, x)
	}
	if b.add {
		if err := r.keep(b.json); err != nil {
			return err
		}
	}
	if err := b.show(&r); err != nil {
		return err
	}
	if b.maxRSS > 0 && head.PeakRSSMB > float64(b.maxRSS) {
		return fmt.Errorf("ingest took %.0f MB of memory, over the limit of %d", head.PeakRSSMB, b.maxRSS)
	}
	return nil
}

// peers builds those that --only names; those that cannot be had here go to skipped.
func (b *bench) peers(ctx context.Context, skipped map[string]string) (chosen []*peers.Peer, err error) {
	names := strings.Split(b.only, ",")
	if b.only == "none" {
		names = nil
	}
	for _, p := range peers.All() {
		if b.only != "all" && !slices.Contains(names, p.Name) {
			continue
		}
		names = slices.DeleteFunc(names, func(s string) bool { return s == p.Name })
		if err := p.Ready(ctx, b.bin); errors.Is(err, peers.ErrMissing) {
			fmt.Fprintf(os.Stderr, "skipping the peer %s: %v\n", p.Name, err)
			skipped[p.Name] = err.Error()
			continue
		} else if err != nil {
			return nil, err
		}
		chosen = append(chosen, p)
	}
	if b.only != "all" && len(names) > 0 {
		return nil, fmt.Errorf("--only: no peer is called %s", strings.Join(names, ", "))
	}
	return chosen, nil
}

// measure lets everyone count in turn, so that what else the machine does meets all of them: Headcount is the first of all.
func (b *bench) measure(ctx context.Context, t *topic, chosen []*peers.Peer) (all [][]measure, warm []time.Duration, err error) {
	all, warm = make([][]measure, len(chosen)+1), make([]time.Duration, len(chosen))
	for i := range b.runs {
		fmt.Fprintf(os.Stderr, "run %d of %d: headcount", i+1, b.runs)
		var flags []string
		if b.profile != "" && i == b.runs-1 {
			flags = []string{"--cpuprofile", b.profile}
		}
		m, err := t.headcount(ctx, fmt.Sprintf("run-%d", i), 1, b.checkpoint, flags...)
		if err != nil {
			return nil, nil, err
		}
		all[0] = append(all[0], m)
		for j, p := range chosen {
			if i > 0 && p.Warms {
				continue
			}
			fmt.Fprintf(os.Stderr, ", %s", p.Name)
			passes := 1
			if b.warm && p.Warms {
				passes = 2
			}
			m, second, err := t.peer(ctx, p, passes, b.checkpoint)
			if err != nil {
				return nil, nil, err
			}
			warm[j] = second
			all[j+1] = append(all[j+1], m)
		}
		fmt.Fprintln(os.Stderr)
	}
	return all, warm, nil
}

// show prints the table and writes the files that were asked for.
func (b *bench) show(r *report) error {
	if err := r.text(os.Stdout); err != nil {
		return err
	}
	if err := writeJSON(b.json, r); err != nil {
		return err
	}
	if b.svg != "" {
		if err := os.WriteFile(b.svg, r.chart(), 0o644); err != nil {
			return err
		}
	}
	if b.readme != "" {
		return renew(b.readme, r.markdown())
	}
	return nil
}

// keep adds what an older report has of peers that this one lacks. Their ratios are to Headcount in their own run.
func (r *report) keep(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("--add: %w", err)
	}
	var old report
	if err := json.Unmarshal(text, &old); err != nil {
		return fmt.Errorf("--add: %s: %w", name, err)
	}
	if old.Topic != r.Topic || old.Machine != r.Machine || old.Interval != r.Interval {
		return fmt.Errorf("--add: %s is of another topic, machine or checkpoint interval: measure all peers anew", name)
	}
	order := map[string]int{"headcount": 0}
	for i, p := range peers.All() {
		order[p.Name] = i + 1
	}
	for _, x := range old.Results {
		if !slices.ContainsFunc(r.Results, func(new result) bool { return new.Program == x.Program }) {
			r.Results = append(r.Results, x)
			delete(r.Skipped, x.Program)
		}
	}
	slices.SortFunc(r.Results, func(a, b result) int { return order[a.Program] - order[b.Program] })
	return nil
}

// writeJSON writes a file; no name, no file.
func writeJSON(name string, v any) error {
	if name == "" {
		return nil
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}

// renew puts text between the two comments of a file.
func renew(name, text string) error {
	const begin, end = "<!-- bench -->\n", "<!-- /bench -->"
	old, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(old), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		return fmt.Errorf("%s: no %s … %s to put the table between", name, strings.TrimSpace(begin), end)
	}
	return os.WriteFile(name, []byte(before+begin+text+end+after), 0o644)
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
