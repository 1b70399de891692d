package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"headcount/internal/durable"
)

// disk is a file system that a directory bucket stands on: how files are made, and how they are found and read. Paths are the
// host's. The tests have one that loses what was not synced.
type disk interface {
	durable.Disk
	Open(path string) (File, error)
	List(path string) ([]fs.DirEntry, error)
}

// Disk is a file system as OpenDisk wants it.
type Disk = disk

// OpenDisk opens the bucket in a folder of a simulated disk. name makes the random part of file names.
func OpenDisk(d Disk, root string, name func() string) (Bucket, error) {
	b, err := openDirectory(d, root, name)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// hostDisk is the file system of the host.
type hostDisk struct{ durable.Host }

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

func (hostDisk) List(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }

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
