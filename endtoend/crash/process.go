package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"headcount/endtoend/apachekafka"
)

// patience is how long what must happen may take. It only ends what hangs: no machine may be too slow for it.
const patience = 5 * time.Minute

// process is a command that runs, and what its log has said so far.
type process struct {
	line  string
	cmd   *exec.Cmd
	ended chan struct{}
	out   bytes.Buffer
	// strike is called with each line of the log, by the goroutine that reads it.
	strike func(line string)

	mu       sync.Mutex
	log      []string
	restored map[int32]place         // partitions that were assigned, and where their count goes on
	first    map[int32]time.Duration // partitions of which records were counted: how long after the assignment
	skipped  int                     // checkpoints that did not verify
	warnings int
}

// place is where a shard was restored.
type place struct{ offset, generation int64 }

// start starts a command in a folder.
func start(dir string, strike func(string), name string, args ...string) (*process, error) {
	p := &process{
		line: name + " " + strings.Join(args, " "), ended: make(chan struct{}), strike: strike,
		restored: map[int32]place{}, first: map[int32]time.Duration{},
	}
	p.cmd = exec.Command(name, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.SysProcAttr = dir, &p.out, apachekafka.DieWithParent()
	log, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(log)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			p.hear(lines.Text())
		}
		p.cmd.Wait()
	}()
	return p, nil
}

var field = regexp.MustCompile(`(partition|offset|generation|after)=(\S+)`)

func (p *process) hear(line string) {
	values := map[string]string{}
	for _, m := range field.FindAllStringSubmatch(line, -1) {
		values[m[1]] = m[2]
	}
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(values[name], 10, 64)
		return n
	}
	partition := int32(number("partition"))
	p.mu.Lock()
	p.log = append(p.log, line)
	switch {
	case strings.Contains(line, "msg=restored"):
		p.restored[partition] = place{number("offset"), number("generation")}
	case strings.Contains(line, "no checkpoint: counting from"):
		p.restored[partition] = place{}
	case strings.Contains(line, "first records counted"):
		after, _ := time.ParseDuration(values["after"])
		p.first[partition] = after
	case strings.Contains(line, "checkpoint not used"):
		p.skipped++
	case strings.Contains(line, "level=WARN"), strings.Contains(line, "level=ERROR"):
		p.warnings++
	}
	p.mu.Unlock()
	if p.strike != nil {
		p.strike(line)
	}
}

// see calls look with what the log has said.
func (p *process) see(look func() bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return look()
}

// says tells whether the log has a line with a text.
func (p *process) says(text string) bool {
	return p.see(func() bool { return strings.Contains(strings.Join(p.log, "\n"), text) })
}

// until waits until the log has said something; false: not in time, or the process ended.
func (p *process) until(ctx context.Context, atMost time.Duration, look func() bool) bool {
	for deadline := time.Now().Add(atMost); !p.see(look); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) || ctx.Err() != nil || !p.running() {
			return p.see(look)
		}
	}
	return true
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// kill ends the process as a crash would, and says whether it was still running.
func (p *process) kill() bool {
	p.cmd.Process.Kill()
	<-p.ended
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// wait waits for the end and returns the exit code; one that does not end is killed.
func (p *process) wait() (int, error) {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(patience):
		p.kill()
		return -1, fmt.Errorf("%s: still ran after %v\n%s", p.line, patience, p.tail())
	}
}

// tail is the end of the log.
func (p *process) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log[max(0, len(p.log)-25):], "\n")
}
