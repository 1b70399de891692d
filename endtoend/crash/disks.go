package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sys/unix"
)

// disks fills the disk under a small month, and takes the right to write away, again and again: what was counted by processes
// that ended so, and by those after them, must be the same in the end.
func disks(ctx context.Context, o options, dir, addr string, t *tally, down *outage) error {
	if os.Geteuid() != 0 {
		why := "needs root, to mount a small tmpfs"
		t.add(func() { t.missing[diskFull], t.missing[diskReadOnly] = why, why })
		return nil
	}
	times := max(1, o.cycles/1000)
	for i := range times {
		for t.share() < float64(i)/float64(times) {
			if sleep(ctx, 100*time.Millisecond); ctx.Err() != nil {
				return nil
			}
		}
		err := oneDisk(ctx, filepath.Join(dir, fmt.Sprint(i)), o.bin, addr, fmt.Sprintf("disk-%d", i), t, down)
		if errors.Is(err, unix.EPERM) {
			t.add(func() { t.missing[diskFull], t.missing[diskReadOnly] = err.Error(), err.Error() })
			return nil
		}
		if err != nil {
			return fmt.Errorf("small disk: %w", err)
		}
	}
	return nil
}

const diskSize = 4 << 20 // bytes

func oneDisk(ctx context.Context, dir, bin, addr, name string, t *tally, down *outage) error {
	down.RLock() // one that waits for Kafka shows nothing of disks
	defer down.RUnlock()
	s, err := newSite(ctx, dir, bin, addr, name)
	if err != nil {
		return err
	}
	state := filepath.Join(dir, "data/0")
	if err := os.MkdirAll(state, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("headcount-crash", state, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize)); err != nil {
		return fmt.Errorf("mount a tmpfs: %w", err)
	}
	defer unix.Unmount(state, unix.MNT_DETACH)
	all, err := s.records("2001-01", 4000, 3)
	if err != nil {
		return err
	}
	for half, fault := range []fault{diskFull, diskReadOnly} {
		part := all[half*len(all)/2 : (half+1)*len(all)/2]
		if err := s.onBadDisk(ctx, state, fault, part, t); err != nil {
			return err
		}
	}
	closing := []string{"close", "--month", "2001-01", "--json", "--verbose", "--open-books"}
	undo, err := spoilDisk(state, diskFull)
	if err != nil {
		return err
	}
	p, err := s.start(nil, "rollup", closing...)
	if err != nil {
		return errors.Join(err, undo())
	}
	code, err := p.wait()
	if err := errors.Join(err, undo()); err != nil {
		return err
	}
	if code == 0 || code == 2 {
		return fmt.Errorf("close on a full disk: exit code %d\n%s", code, p.tail())
	}
	l := lane{site: s, t: t, r: newRandom(7)}
	return l.compare(ctx, "2001-01")
}

// onBadDisk sends records, counts them on a disk that takes nothing until the process has ended, and again on a good one.
func (s *site) onBadDisk(ctx context.Context, state string, f fault, part []kafka.Message, t *tally) error {
	undo, err := spoilDisk(state, f)
	if err != nil {
		return err
	}
	if err := s.send(ctx, part); err != nil {
		return errors.Join(err, undo())
	}
	p, err := s.start(nil, "ingest", "run")
	if err != nil {
		return errors.Join(err, undo())
	}
	code, err := p.wait()
	if err := errors.Join(err, undo()); err != nil {
		return err
	}
	says := map[fault]error{diskFull: syscall.ENOSPC, diskReadOnly: syscall.EROFS}[f].Error()
	if code <= 0 || !strings.Contains(p.tail(), says) {
		return fmt.Errorf("%s: exit code %d, without %q\n%s", f, code, says, p.tail())
	}
	t.note(f, true)
	_, err = s.ok(ctx, "ingest", "run", "--until-end")
	return err
}

// spoilDisk makes a disk take nothing more.
func spoilDisk(state string, f fault) (undo func() error, err error) {
	if f == diskReadOnly {
		remount := func(flags uintptr) error {
			return unix.Mount("", state, "", unix.MS_REMOUNT|flags, fmt.Sprintf("size=%d", diskSize))
		}
		return func() error { return remount(0) }, remount(unix.MS_RDONLY)
	}
	name := filepath.Join(state, "ballast")
	file, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = file.Write(block)
	}
	file.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		return nil, err
	}
	return func() error { return os.Remove(name) }, nil
}
