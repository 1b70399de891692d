package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// result is a program's line in the table.
type result struct {
	Program          string  `json:"program"`
	Title            string  `json:"title"`
	Runs             int     `json:"runs"`                               // of which the one with the least CPU is shown
	CPUPerEvent      float64 `json:"cpu_ns_per_event"`                   // from the process's start
	WarmCPUPerEvent  float64 `json:"warm_cpu_ns_per_event,omitempty"`    // of a second pass in the same process; 0: not measured
	EventsPerSecond  float64 `json:"events_per_second"`                  // from the process's start
	PeakRSSMB        float64 `json:"peak_rss_mb"`                        // the most of the runs
	DurablePerDevice float64 `json:"durable_bytes_per_device,omitempty"` // 0: it keeps none
	Ratio            float64 `json:"cpu_in_headcounts,omitempty"`        // CPU per event, in Headcount's of the same run
}

func (t *topic) result(program, title string, all []measure) result {
	r := result{Program: program, Title: title, Runs: len(all)}
	best := all[0]
	for _, m := range all {
		r.PeakRSSMB = max(r.PeakRSSMB, m.PeakRSSMB)
		if m.CPU < best.CPU {
			best = m
		}
	}
	r.CPUPerEvent = float64(best.CPU) / float64(t.Events)
	r.EventsPerSecond = float64(t.Events) / best.Seconds
	if n := t.truth.devices(); n > 0 {
		r.DurablePerDevice = float64(best.Durable) / float64(n)
	}
	return r
}

// report is what a run of the table found, and its JSON.
type report struct {
	Command  string            `json:"command"`
	Machine  machine           `json:"machine"`
	Topic    shape             `json:"topic"`
	Active   int               `json:"active_devices"` // by app: the number that all agree on, added up
	Interval string            `json:"checkpoint_interval"`
	Results  []result          `json:"results"`
	Skipped  map[string]string `json:"skipped,omitempty"` // peer → why
}

// text prints the table.
func (r *report) text(w io.Writer) error {
	fmt.Fprintf(w, "%s\n%s\n\n", r.Topic, r.Machine)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "program\tns CPU/event\twarm\tof headcount\tevents/s\tpeak MB\tdurable B/device\t")
	for _, x := range r.Results {
		fmt.Fprintln(tw, strings.Join(x.cells(), "\t")+"\t")
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, line := range r.skips() {
		fmt.Fprintln(w, line)
	}
	_, err := fmt.Fprintf(w, "\nexact counts of %d apps, %s active devices: the same in all, and in the month as it was made\n", r.Topic.Apps, thousands(float64(r.Active)))
	return err
}

// markdown is the table for a README.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s):\n\n", r.Topic, r.Machine)
	b.WriteString("| | ns CPU per event | warm | × | events a second | peak MB | durable bytes a device |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, x := range r.Results {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(x.cells(), " | "))
	}
	for _, line := range r.skips() {
		fmt.Fprintf(&b, "\n%s\n", line)
	}
	return b.String()
}

func (r *report) skips() (lines []string) {
	for _, name := range sortedKeys(r.Skipped) {
		lines = append(lines, fmt.Sprintf("skipped: %s: %s", name, firstLine(r.Skipped[name])))
	}
	return lines
}

func (x *result) cells() []string {
	return []string{x.Title, thousands(x.CPUPerEvent), dash(x.WarmCPUPerEvent), fmt.Sprintf("%.1f", x.Ratio), thousands(x.EventsPerSecond),
		thousands(x.PeakRSSMB), dash(x.DurablePerDevice)}
}

func (s shape) String() string {
	return fmt.Sprintf("%s events of %s devices, %s apps, %d partitions", thousands(float64(s.Events)), thousands(float64(s.Devices)), thousands(float64(s.Apps)), s.Partitions)
}

// dash prints nothing where nothing was measured.
func dash(v float64) string {
	if v == 0 {
		return "–"
	}
	return thousands(v)
}

// thousands rounds to three significant digits or a whole number, and parts thousands by commas.
func thousands(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
