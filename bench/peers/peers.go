// Package peers names what Headcount is measured beside, and makes each of them ready to run: programs that count a month's active
// devices by app, exactly, out of the same events, each built and tuned as those who know it would.
//
// A peer lies in a folder of its own with its build file; its README or the head of its source says what it is tuned with. It
// prints one line of JSON (Printed). A peer whose tools are missing is ErrMissing, with a message that says what to install: who
// measures goes on without it.
//
// What a peer is made of lies in a folder of the user's cache (HEADCOUNT_PEERS_CACHE names another), by a hash of its sources: it is made once,
// and made anew when they change.
package peers

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrMissing is what a missing tool, or one that cannot fetch what it needs, comes to.
var ErrMissing = errors.New("not available here")

//go:embed flink streams duckdb
var sources embed.FS

// Job is what a peer is to count.
type Job struct {
	Brokers    string
	Topic      string
	File       string // the same events as NDJSON
	Month      string // of UTC
	State      string // an empty folder for its own
	Checkpoint time.Duration
	Passes     int // how often a peer that Warms counts in one process; 0: once
}

// Printed is what a peer prints.
type Printed struct {
	Apps   map[string]int `json:"apps"`           // devices
	Waited float64        `json:"waited_seconds"` // that its first pass was idle after all was counted
	Warm   struct {
		CPU     int64   `json:"cpu_ns"`
		Seconds float64 `json:"seconds"`
	} `json:"warm"` // the last of several passes in one process
}

// Durable says how a peer's durable state is measured.
type Durable int

const (
	None    Durable = iota // it has none
	Kept                   // what lies in Job.State at its end
	Watched                // the largest checkpoint, a folder chk-…, that was ever in Job.State: they are gone at its end
)

// Peer is one of them.
type Peer struct {
	Name    string
	Title   string
	File    bool // it reads Job.File in place of the topic
	Warms   bool // it runs on a virtual machine that is faster after a while, and can count several times
	Durable Durable

	build   func(ctx context.Context, p *Peer, dir string) error
	command func(dir string, j Job) (env, args []string)
	dir     string
}

// All returns every peer, fast ones first.
func All() []*Peer {
	return []*Peer{
		{Name: "duckdb", Title: "DuckDB 2.0, NDJSON file", File: true, build: buildDuckDB, command: duckDB},
		{Name: "franz", Title: "franz-go, encoding/json, Go map", build: buildGo, command: goPeer("franz")},
		{Name: "kafkago", Title: "kafka-go, encoding/json, roaring, hyperloglog", build: buildGo, command: goPeer("kafkago")},
		{Name: "streams", Title: "Kafka Streams 4.1, RocksDB", Warms: true, Durable: Kept, build: buildJava, command: streams},
		{Name: "flink", Title: "Flink 2.2 SQL, state on the heap", Warms: true, Durable: Watched, build: buildJava, command: flink},
	}
}

// Ready builds the peer where that has not been done; one in Go into scratch, since Go has a cache of its own. ErrMissing: without
// it, then.
func (p *Peer) Ready(ctx context.Context, scratch string) error {
	sum, err := p.hash()
	if err != nil {
		return err
	}
	if sum == "" {
		p.dir = scratch
		return p.build(ctx, p, scratch)
	}
	base := os.Getenv("HEADCOUNT_PEERS_CACHE")
	if base == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			cache = os.TempDir()
		}
		base = filepath.Join(cache, "headcount", "peers")
	}
	p.dir = filepath.Join(base, p.Name+"-"+sum)
	if _, err := os.Stat(p.dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(base, 0o755); err != nil {
		return fmt.Errorf("make the folder for the peers (set HEADCOUNT_PEERS_CACHE to another): %w", err)
	}
	work, err := os.MkdirTemp(base, p.Name+"-new-")
	if err != nil {
		return fmt.Errorf("make a folder for the peer %s: %w", p.Name, err)
	}
	defer os.RemoveAll(work)
	if err := p.build(ctx, p, work); err != nil {
		return fmt.Errorf("build the peer %s: %w", p.Name, err)
	}
	// The name is what makes it count as built. Whoever else built it meanwhile built the same.
	if err := os.Rename(work, p.dir); err != nil {
		if _, other := os.Stat(p.dir); other != nil {
			return fmt.Errorf("keep the peer %s: %w", p.Name, err)
		}
	}
	return nil
}

// Command returns the command that counts. The peer must be ready.
func (p *Peer) Command(ctx context.Context, j Job) *exec.Cmd {
	env, args := p.command(p.dir, j)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// hash is over the peer's sources; empty for those in Go.
func (p *Peer) hash() (string, error) {
	names, err := fs.Glob(sources, p.Name+"/*")
	if err != nil || len(names) == 0 {
		return "", err
	}
	h := sha256.New()
	for _, name := range names {
		text, err := sources.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}

// unpack writes the peer's sources into a folder.
func (p *Peer) unpack(dir string) error {
	sub, err := fs.Sub(sources, p.Name)
	if err != nil {
		return err
	}
	return os.CopyFS(dir, sub)
}

// tool finds a program.
func tool(name, remedy string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%w: no %s on the PATH (%s)", ErrMissing, name, remedy)
	}
	return path, nil
}

// output runs a program and returns what it said where it failed.
func output(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if len(out) > 2000 {
		out = out[len(out)-2000:]
	}
	return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, strings.TrimSpace(string(out)))
}
