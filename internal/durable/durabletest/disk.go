package durabletest

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"headcount/internal/durable"
)

// Disk is a memory as one process sees it. Before is called with every operation that changes something, while the memory is
// locked: an error makes it fail. Dead makes all operations fail, as after a crash.
type Disk struct {
	*Memory
	Before func(op, path string) error
	Dead   bool
}

// ErrDead is what every operation of a dead process returns.
var ErrDead = errors.New("the process is dead")

// begin locks the memory for an operation on path, whose folder it returns. The caller unlocks.
func (d *Disk) begin(op, path string) (folder *node, name string, err error) {
	d.mu.Lock()
	if d.Dead {
		return nil, "", ErrDead
	}
	if d.Before != nil {
		if err := d.Before(op, path); err != nil {
			if errors.Is(err, syscall.EMFILE) {
				op = "open" // it failed before it came to what it was to do
			}
			return nil, "", &fs.PathError{Op: op, Path: path, Err: err}
		}
	}
	folder, err = d.find(filepath.Dir(path))
	return folder, filepath.Base(path), err
}

// Create implements durable.Files.
func (d *Disk) Create(path string) (durable.File, error) {
	folder, name, err := d.begin("create", path)
	defer d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if folder.entries[name] != nil {
		return nil, fs.ErrExist
	}
	n := &node{writer: d, open: true}
	folder.entries[name] = n
	return &memFile{d: d, path: path, n: n}, nil
}

// Read returns what a file holds.
func (d *Disk) Read(path string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Dead {
		return nil, ErrDead
	}
	n, err := d.find(path)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(n.data), nil
}

// Publish implements durable.Files.
func (d *Disk) Publish(temporary, path string) error {
	folder, name, err := d.begin("publish", path)
	defer d.mu.Unlock()
	if err != nil {
		return err
	}
	n := folder.entries[filepath.Base(temporary)]
	if n == nil {
		return fs.ErrNotExist
	}
	if folder.entries[name] != nil {
		return fs.ErrExist
	}
	folder.entries[name] = n
	return nil
}

// Rename gives a temporary file its name, in the place of the file that has it.
func (d *Disk) Rename(temporary, path string) error {
	folder, name, err := d.begin("rename", path)
	defer d.mu.Unlock()
	if err != nil {
		return err
	}
	n := folder.entries[filepath.Base(temporary)]
	if n == nil {
		return fs.ErrNotExist
	}
	delete(folder.entries, filepath.Base(temporary))
	folder.entries[name] = n
	return nil
}

// Remove implements durable.Files.
func (d *Disk) Remove(path string) error {
	folder, name, err := d.begin("remove", path)
	defer d.mu.Unlock()
	if err != nil {
		return err
	}
	if folder.entries[name] == nil {
		return fs.ErrNotExist
	}
	delete(folder.entries, name)
	return nil
}

// Mkdir implements durable.Folders.
func (d *Disk) Mkdir(path string) error {
	folder, name, err := d.begin("mkdir", path)
	defer d.mu.Unlock()
	if err != nil {
		return err
	}
	if name == "." || folder.entries[name] != nil {
		return fs.ErrExist
	}
	folder.entries[name] = newFolder()
	return nil
}

// List returns what a folder holds, sorted.
func (d *Disk) List(path string) ([]fs.DirEntry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.Dead {
		return nil, ErrDead
	}
	n, err := d.find(path)
	if err != nil {
		return nil, err
	}
	var found []fs.DirEntry
	for _, name := range slices.Sorted(maps.Keys(n.entries)) {
		found = append(found, entry{name, n.entries[name].entries != nil})
	}
	return found, nil
}

type entry struct {
	name   string
	folder bool
}

func (e entry) Name() string             { return e.name }
func (e entry) IsDir() bool              { return e.folder }
func (entry) Type() fs.FileMode          { return 0 }
func (entry) Info() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

// Sync implements durable.Folders.
func (d *Disk) Sync(path string) error {
	_, _, err := d.begin("sync folder", path)
	defer d.mu.Unlock()
	if err != nil {
		return err
	}
	n, err := d.find(path)
	if err != nil {
		return err
	}
	n.lasting = maps.Clone(n.entries)
	return nil
}

// Sweep implements durable.Folders.
func (d *Disk) Sweep(path, prefix string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.find(path)
	if err != nil || d.Dead {
		return err
	}
	for name, f := range n.entries {
		if strings.HasPrefix(name, prefix) && (f.writer == nil || !f.open || f.writer.Dead) {
			delete(n.entries, name)
		}
	}
	return nil
}

type memFile struct {
	d    *Disk
	path string
	n    *node
}

func (f *memFile) Write(p []byte) (int, error) {
	_, _, err := f.d.begin("write", f.path)
	defer f.d.mu.Unlock()
	if err != nil {
		if f.d.Dead {
			return 0, err
		}
		f.n.data = append(f.n.data, p[:len(p)/2]...) // a write fails half way
		return len(p) / 2, err
	}
	f.n.data = append(f.n.data, p...)
	return len(p), nil
}

func (f *memFile) Sync() error {
	_, _, err := f.d.begin("sync", f.path)
	defer f.d.mu.Unlock()
	if err != nil {
		return err
	}
	f.n.synced = len(f.n.data)
	return nil
}

func (f *memFile) Close() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	f.n.open = false
	return nil
}

// CrashAt makes a hook after whose k-th operation the process is dead.
func (d *Disk) CrashAt(k int) (fired *bool) {
	fired = new(bool)
	n := 0
	d.Before = func(op, path string) error {
		if n++; n > k {
			d.Dead, *fired = true, true
			return ErrDead
		}
		return nil
	}
	return fired
}

// FailAt makes a hook in which the k-th operation fails, and no other.
func (d *Disk) FailAt(k int, with error) (fired *bool, op *string) {
	fired, op = new(bool), new(string)
	n := 0
	d.Before = func(o, path string) error {
		if n++; n == k+1 {
			*fired, *op = true, o+" "+path
			return with
		}
		return nil
	}
	return fired, op
}
