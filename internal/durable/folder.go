package durable

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// Folder makes files in a folder, and in those below it, which it makes where need be. It may be used by many goroutines, and
// many processes may have one of the same folder. Its errors do not name the file that was asked for.
type Folder struct {
	disk   Disk
	root   string
	name   func() string
	broken atomic.Pointer[error] // the failed fsync; nothing is written after it

	mu   sync.Mutex
	made map[string]bool // folders known to last, by path
}

// Open returns the folder at a clean path of a disk; it is made when the first file is. name makes the random part of temporary
// files' names; nil: one that no other process makes.
func Open(d Disk, root string, name func() string) *Folder {
	if name == nil {
		name = rand.Text
	}
	return &Folder{disk: d, root: root, name: name, made: map[string]bool{}}
}

// Create makes a file that did not exist, at a path below the folder, of what write puts out. When it returns nil, or ErrExists,
// the file lasts; after any other error it may or may not be there, but never in part.
func (d *Folder) Create(ctx context.Context, path string, write func(io.Writer) error) error {
	folder := filepath.Dir(path)
	if err := d.makeFolder(folder); err != nil {
		return err
	}
	f, temp, err := d.writeTemporary(ctx, folder, write)
	if err != nil {
		return err
	}
	err = d.disk.Publish(temp, path)
	d.disk.Remove(temp) // best effort: Sweep takes what stays
	f.Close()           // only now: while it is open, no sweeper takes it; what it held is synced
	return d.published(folder, err)
}

// published makes the entry of a file last that was published with err.
func (d *Folder) published(folder string, err error) error {
	taken := errors.Is(err, fs.ErrExist)
	if err != nil && !taken {
		return err
	}
	if err := d.sync(folder); err != nil { // also where the name was taken: ErrExists promises a file that lasts
		return err
	}
	if taken {
		return ErrExists
	}
	return nil
}

// buffers are those of files that are being written.
var buffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 1<<16) }}

// writeTemporary leaves a synced temporary file in folder, still open.
func (d *Folder) writeTemporary(ctx context.Context, folder string, write func(io.Writer) error) (_ File, path string, err error) {
	var f File
	for range 100 {
		path = filepath.Join(folder, Temporary+d.name())
		if f, err = d.disk.Create(path); !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return nil, "", err
	}
	temp := path
	defer func() {
		if err != nil {
			f.Close()
			d.disk.Remove(temp)
		}
	}()
	w := buffers.Get().(*bufio.Writer)
	w.Reset(f)
	defer func() {
		w.Reset(nil)
		buffers.Put(w)
	}()
	if err := write(w); err != nil {
		return nil, "", err
	}
	if err := errors.Join(w.Flush(), ctx.Err()); err != nil {
		return nil, "", err
	}
	if err := f.Sync(); err != nil {
		return nil, "", d.fail("fsync "+path, err)
	}
	return f, path, nil
}

// Persist makes a file last that was found, not made, before something elsewhere comes to depend on it: its maker may have died
// between making it visible and making it last.
func (d *Folder) Persist(path string) error {
	folder := filepath.Dir(path)
	if err := d.makeFolder(folder); err != nil {
		return err
	}
	return d.sync(folder)
}

// makeFolder makes a folder of the tree and those above it, so that they last.
func (d *Folder) makeFolder(folder string) error {
	if p := d.broken.Load(); p != nil {
		return fmt.Errorf("an earlier %w", *p)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.makeFolderLocked(folder)
}

func (d *Folder) makeFolderLocked(folder string) error {
	if d.made[folder] {
		return nil
	}
	parent := filepath.Dir(folder)
	if folder != d.root {
		if err := d.makeFolderLocked(parent); err != nil {
			return err
		}
	}
	fresh, err := d.mkdir(folder)
	if err != nil {
		return err
	}
	// What lies above an existing root may be out of our hands: then it is its maker's to have synced.
	if err := d.sync(parent); err != nil && (fresh || folder != d.root || errors.Is(err, ErrFatal)) {
		return err
	}
	if !fresh {
		d.disk.Sweep(folder, Temporary) // best effort: it is only garbage
	}
	d.made[folder] = true
	return nil
}

// mkdir makes a folder, and where need be those above it, which it syncs into their parents.
func (d *Folder) mkdir(folder string) (fresh bool, err error) {
	err = d.disk.Mkdir(folder)
	if parent := filepath.Dir(folder); errors.Is(err, fs.ErrNotExist) && parent != folder {
		if _, err = d.mkdir(parent); err == nil {
			err = d.sync(filepath.Dir(parent))
		}
		if err == nil {
			err = d.disk.Mkdir(folder)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// sync makes a folder's entries last. Only a failed fsync is fatal; a folder that cannot be opened was never synced.
func (d *Folder) sync(folder string) error {
	err := d.disk.Sync(folder)
	var p *fs.PathError
	if err == nil || errors.As(err, &p) && p.Op == "open" {
		return err
	}
	return d.fail("fsync folder "+folder, err)
}

func (d *Folder) fail(what string, err error) error {
	err = fmt.Errorf("%s: %w: %w", what, ErrFatal, err)
	d.broken.CompareAndSwap(nil, &err)
	return err
}
