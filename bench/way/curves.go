package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// curve is Headcount measured at several points along one quantity, all else alike.
type curve struct {
	Name    string  `json:"name"`
	About   string  `json:"about"` // what stays as it is
	Command string  `json:"command"`
	Machine machine `json:"machine"`
	Points  []point `json:"points"`
}

// point is one place on a curve. Processes share the topic: their CPU and memory are added up.
type point struct {
	X         string  `json:"x"`
	Topic     shape   `json:"topic"`
	Processes int     `json:"processes"`
	Active    int     `json:"active_devices"`
	OfFirst   float64 `json:"of_first"` // CPU per event, in that of the first point
	result
}

// plan returns the curves, without results, scaled.
func (b *bench) plan() []*curve {
	base := shape{Events: 2_000_000, Devices: 1_000_000, Apps: 20, Partitions: 4, Codec: "lz4", Month: b.Month, Seed: b.Seed}
	scaled := func(s shape) shape {
		s.Events, s.Devices = max(1000, int(float64(s.Events)*b.scale)), max(100, int(float64(s.Devices)*b.scale))
		return s
	}
	along := func(name, about string, change func(*shape, int), values ...int) *curve {
		c := &curve{Name: name, About: about}
		for _, v := range values {
			s := base
			change(&s, v)
			if s = scaled(s); name == "devices" {
				v = s.Devices
			}
			c.Points = append(c.Points, point{X: thousands(float64(v)), Topic: s, Processes: 1})
		}
		return c
	}
	size := func(events int) string {
		s := base
		s.Events = events
		s = scaled(s)
		return fmt.Sprintf("%s events of %s devices", thousands(float64(s.Events)), thousands(float64(s.Devices)))
	}
	devices := along("devices", fmt.Sprintf("three events a device, at least %s; 20 apps, 4 partitions, lz4", thousands(float64(scaled(base).Events))),
		func(s *shape, v int) { s.Devices, s.Events = v, max(2_000_000, 3*v) }, 10_000, 100_000, 1_000_000, 10_000_000)
	apps := along("apps", size(base.Events)+", 4 partitions, lz4", func(s *shape, v int) { s.Apps = v }, 1, 10, 100, 1000, 10_000, 100_000)
	partitions := along("partitions", size(base.Events)+", 20 apps, lz4", func(s *shape, v int) { s.Partitions = v }, 1, 4, 16, 64, 256)
	codecs := &curve{Name: "codecs", About: size(base.Events) + ", 20 apps, 4 partitions"}
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		s := scaled(base)
		s.Codec = codec
		codecs.Points = append(codecs.Points, point{X: codec, Topic: s, Processes: 1})
	}
	processes := &curve{Name: "processes", About: size(2*base.Events) + ", 20 apps, 8 partitions, lz4, shared by a consumer group"}
	for n := 1; n <= 4; n++ {
		s := base
		s.Events, s.Partitions = 2*base.Events, 8
		processes.Points = append(processes.Points, point{X: fmt.Sprint(n), Topic: scaled(s), Processes: n})
	}
	return []*curve{devices, apps, partitions, codecs, processes}
}

func (b *bench) allCurves(ctx context.Context) error {
	names := strings.Split(b.curves, ",")
	if b.curves == "all" {
		names = nil
	}
	for _, c := range b.plan() {
		if names != nil && !slices.Contains(names, c.Name) {
			continue
		}
		names = slices.DeleteFunc(names, func(s string) bool { return s == c.Name })
		c.Machine = thisMachine()
		c.Command = strings.Join(append([]string{"go run ./bench/way"}, os.Args[1:]...), " ")
		if err := b.measureCurve(ctx, c); err != nil {
			return fmt.Errorf("curve %s: %w", c.Name, err)
		}
		if err := c.text(os.Stdout); err != nil {
			return err
		}
		if err := b.writeCurve(c); err != nil {
			return err
		}
	}
	if len(names) > 0 {
		return fmt.Errorf("--curves: no curve is called %s", strings.Join(names, ", "))
	}
	return nil
}

func (b *bench) writeCurve(c *curve) error {
	if b.out == "" {
		return nil
	}
	if err := writeJSON(filepath.Join(b.out, c.Name+".json"), c); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.out, c.Name+".svg"), c.chart(), 0o644)
}

// measureCurve measures every point; neighbours of one shape share the topic.
func (b *bench) measureCurve(ctx context.Context, c *curve) error {
	var t *topic
	for i := range c.Points {
		p := &c.Points[i]
		if t == nil || t.shape != p.Topic {
			var err error
			if t, err = newTopic(ctx, b.bin, b.dir, b.kafka, p.Topic); err != nil {
				return err
			}
		}
		p.Active = t.truth.devices()
		var all []measure
		for run := range b.runs {
			m, err := t.headcount(ctx, fmt.Sprintf("run-%d-%d", i, run), p.Processes, b.checkpoint)
			if err != nil {
				return err
			}
			all = append(all, m)
		}
		p.result = t.result("headcount", "Headcount", all)
		p.OfFirst = p.CPUPerEvent / c.Points[0].CPUPerEvent
	}
	return nil
}

func (c *curve) text(w io.Writer) error {
	fmt.Fprintf(w, "%s: %s\n", c.Name, c.About)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "%s\tactive devices\tns CPU/event\tof the first\tevents/s\tpeak MB\tdurable B/device\t\n", c.Name)
	for _, p := range c.Points {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%.2f\t%s\t%s\t%s\t\n", p.X, thousands(float64(p.Active)), thousands(p.CPUPerEvent), p.OfFirst, thousands(p.EventsPerSecond),
			thousands(p.PeakRSSMB), thousands(p.DurablePerDevice))
	}
	fmt.Fprintln(tw)
	return tw.Flush()
}
