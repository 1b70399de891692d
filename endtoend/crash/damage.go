package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// damage kills a process and damages the newest checkpoint of one of its partitions before it starts anew.
func (l *lane) damage(ctx context.Context, i int) error {
	p := l.members[i]
	p.until(ctx, 3*time.Second, func() bool { return len(p.first) > 0 })
	sleep(ctx, l.upTo(80*time.Millisecond))
	if err := l.killed(i); err != nil {
		return err
	}
	done := false
	for q := range p.restored {
		file, err := l.newest(q)
		if err != nil {
			return err
		}
		if file == "" {
			continue
		}
		if err := l.spoil(file); err != nil {
			return err
		}
		done = true
		break
	}
	if err := l.startMember(i); err != nil {
		return err
	}
	if done { // the partition may go to either
		p, other := l.members[i], l.members[1-i]
		skips := func() bool { return p.skipped > 0 || other.see(func() bool { return other.skipped > 0 }) }
		l.t.note(damaged, p.until(ctx, 5*time.Second, skips))
	}
	return nil
}

// newest returns a file of a partition's newest checkpoint: its manifest, or the segment that was written for it.
func (l *lane) newest(partition int32) (string, error) {
	suffix := []string{".manifest", ".segment"}[l.r.IntN(2)]
	files, err := filepath.Glob(filepath.Join(l.dir, "data/0/state/*/*", fmt.Sprint(partition), "checkpoint/*"+suffix))
	if err != nil || len(files) == 0 {
		return "", err
	}
	file := slices.Max(files)
	if suffix == ".segment" { // one that no manifest names is garbage, and no damage
		manifests, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*.manifest"))
		if err != nil || len(manifests) == 0 {
			return "", err
		}
		text, err := os.ReadFile(slices.Max(manifests))
		if err != nil || !strings.Contains(string(text), filepath.Base(file)) {
			return "", err
		}
	}
	return file, nil
}

// spoil flips a bit of a file, cuts it, or removes it.
func (l *lane) spoil(file string) error {
	text, err := os.ReadFile(file)
	if err != nil || len(text) == 0 {
		return err
	}
	switch n := l.r.IntN(3); {
	case n == 0 && strings.HasSuffix(file, ".segment"): // a manifest that is gone is no damage: the one before is the newest
		return os.Remove(file)
	case n < 2:
		return os.Truncate(file, l.r.Int64N(int64(len(text))))
	}
	bit := l.r.IntN(8 * len(text))
	text[bit/8] ^= 1 << (bit % 8)
	return os.WriteFile(file, text, 0o644)
}

// pause stops the process where it is; resume lets it go on.
func (p *process) pause() error  { return p.cmd.Process.Signal(syscall.SIGSTOP) }
func (p *process) resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }
