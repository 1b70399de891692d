package durable_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"headcount/internal/durable"
	"headcount/internal/durable/durabletest"
)

// A way is one of making files; on another process's disk it is tried again after a crash.
type way struct {
	name string
	make func(d *durabletest.Disk, path string) error
	old  string // what the file may hold besides fresh; empty: it may be missing
}

const fresh, before = "the new content, all of it", "the old content"

func text(w io.Writer) error {
	_, err := io.WriteString(w, fresh)
	return err
}

var ways = []way{
	{"create", func(d *durabletest.Disk, path string) error { return durable.CreateOn(d, path, text) }, ""},
	{"create in a tree", func(d *durabletest.Disk, path string) error {
		return durable.Open(d, "data", nil).Create(context.Background(), path, text)
	}, ""},
	{"publish", func(d *durabletest.Disk, path string) error {
		name := filepath.Join(filepath.Dir(path), durable.Temporary+"built")
		if err := d.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) { // of one who died
			return err
		}
		f, err := d.Create(name)
		if err != nil {
			return err
		}
		if err := text(f); err != nil {
			return err
		}
		return durable.PublishOn(d, f, name, path)
	}, ""},
	{"replace", func(d *durabletest.Disk, path string) error { return durable.ReplaceOn(d, path, []byte(fresh)) }, before},
}

// place returns a memory in which a way's file can be made.
func place(t *testing.T, w way) *durabletest.Memory {
	t.Helper()
	m := durabletest.NewMemory()
	if strings.HasPrefix(w.name, "create") {
		return m // which makes its folders
	}
	err := durable.CreateOn(&durabletest.Disk{Memory: m}, "data/a/file", func(out io.Writer) error {
		_, err := io.WriteString(out, before)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.old == "" {
		if err := (&durabletest.Disk{Memory: m}).Remove("data/a/file"); err != nil {
			t.Fatal(err)
		}
	}
	return m.Survive()
}

// held is what a file holds, and whether it is there.
func held(t *testing.T, m *durabletest.Memory, path string) (string, bool) {
	t.Helper()
	b, err := (&durabletest.Disk{Memory: m}).Read(path)
	return string(b), err == nil
}

// After a crash at any operation a file is whole or not there, there if it was promised, and made when it is asked for again.
func TestCrash(t *testing.T) {
	const path = "data/a/file"
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			for _, seed := range []uint64{1, 2, 3, 4} {
				for k := 0; ; k++ {
					disk := &durabletest.Disk{Memory: place(t, w)}
					fired := disk.CrashAt(k)
					err := w.make(disk, path)
					for lost, m := range disk.Losses(seed, k) {
						where := fmt.Sprintf("seed %d, crash at operation %d, %s of what was not synced lost", seed, k, lost)
						got, there := held(t, m, path)
						if got != fresh && (err == nil || there && got != w.old || !there && w.old != "") {
							t.Errorf("%s: %q (%t) after %v", where, got, there, err)
						}
						if err := w.make(&durabletest.Disk{Memory: m}, path); err != nil && !errors.Is(err, durable.ErrExists) {
							t.Errorf("%s: again: %v", where, err)
						}
						if got, _ := held(t, m.Lose(nil), path); got != fresh {
							t.Errorf("%s: again: %q", where, got)
						}
						if n := m.Temporaries(); n != 0 {
							t.Errorf("%s: %d temporary files stay", where, n)
						}
					}
					if !*fired {
						if err != nil || k < 4 {
							t.Errorf("no crash at operation %d: %v", k, err)
						}
						break
					}
				}
			}
		})
	}
}

// An operation that fails leaves the old file or the new one; a failed fsync is fatal and never tried again.
func TestFailures(t *testing.T) {
	const path = "data/a/file"
	for _, w := range ways {
		for _, with := range []error{syscall.ENOSPC, syscall.EIO} {
			for k := 0; ; k++ {
				disk := &durabletest.Disk{Memory: place(t, w)}
				fired, op := disk.FailAt(k, with)
				syncs := map[string]int{}
				fail := disk.Before
				disk.Before = func(op, path string) error {
					if strings.HasPrefix(op, "sync") {
						syncs[op+" "+path]++
					}
					return fail(op, path)
				}
				err := w.make(disk, path)
				if !*fired {
					if err != nil {
						t.Errorf("%s: %v", w.name, err)
					}
					break
				}
				where := fmt.Sprintf("%s: %v at %s", w.name, with, *op)
				if strings.HasPrefix(*op, "sync") && (!errors.Is(err, durable.ErrFatal) || !errors.Is(err, with)) {
					t.Errorf("%s: got %v, want ErrFatal", where, err)
				}
				if strings.HasPrefix(*op, "sync") && syncs[*op] != 1 {
					t.Errorf("%s: tried %d times", where, syncs[*op])
				}
				if err != nil && !errors.Is(err, with) {
					t.Errorf("%s: got %v", where, err)
				}
				if got, there := held(t, disk.Memory, path); got != fresh && (err == nil || got != w.old || !there && w.old != "") {
					t.Errorf("%s: %q (%t) after %v", where, got, there, err)
				}
			}
		}
	}
}

// After a failed fsync a tree makes nothing more, and says of no file that it lasts.
func TestBroken(t *testing.T) {
	for k := range 2 {
		disk := &durabletest.Disk{Memory: durabletest.NewMemory()}
		tree := durable.Open(disk, "data", nil)
		if err := tree.Create(t.Context(), "data/one", text); err != nil {
			t.Fatal(err)
		}
		n := 0
		disk.Before = func(op, path string) error {
			if strings.HasPrefix(op, "sync") {
				if n++; n == k+1 {
					return syscall.EIO
				}
			}
			return nil
		}
		if err := tree.Create(t.Context(), "data/two", text); !errors.Is(err, durable.ErrFatal) {
			t.Fatalf("fsync %d fails: %v", k, err)
		}
		disk.Before = func(op, path string) error {
			t.Errorf("%s %s after a failed fsync", op, path)
			return nil
		}
		if err := tree.Create(t.Context(), "data/three", text); !errors.Is(err, durable.ErrFatal) {
			t.Errorf("create: %v", err)
		}
		if err := tree.Persist("data/one"); !errors.Is(err, durable.ErrFatal) {
			t.Errorf("persist: %v", err)
		}
	}
}

// A file that is there, once seen by Create or made to last, outlives a crash, whoever made it and died.
func TestFoundFilesLast(t *testing.T) {
	for _, how := range []string{"create", "persist"} {
		disk := &durabletest.Disk{Memory: durabletest.NewMemory()}
		// The first dies between publishing and syncing the folder.
		disk.Before = func(op, path string) error {
			if op == "sync folder" && path == "data/t" {
				disk.Dead = true
				return durabletest.ErrDead
			}
			return nil
		}
		if err := durable.Open(disk, "data", nil).Create(t.Context(), "data/t/a", text); err == nil {
			t.Fatal("no crash")
		}
		second := durable.Open(&durabletest.Disk{Memory: disk.Memory}, "data", nil)
		if how == "persist" {
			if err := second.Persist("data/t/a"); err != nil {
				t.Error(err)
			}
		} else if err := second.Create(t.Context(), "data/t/a", text); !errors.Is(err, durable.ErrExists) {
			t.Error(err)
		}
		if got, _ := held(t, disk.Lose(nil), "data/t/a"); got != fresh {
			t.Errorf("%s: %q", how, got)
		}
	}
}
