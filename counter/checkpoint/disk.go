package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// files are the operations on files that a directory bucket stands on. Paths are the host's.
//
// Create makes a new temporary file, which belongs to this process until it is closed. Publish gives a temporary file its
// name, at once and never replacing (fs.ErrExist); the temporary name may remain. Nothing is durable until the file's Sync,
// and then its folder's.
type files interface {
	Create(path string) (diskFile, error)
	Open(path string) (File, error)
	Publish(temporary, path string) error
	Remove(path string) error
}

// folders are the operations on folders. Sweep removes the files with the prefix whose process is gone.
type folders interface {
	Mkdir(path string) error
	List(path string) ([]fs.DirEntry, error)
	Sync(path string) error
	Sweep(path, prefix string) error
}

// disk is a file system; the tests have one that loses what was not synced.
type disk interface {
	files
	folders
}

// Disk and DiskFile are a file system as OpenDisk wants it.
type (
	Disk     = disk
	DiskFile = diskFile
)

// OpenDisk opens the bucket in a folder of a simulated disk. name makes the random part of file names.
func OpenDisk(d Disk, root string, name func() string) (Bucket, error) {
	b, err := openDirectory(d, root)
	if err != nil {
		return nil, err
	}
	b.name = name
	return b, nil
}

type diskFile interface {
	io.WriteCloser
	Sync() error
}

// hostDisk is the file system of the host.
type hostDisk struct{}

func (hostDisk) Create(path string) (diskFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	// The lock says that its writer lives, so that Sweep leaves it. A sweeper may have been faster: it holds the lock, or has
	// removed the file.
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	var stat unix.Stat_t
	if err == nil {
		err = unix.Fstat(int(f.Fd()), &stat)
	}
	if errors.Is(err, unix.EWOULDBLOCK) || err == nil && stat.Nlink == 0 {
		f.Close()
		return nil, &fs.PathError{Op: "lock", Path: path, Err: fs.ErrExist}
	}
	return f, nil
}

func (hostDisk) Open(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(err, &fs.PathError{Op: "open", Path: path, Err: errors.New("not a plain file")})
	}
	return hostFile{f, info.Size()}, nil
}

func (hostDisk) Publish(temporary, path string) error {
	err := os.Link(temporary, path)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
		// A file system without hard links.
		if e := unix.Renameat2(unix.AT_FDCWD, temporary, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE); e != nil {
			err = &os.LinkError{Op: "rename without replacing", Old: temporary, New: path, Err: e}
		} else {
			err = nil
		}
	}
	return err
}

func (hostDisk) Remove(path string) error { return os.Remove(path) }

func (hostDisk) Mkdir(path string) error { return os.Mkdir(path, 0o755) }

func (hostDisk) List(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }

func (hostDisk) Sync(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (hostDisk) Sweep(path, prefix string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && e.Type().IsRegular() {
			sweepFile(filepath.Join(path, e.Name()))
		}
	}
	return nil
}

// sweepFile removes a temporary file unless its writer lives. What cannot be removed stays: it is only garbage.
func sweepFile(path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
		os.Remove(path)
	}
}

type hostFile struct {
	*os.File
	size int64
}

func (f hostFile) Size() int64 { return f.size }

func (f hostFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(p, at)
	if errors.Is(err, syscall.EIO) {
		// A bad sector does not heal by trying again: the file is as good as damaged.
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return n, err
}
