package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"headcount/bench/peers"
	"headcount/events/stream/broker"
)

// Headcount and the peers in Go come to the number that whoever made the month knows, on the embedded broker, and every file that
// is asked for is written. It builds five commands; counting takes a second.
func TestPeersAgree(t *testing.T) {
	if testing.Short() {
		t.Skip("builds five commands")
	}
	dir := t.TempDir()
	kafka, err := broker.Start(t.Context(), broker.Config{Addr: "127.0.0.1:0", DataDir: filepath.Join(dir, "kafka"), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	readme := filepath.Join(dir, "README.md")
	if err := os.WriteFile(readme, []byte("before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := &bench{dir: dir, bin: filepath.Join(dir, "bin"), options: options{
		shape: shape{Events: 5000, Devices: 1500, Apps: 3, Partitions: 2, Codec: "lz4", Month: "2025-03", Seed: 7},
		kafka: kafka.Addr(), checkpoint: 10 * time.Second, runs: 1, only: "franz,kafkago",
		json: filepath.Join(dir, "out.json"), svg: filepath.Join(dir, "out.svg"), readme: readme, out: dir,
	}}
	if err := build(b.bin, "cmd/ingest", "cmd/rollup", "endtoend/generate"); err != nil {
		t.Fatal(err)
	}
	if err := b.table(t.Context()); err != nil {
		t.Fatal(err)
	}
	var r report
	readJSON(t, b.json, &r)
	if len(r.Results) != 3 || len(r.Skipped) > 0 || r.Active < 500 {
		t.Fatalf("results: %+v", r)
	}
	for _, x := range r.Results {
		if x.CPUPerEvent <= 0 || x.EventsPerSecond <= 0 || x.PeakRSSMB <= 0 || x.Ratio <= 0 || (x.DurablePerDevice > 0) != (x.Program == "headcount") {
			t.Errorf("%+v", x)
		}
	}
	if text, _ := os.ReadFile(readme); !strings.HasPrefix(string(text), "before\n<!-- bench -->\n5,000 events") || !strings.HasSuffix(string(text), "|\n<!-- /bench -->\nafter\n") {
		t.Errorf("README:\n%s", text)
	}
	wellFormed(t, b.svg, 3, "rect")

	// One peer anew: the others stay, with their ratios. Another topic is refused.
	var again report
	again.Topic, again.Machine, again.Interval = r.Topic, r.Machine, r.Interval
	again.Results = []result{{Program: "kafkago", Ratio: 3}, {Program: "headcount", Ratio: 1}}
	if err := again.keep(b.json); err != nil {
		t.Fatal(err)
	}
	if x := again.Results; len(x) != 3 || x[0].Program != "headcount" || x[1] != r.Results[1] || x[2].Ratio != 3 {
		t.Errorf("kept: %+v", x)
	}
	again.Topic.Events++
	if err := again.keep(b.json); err == nil {
		t.Error("the results of another topic were kept")
	}

	// Along a curve: two processes that share the topic.
	c := &curve{Name: "processes", Points: []point{{X: "1", Topic: b.shape, Processes: 1}, {X: "2", Topic: b.shape, Processes: 2}}}
	if err := b.measureCurve(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := b.writeCurve(c); err != nil {
		t.Fatal(err)
	}
	var read curve
	readJSON(t, filepath.Join(dir, "processes.json"), &read)
	if len(read.Points) != 2 || read.Points[1].CPUPerEvent <= 0 || read.Points[1].Active != r.Active {
		t.Errorf("curve: %+v", read)
	}
	wellFormed(t, filepath.Join(dir, "processes.svg"), 2, "circle")
}

func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// wellFormed checks that a file is XML with so many elements of a name.
func wellFormed(t *testing.T, name string, want int, element string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for d := xml.NewDecoder(f); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == element {
			n++
		}
	}
	if n != want {
		t.Errorf("%s: %d of <%s>, want %d", name, n, element, want)
	}
}

// A wrong number, a missing app and one that is not there are found, by kind or only by "any".
func TestFindsWrongCounts(t *testing.T) {
	truth := counts{"a": {"open": 3, "search": 1, "predownload": 0, "any": 4}, "b": {"open": 1, "search": 0, "predownload": 0, "any": 1}}
	for name, c := range map[string]struct {
		found counts
		fits  bool
	}{
		"all kinds":  {truth, true},
		"only any":   {counts{"a": {"any": 4}, "b": {"any": 1}}, true},
		"only kinds": {counts{"a": {"open": 3, "search": 1}, "b": {"open": 1}}, true},
		"too few":    {counts{"a": {"any": 3}, "b": {"any": 1}}, false},
		"wrong kind": {counts{"a": {"open": 4, "any": 4}, "b": {"any": 1}}, false},
		"missing":    {counts{"a": {"any": 4}}, false},
		"no such":    {counts{"a": {"any": 4}, "b": {"any": 1}, "c": {"any": 1}}, false},
		"no devices": {counts{"a": {"any": 4}, "b": {"any": 1}, "c": {"any": 0}}, true},
	} {
		if err := c.found.agrees(truth); (err == nil) != c.fits {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a peer cannot be built without is told by name, and the others are measured.
func TestSkipsPeersByName(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // not even Go
	t.Setenv("HEADCOUNT_PEERS_CACHE", t.TempDir())
	b := &bench{options: options{only: "duckdb,streams,flink"}, bin: t.TempDir()}
	skipped := map[string]string{}
	chosen, err := b.peers(context.Background(), skipped)
	if err != nil || len(chosen) != 0 {
		t.Fatal(chosen, err)
	}
	r := report{Skipped: skipped}
	text := r.markdown()
	for _, want := range []string{"skipped: duckdb: build the peer duckdb: not available here: no python3", "skipped: flink: ", "skipped: streams: "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	b.only = "duckdb,spark"
	if _, err := b.peers(context.Background(), skipped); err == nil || !strings.Contains(err.Error(), "spark") {
		t.Errorf("an unknown peer: %v", err)
	}
}

// Checkpoints that are gone at the end are seen while they are there.
func TestWatchesCheckpoints(t *testing.T) { synctest.Test(t, watchesCheckpoints) } // a clock that waits for who looks

func watchesCheckpoints(t *testing.T) {
	dir := t.TempDir()
	stop := watch(dir, "chk-")
	chk := filepath.Join(dir, "job", "chk-7")
	for _, n := range []int{100, 3000, 20} {
		if err := fresh(chk); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(chk, "state"), make([]byte, n), 0o644); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	if err := os.RemoveAll(chk); err != nil {
		t.Fatal(err)
	}
	if got := stop(); got != 3000 {
		t.Errorf("%d bytes, want 3000", got)
	}
}

// What a curve says of itself is what its points measure, scaled too.
func TestCurvesSayWhatTheyMeasure(t *testing.T) {
	b := &bench{options: options{scale: 0.25, shape: shape{Month: "2025-03", Seed: 1}}}
	for _, c := range b.plan() {
		for _, p := range c.Points {
			if c.Name == "devices" {
				if p.X != thousands(float64(p.Topic.Devices)) || p.Topic.Events < 3*p.Topic.Devices {
					t.Errorf("devices: point %s: %+v", p.X, p.Topic)
				}
			} else if want := fmt.Sprintf("%s events of %s devices", thousands(float64(p.Topic.Events)), thousands(float64(p.Topic.Devices))); !strings.HasPrefix(c.About, want) {
				t.Errorf("%s: %s, want %s", c.Name, c.About, want)
			}
		}
	}
}

// A small process that a large one starts has its own peak.
func TestPeakIsTheProcessesOwn(t *testing.T) {
	if peakOf(os.Getpid()) == 0 {
		t.Skip("no /proc")
	}
	large := make([]byte, 256<<20)
	for i := 0; i < len(large); i += 4096 {
		large[i] = 1
	}
	small := exec.Command("cat")
	in, err := small.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	wait, err := start(small)
	if err != nil {
		t.Fatal(err)
	}
	in.Close() // it ends when it was looked at
	_, m, err := wait()
	if err != nil {
		t.Fatal(err)
	}
	if m.PeakRSSMB <= 0 || m.PeakRSSMB > 100 {
		t.Errorf("cat takes %.0f MB", m.PeakRSSMB)
	}
	runtime.KeepAlive(large)
}

func TestRoundStep(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 1: 1, 1.1: 2, 130: 200, 260: 500, 501: 1000} {
		if got := roundStep(v); got != want {
			t.Errorf("roundStep(%v) = %v, want %v", v, got, want)
		}
	}
}

// Every peer says its name and title once, and the folders of the sources are theirs.
func TestPeersAreNamed(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range peers.All() {
		if p.Name == "" || p.Title == "" || seen[p.Name] {
			t.Errorf("peer %q %q", p.Name, p.Title)
		}
		seen[p.Name] = true
		if _, err := os.Stat(filepath.Join("..", "peers", p.Name)); err != nil {
			t.Error(err)
		}
	}
}
