package sim

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"headcount/counter/checkpoint"
	"headcount/internal/durable"
)

// disk is a file system that keeps apart what is visible and what lasts: of a file the bytes that were synced, of a folder the
// entries that were there when it was synced.
type disk struct {
	w       *World
	folders map[string]*folder
	full    bool
}

type folder struct {
	entries map[string]*node
	names   []string         // of entries, sorted
	list    []fs.DirEntry    // of entries, sorted; nil: to be made anew
	before  map[string]*node // what changed since the last sync, as it was then; nil: not there
}

// node is a file, or stands for a folder.
type node struct {
	folder bool
	data   []byte
	synced int
	writer *process // of a file that is open for writing
}

func newDisk(w *World) *disk {
	return &disk{w: w, folders: map[string]*folder{"": newFolder()}}
}

func newFolder() *folder { return &folder{entries: map[string]*node{}, before: map[string]*node{}} }

func (f *folder) set(name string, n *node) {
	if _, noted := f.before[name]; !noted {
		f.before[name] = f.entries[name]
	}
	f.put(name, n)
}

// put is set without a note.
func (f *folder) put(name string, n *node) {
	f.list = nil
	i, there := slices.BinarySearch(f.names, name)
	switch {
	case n == nil && there:
		delete(f.entries, name)
		f.names = slices.Delete(f.names, i, i+1)
	case n != nil:
		f.entries[name] = n
		if !there {
			f.names = slices.Insert(f.names, i, name)
		}
	}
}

// lose is a power failure: what was not synced is there, in part, or not.
func (d *disk) lose() {
	for _, path := range keys(d.folders) {
		f := d.folders[path]
		if f == nil {
			continue // lost with its parent
		}
		for _, name := range keys(f.before) {
			now, was := f.entries[name], f.before[name]
			if now == was || d.w.chanceEven() {
				continue
			}
			d.w.took(lostWrite)
			if was == nil {
				f.put(name, nil)
				if now.folder {
					d.drop(join(path, name))
				}
			} else {
				f.put(name, was)
			}
		}
		clear(f.before)
		for _, name := range f.names {
			n := f.entries[name]
			if n.writer = nil; n.synced < len(n.data) {
				n.data = n.data[:n.synced+d.w.draw(len(n.data)-n.synced+1)]
				n.synced = len(n.data)
				d.w.took(tornWrite)
			}
		}
	}
}

func (d *disk) drop(path string) {
	for other := range d.folders {
		if other == path || strings.HasPrefix(other, path+"/") {
			delete(d.folders, other)
		}
	}
}

func join(folder, name string) string {
	if folder == "" {
		return name
	}
	return folder + "/" + name
}

func split(path string) (folder, name string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

// seat is the disk as one process has it.
type seat struct {
	*disk
	p *process
}

var _ checkpoint.Disk = (*seat)(nil)

// change is what precedes every operation that changes something. Those that yield may be called where no lock is held.
func (s *seat) change(op, path string, yield bool) error {
	w := s.w
	if s.p.dead {
		return errDead
	}
	yield = yield && !strings.Contains(path, "/rules/") // a lock is held then
	if yield {
		w.step()
	}
	if s.p.dead {
		return errDead
	}
	if w.hit(crash) {
		w.kill(s.p, crash)
		return errDead
	}
	if w.hit(power) {
		w.powerFails()
		return errDead
	}
	var err error
	switch {
	case op == "sync":
		if w.hit(syncError) {
			err = syscall.EIO
		}
	case s.full && op != "remove" && op != "find":
		w.took(diskFull)
		err = syscall.ENOSPC
	case w.hit(diskError):
		err = syscall.EIO
	}
	if err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	if yield && w.hit(slowDisk) {
		w.await(func() bool { return s.p.dead }, w.now+int64(1+w.draw(60_000)), false)
		if s.p.dead {
			return errDead
		}
	}
	return nil
}

func (s *seat) Create(path string) (durable.File, error) {
	if err := s.change("create", path, true); err != nil {
		return nil, err
	}
	in, name := split(path)
	f := s.folders[in]
	if f == nil {
		return nil, notThere("create", path)
	}
	if f.entries[name] != nil {
		return nil, fs.ErrExist
	}
	n := &node{writer: s.p}
	f.set(name, n)
	return &writing{s, path, n}, nil
}

func notThere(op, path string) error { return &fs.PathError{Op: op, Path: path, Err: fs.ErrNotExist} }

func (s *seat) Open(path string) (checkpoint.File, error) {
	if s.p.dead {
		return nil, errDead
	}
	if !strings.Contains(path, "/rules/") {
		s.w.step()
	}
	if s.p.dead {
		return nil, errDead
	}
	in, name := split(path)
	f := s.folders[in]
	if f == nil || f.entries[name] == nil || f.entries[name].folder {
		return nil, notThere("open", path)
	}
	if s.w.hit(readError) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.EIO}
	}
	return content{bytes.NewReader(f.entries[name].data)}, nil
}

