package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// measure is what a program took to count the topic.
type measure struct {
	Seconds   float64       `json:"seconds"`
	CPU       time.Duration `json:"cpu_ns"`      // user and system time of the process and of all that it started, from its start
	PeakRSSMB float64       `json:"peak_rss_mb"` // highest resident size
	Durable   int64         `json:"durable_bytes,omitempty"`
}

// run runs a program that must succeed, and measures it.
func run(cmd *exec.Cmd) ([]byte, measure, error) {
	wait, err := start(cmd)
	if err != nil {
		return nil, measure{}, err
	}
	return wait()
}

// start starts a program; wait waits for its end.
func start(cmd *exec.Cmd) (wait func() ([]byte, measure, error), err error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	polled := make(chan float64, 1)
	ended := make(chan struct{})
	first := peakOf(cmd.Process.Pid) // at once: it may end before anybody else looks
	go func() { polled <- max(first, pollPeak(cmd.Process.Pid, ended)) }()
	return func() ([]byte, measure, error) {
		err := cmd.Wait()
		m := measure{Seconds: time.Since(begin).Seconds()}
		close(ended)
		peak := <-polled
		if err != nil {
			return nil, m, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, stderr.Bytes())
		}
		m.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			m.PeakRSSMB = float64(r.Maxrss) / 1024 // kilobytes on Linux
		}
		// A process that is started begins with the peak of who started it: below that, only looking at it while it ran tells.
		if m.PeakRSSMB <= peakOf(os.Getpid()) && peak > 0 {
			m.PeakRSSMB = peak
		}
		return stdout.Bytes(), m, nil
	}, nil
}

// pollPeak looks at a process's peak until it has ended, and returns the last that it saw.
func pollPeak(pid int, ended <-chan struct{}) (peak float64) {
	for {
		peak = max(peak, peakOf(pid))
		select {
		case <-ended:
			return peak
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// peakOf reads a running process's highest resident size, in MB; 0 where the system does not tell.
func peakOf(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kilobytes := 0.0
	fmt.Sscan(rest, &kilobytes) // 0 where there is none
	return kilobytes / 1024
}

// size adds up the bytes of the files below a folder; those that go meanwhile do not count.
func size(dir string) (sum int64) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}

// watch looks for folders whose name begins with a prefix, until stop is called; that returns the bytes of the largest ever seen.
func watch(dir, prefix string) (stop func() int64) {
	done, result := make(chan struct{}), make(chan int64)
	go func() {
		largest := int64(0)
		for {
			select {
			case <-done:
				result <- largest
				return
			case <-time.After(20 * time.Millisecond):
			}
			filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), prefix) {
					largest = max(largest, size(path))
					return fs.SkipDir
				}
				return nil
			})
		}
	}()
	return func() int64 {
		close(done)
		return <-result
	}
}

// build builds commands of this module into a folder.
func build(dir string, packages ...string) error {
	for _, p := range packages {
		if _, _, err := run(exec.Command("go", "build", "-o", filepath.Join(dir, filepath.Base(p)), "headcount/"+p)); err != nil {
			return err
		}
	}
	return nil
}

// fresh makes an empty folder.
func fresh(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o755)
}
