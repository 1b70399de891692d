package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// shape says what lies in a topic.
type shape struct {
	Events     int    `json:"events"`
	Devices    int    `json:"devices"` // installs that they come from: some are never seen, some are reinstalled
	Apps       int    `json:"apps"`
	Partitions int    `json:"partitions"`
	Codec      string `json:"codec"`
	Month      string `json:"month"`
	Seed       uint64 `json:"seed"`
}

// topic is a month in Kafka and what is known of it.
type topic struct {
	shape
	kafka string
	dir   string // of this topic's files
	bin   string // of the commands
	name  string
	truth counts // by who made the month
}

// counts are exact numbers of devices by app and kind; "any" are those that did any of the three kinds of a mini program.
type counts map[string]map[string]int

// devices is the sum over the apps.
func (c counts) devices() (n int) {
	for _, kinds := range c {
		n += kinds["any"]
	}
	return n
}

// agrees compares what a program found, where it tells kinds or only "any", with what is true.
func (c counts) agrees(truth counts) error {
	for _, app := range slices.Sorted(maps.Keys(truth)) {
		found, ok := c[app]
		if !ok {
			return fmt.Errorf("%s is missing: it has %d devices", app, truth[app]["any"])
		}
		for kind, n := range found {
			if n != truth[app][kind] {
				return fmt.Errorf("%s: %d devices (%s), true are %d", app, n, kind, truth[app][kind])
			}
		}
	}
	for app, found := range c {
		if _, ok := truth[app]; !ok && found["any"]+found["open"]+found["search"]+found["predownload"] > 0 {
			return fmt.Errorf("%s: no such app was made", app)
		}
	}
	return nil
}

// topics numbers the topics of this process.
var topics atomic.Int32

// billed is how many apps are put into the accounts: the file has its limit. Of the others the kinds are compared.
const billed = 20_000

// newTopic creates a topic and the configuration to count it with, and fills it.
func newTopic(ctx context.Context, bin, dir, kafka string, s shape) (*topic, error) {
	t := &topic{shape: s, kafka: kafka, bin: bin, name: fmt.Sprintf("way-%d-%d", os.Getpid(), topics.Add(1))}
	t.dir = filepath.Join(dir, t.name)
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return nil, err
	}
	var apps []string
	for i := range min(s.Apps, billed) {
		apps = append(apps, fmt.Sprintf("app-%0*d", max(3, len(strconv.Itoa(s.Apps))), i+1))
	}
	accounts := fmt.Appendf(nil, "accounts:\n  - {id: all, apps: [%s], plan: tcmpp/pro, from: %s-01}\n", strings.Join(apps, ", "), s.Month)
	if err := os.WriteFile(t.path("accounts.yaml"), accounts, 0o644); err != nil {
		return nil, err
	}
	config, err := t.configure("load", "10s")
	if err != nil {
		return nil, err
	}
	if _, _, err := run(exec.CommandContext(ctx, t.command("ingest"), "init", "--config", config, "--partitions", strconv.Itoa(s.Partitions))); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "loading %d events of %d devices, %d apps, into %d partitions, %s …\n", s.Events, s.Devices, s.Apps, s.Partitions, s.Codec)
	if err := t.generate(ctx, "--counts", t.path("counts.json"), "--brokers", kafka, "--topic", t.name, "--compression", s.Codec); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(t.path("counts.json"))
	if err != nil {
		return nil, err
	}
	var doc struct{ Apps counts }
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("generate --counts: %w", err)
	}
	t.truth = doc.Apps
	return t, nil
}

func (t *topic) generate(ctx context.Context, args ...string) error {
	args = append([]string{"--clean", "--month", t.Month, "--events", strconv.Itoa(t.Events), "--devices", strconv.Itoa(t.Devices),
		"--apps", strconv.Itoa(t.Apps), "--seed", strconv.FormatUint(t.Seed, 10)}, args...)
	_, _, err := run(exec.CommandContext(ctx, t.command("generate"), args...))
	return err
}

func (t *topic) path(name string) string    { return filepath.Join(t.dir, name) }
func (t *topic) command(name string) string { return filepath.Join(t.bin, name) }

// configure writes a configuration with a state, a ledger and a group of its own.
func (t *topic) configure(run, checkpoint string) (string, error) {
	name := t.path(run + ".yaml")
	return name, os.WriteFile(name, fmt.Appendf(nil, `kafka: {brokers: [%q], topic: %s, group: %s-%s, producer_time: accept}
ingest: {checkpoint_interval: %s}
state: file://%s/state
ledger: sqlite://%s/ledger.db
`, t.kafka, t.name, t.name, run, checkpoint, run, run), 0o644)
}
