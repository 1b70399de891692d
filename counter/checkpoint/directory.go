package checkpoint

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// temporary begins the names of files that are being written; CheckName allows no such name.
const temporary = ".writing-"

// directory is a bucket in a folder.
//
// A file is written under a temporary name in its own folder, synced, published under its name without replacing anything,
// and its folder synced. Folders are made one by one and each one's parent is synced, also where the folder was there
// already: whoever made it may have died before that.
type directory struct {
	disk   disk
	root   string
	within string // what precedes the names in paths
	name   func() string
	broken atomic.Pointer[error] // the failed fsync; nothing is written after it

	mu   sync.Mutex
	made map[string]bool // folders known to last, by path
}

func openDirectory(d disk, root string) (*directory, error) {
	root = filepath.Clean(root)
	if _, err := d.List(root); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open folder %s: %w", root, err)
	}
	within := strings.TrimSuffix(filepath.Join(root, "x"), "x")
	return &directory{disk: d, root: root, within: within, name: rand.Text, made: map[string]bool{}}, nil
}

// path returns where a file or folder is, of a name that CheckName takes; of an empty one: the root.
func (d *directory) path(name string) string {
	if name == "" {
		return d.root
	}
	return d.within + filepath.FromSlash(name)
}

// Create implements Bucket.
func (d *directory) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if err := errors.Join(CheckName(name), ctx.Err()); err != nil {
		return err
	}
	if p := d.broken.Load(); p != nil {
		return fmt.Errorf("create %s: an earlier %w", name, *p)
	}
	path := d.path(name)
	folder := filepath.Dir(path)
	if err := d.makeFolder(folder); err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	f, temp, err := d.writeTemporary(ctx, folder, write)
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	err = d.disk.Publish(temp, path)
	d.disk.Remove(temp) // best effort: Sweep takes what stays
	f.Close()           // only now: while it is open, no sweeper takes it; what it held is synced
	taken := errors.Is(err, fs.ErrExist)
	if err != nil && !taken {
		return fmt.Errorf("create %s: %w", name, err)
	}
	if err := d.sync(folder); err != nil { // also where the name was taken: ErrExists promises a file that lasts
		return fmt.Errorf("create %s: %w", name, err)
	}
	if taken {
		return fmt.Errorf("create %s: %w", name, ErrExists)
	}
	return nil
}

// buffers are those of files that are being written.
var buffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 1<<16) }}

// writeTemporary leaves a synced temporary file in folder, still open.
func (d *directory) writeTemporary(ctx context.Context, folder string, write func(io.Writer) error) (_ diskFile, path string, err error) {
	var f diskFile
	for range 100 {
		path = filepath.Join(folder, temporary+d.name())
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

// makeFolder makes a folder of the bucket and those above it, so that they last.
func (d *directory) makeFolder(folder string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.makeFolderLocked(folder)
}

func (d *directory) makeFolderLocked(folder string) error {
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
		d.disk.Sweep(folder, temporary) // best effort: it is only garbage
	}
	d.made[folder] = true
	return nil
}

// mkdir makes a folder, and where need be those above it, which it syncs into their parents.
func (d *directory) mkdir(folder string) (fresh bool, err error) {
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
func (d *directory) sync(folder string) error {
	err := d.disk.Sync(folder)
	var p *fs.PathError
	if err == nil || errors.As(err, &p) && p.Op == "open" {
		return err
	}
	return d.fail("fsync folder "+folder, err)
}

func (d *directory) fail(what string, err error) error {
	err = fmt.Errorf("%s: %w: %w", what, ErrFatal, err)
	d.broken.CompareAndSwap(nil, &err)
	return err
}

// NewName implements namer.
func (d *directory) NewName() string { return d.name() }

// Settle makes a file that is there last.
func (d *directory) Settle(_ context.Context, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	folder := filepath.Dir(d.path(name))
	if err := d.makeFolder(folder); err != nil {
		return fmt.Errorf("settle %s: %w", name, err)
	}
	if err := d.sync(folder); err != nil {
		return fmt.Errorf("settle %s: %w", name, err)
	}
	return nil
}

// Open implements Bucket.
func (d *directory) Open(ctx context.Context, name string) (File, error) {
	if err := errors.Join(CheckName(name), ctx.Err()); err != nil {
		return nil, err
	}
	f, err := d.disk.Open(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", d.path(name), err)
	}
	return f, nil
}

// List implements Bucket. A folder that is gone by the time it is read holds nothing.
func (d *directory) List(ctx context.Context, prefix string) ([]string, error) {
	base, begin := "", prefix // the names' part that must be folders, and how what is in it must begin
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		base, begin = prefix[:i], prefix[i+1:]
		if err := CheckName(base); err != nil {
			return nil, err
		}
	}
	var names []string
	var walk func(base, begin string) error
	walk = func(base, begin string) error {
		entries, err := d.disk.List(d.path(base))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("list %s: %w", d.path(base), err)
		}
		for _, e := range entries {
			name := e.Name()
			if !strings.HasPrefix(name, begin) || checkElement(name, name) != nil {
				continue // not asked for; or temporary, or not ours
			}
			if base != "" {
				name = base + "/" + name
			}
			switch {
			case len(name) > maxName:
			case e.IsDir():
				if err := walk(name, ""); err != nil {
					return err
				}
			default:
				names = append(names, name)
			}
		}
		return nil
	}
	if err := walk(base, begin); err != nil {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}

// Delete implements Bucket.
func (d *directory) Delete(ctx context.Context, name string) error {
	if err := errors.Join(CheckName(name), ctx.Err()); err != nil {
		return err
	}
	if err := d.disk.Remove(d.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}

var _ Bucket = (*directory)(nil)
