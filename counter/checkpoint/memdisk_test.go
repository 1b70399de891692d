package checkpoint

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// memory is a file system that keeps apart what is visible and what lasts. Nothing lasts but what was synced: of a file its
// bytes, of a folder its entries.
type memory struct {
	mu   sync.Mutex
	root *node
}

type node struct {
	data   []byte // of a file: all that was written
	synced int    // bytes of data that last
	writer *memDisk
	open   bool

	entries map[string]*node // of a folder; nil: it is a file
	lasting map[string]*node
}

func newFolder() *node { return &node{entries: map[string]*node{}, lasting: map[string]*node{}} }

func newMemory() *memory { return &memory{root: newFolder()} }

// memDisk is a memory as one process sees it. before is called with every operation that changes something: an error makes it
// fail. dead makes all operations fail, as after a crash.
type memDisk struct {
	*memory
	before func(op, path string) error
	dead   bool
}

var errDead = errors.New("the process is dead")

// lose makes a memory of what lasts. With r, each thing that does not may be there all the same, or in part.
func (m *memory) lose(r *rand.Rand) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memory{root: m.root.lose(r)}
}

func (n *node) lose(r *rand.Rand) *node {
	if n.entries == nil {
		keep := n.synced
		if r != nil {
			keep += r.IntN(len(n.data) - n.synced + 1)
		}
		return &node{data: bytes.Clone(n.data[:keep]), synced: keep}
	}
	after := newFolder()
	names := slices.Sorted(maps.Keys(n.entries))
	for name := range n.lasting {
		if n.entries[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		from := n.lasting[name]
		if n.entries[name] != from && r != nil && r.IntN(2) == 0 {
			from = n.entries[name]
		}
		if from != nil {
			after.entries[name] = from.lose(r)
		}
	}
	after.lasting = maps.Clone(after.entries)
	return after
}

// survive makes a memory of all that is visible: the process has died, the machine has not.
func (m *memory) survive() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memory{root: m.root.survive()}
}

func (n *node) survive() *node {
	if n.entries == nil {
		return &node{data: bytes.Clone(n.data), synced: len(n.data)}
	}
	after := newFolder()
	for name, e := range n.entries {
		after.entries[name] = e.survive()
	}
	after.lasting = maps.Clone(after.entries)
	return after
}

// losses are memories after a crash that takes nothing of what was not synced, some of it, all of it.
func (m *memory) losses(seed uint64, k int) map[string]*memory {
	return map[string]*memory{
		"nothing": m.survive(), "some": m.lose(rand.New(rand.NewPCG(seed, uint64(k)))), "all": m.lose(nil),
	}
}

func (d *memDisk) find(path string) (*node, error) {
	n := d.root
	for _, e := range strings.Split(filepath.Clean(path), "/") {
		if e == "" || e == "." {
			continue
		}
		if n.entries == nil || n.entries[e] == nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		n = n.entries[e]
	}
	return n, nil
}

// begin locks the memory for an operation on path, whose folder it returns. The caller unlocks.
func (d *memDisk) begin(op, path string) (folder *node, name string, err error) {
	d.mu.Lock()
	if d.dead {
		return nil, "", errDead
	}
	if d.before != nil {
		if err := d.before(op, path); err != nil {
			if errors.Is(err, syscall.EMFILE) {
				op = "open" // it failed before it came to what it was to do
			}
			return nil, "", &fs.PathError{Op: op, Path: path, Err: err}
		}
	}
	folder, err = d.find(filepath.Dir(path))
	return folder, filepath.Base(path), err
}

func (d *memDisk) Create(path string) (diskFile, error) {
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

func (d *memDisk) Open(path string) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, errDead
	}
	n, err := d.find(path)
	if err != nil {
		return nil, err
	}
	return openMem{bytes.NewReader(bytes.Clone(n.data))}, nil
}

type openMem struct{ *bytes.Reader }

func (openMem) Close() error { return nil }

func (d *memDisk) Publish(temporary, path string) error {
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

func (d *memDisk) Remove(path string) error {
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

func (d *memDisk) Mkdir(path string) error {
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

func (d *memDisk) List(path string) ([]fs.DirEntry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, errDead
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

func (d *memDisk) Sync(path string) error {
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

func (d *memDisk) Sweep(path, prefix string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.find(path)
	if err != nil || d.dead {
		return err
	}
	for name, f := range n.entries {
		if strings.HasPrefix(name, prefix) && (f.writer == nil || !f.open || f.writer.dead) {
			delete(n.entries, name)
		}
	}
	return nil
}

// temporaries counts the temporary files anywhere.
func (m *memory) temporaries() int {
	var count func(n *node) int
	count = func(n *node) (sum int) {
		for name, e := range n.entries {
			if strings.HasPrefix(name, temporary) {
				sum++
			}
			sum += count(e)
		}
		return sum
	}
	return count(m.root)
}

type memFile struct {
	d    *memDisk
	path string
	n    *node
}

func (f *memFile) Write(p []byte) (int, error) {
	_, _, err := f.d.begin("write", f.path)
	defer f.d.mu.Unlock()
	if err != nil {
		if f.d.dead {
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

// crashAt makes a hook after whose k-th operation the process is dead.
func (d *memDisk) crashAt(k int) (fired *bool) {
	fired = new(bool)
	n := 0
	d.before = func(op, path string) error {
		if n++; n > k {
			d.dead, *fired = true, true
			return errDead
		}
		return nil
	}
	return fired
}

// failAt makes a hook in which the k-th operation fails, and no other.
func (d *memDisk) failAt(k int, with error) (fired *bool, op *string) {
	fired, op = new(bool), new(string)
	n := 0
	d.before = func(o, path string) error {
		if n++; n == k+1 {
			*fired, *op = true, o+" "+path
			return with
		}
		return nil
	}
	return fired, op
}

func create(t *testing.T, b Bucket, name, content string) error {
	t.Helper()
	return b.Create(t.Context(), name, func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
}

func content(t *testing.T, b Bucket, name string) string {
	t.Helper()
	text, err := readAll(t.Context(), b, name, maxDocument)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// corrupt changes a file's bytes behind the bucket's back.
func (m *memory) corrupt(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	n, err := (&memDisk{memory: m}).find(path)
	if err != nil {
		t.Fatal(err)
	}
	n.data = change(bytes.Clone(n.data))
	n.synced = len(n.data)
}