type content struct{ *bytes.Reader }

func (content) Close() error { return nil }

func (s *seat) Publish(temporary, path string) error {
	if err := s.change("publish", path, true); err != nil {
		return err
	}
	in, name := split(path)
	_, temp := split(temporary)
	f := s.folders[in]
	if f == nil || f.entries[temp] == nil {
		return notThere("publish", temporary)
	}
	if f.entries[name] != nil {
		return fs.ErrExist
	}
	f.set(name, f.entries[temp])
	return nil
}

func (s *seat) Remove(path string) error {
	if err := s.change("remove", path, false); err != nil {
		return err
	}
	in, name := split(path)
	f := s.folders[in]
	if f == nil || f.entries[name] == nil {
		return notThere("remove", path)
	}
	f.set(name, nil)
	return nil
}

func (s *seat) Mkdir(path string) error {
	in, name := split(path)
	f := s.folders[in]
	op := "mkdir"
	if f != nil && f.entries[name] != nil {
		op = "find" // which needs no room
	}
	if err := s.change(op, path, false); err != nil {
		return err
	}
	switch {
	case f == nil:
		return notThere("mkdir", path)
	case f.entries[name] != nil:
		return fs.ErrExist
	}
	f.set(name, &node{folder: true})
	s.folders[path] = newFolder()
	return nil
}

func (s *seat) List(path string) ([]fs.DirEntry, error) {
	if s.p.dead {
		return nil, errDead
	}
	f := s.folders[path]
	if f == nil {
		return nil, notThere("open", path)
	}
	if s.w.hit(readError) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.EIO}
	}
	if f.list == nil {
		f.list = make([]fs.DirEntry, 0, len(f.names))
		for _, name := range f.names {
			f.list = append(f.list, entry{name, f.entries[name].folder})
		}
	}
	return slices.Clone(f.list), nil
}

type entry struct {
	name   string
	folder bool
}

func (e entry) Name() string             { return e.name }
func (e entry) IsDir() bool              { return e.folder }
func (entry) Type() fs.FileMode          { return 0 }
func (entry) Info() (fs.FileInfo, error) { return nil, errors.ErrUnsupported }

func (s *seat) Sync(path string) error {
	if err := s.change("sync", path, false); err != nil {
		return err
	}
	if path == "." {
		path = ""
	}
	f := s.folders[path]
	if f == nil {
		return notThere("open", path)
	}
	clear(f.before)
	return nil
}

func (s *seat) Sweep(path, prefix string) error {
	f := s.folders[path]
	if f == nil || s.p.dead {
		return notThere("open", path)
	}
	for _, name := range slices.Clone(f.names) {
		if n := f.entries[name]; strings.HasPrefix(name, prefix) && (n.writer == nil || n.writer.dead) {
			f.set(name, nil)
		}
	}
	return nil
}

type writing struct {
	s    *seat
	path string
	n    *node
}

func (f *writing) Write(b []byte) (int, error) {
	if err := f.s.change("write", f.path, false); err != nil {
		if f.s.p.dead {
			return 0, err
		}
		f.n.data = append(f.n.data, b[:len(b)/2]...)
		return len(b) / 2, err
	}
	f.n.data = append(f.n.data, b...)
	return len(b), nil
}

func (f *writing) Sync() error {
	if err := f.s.change("sync", f.path, true); err != nil {
		return err
	}
	f.n.synced = len(f.n.data)
	return nil
}

func (f *writing) Close() error {
	f.n.writer = nil
	return nil
}

func keys[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}
