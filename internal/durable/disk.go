package durable

import (
	"errors"
	"io"
)

var (
	// ErrExists says that a file of that name is there already; it lasts.
	ErrExists = errors.New("file exists")
	// ErrFatal says that an fsync failed: what was written before may be lost although it can still be read, and the kernel
	// will not say so twice. The process must end; the next one finds what is truly there.
	ErrFatal = errors.New("fsync failed: the process must end and start again from what is on disk")
)

// Temporary begins the names of files that are being written.
const Temporary = ".writing-"

// Files are the operations on files that a Folder stands on. Paths are the host's.
//
// Create makes a new temporary file, which belongs to this process until it is closed (fs.ErrExist: the name is taken). Publish
// gives a temporary file its name, at once and never replacing (fs.ErrExist); the temporary name may remain. Nothing is durable
// until the file's Sync, and then its folder's.
type Files interface {
	Create(path string) (File, error)
	Publish(temporary, path string) error
	Remove(path string) error
}

// Folders are the operations on folders. Of an error of Sync that is an fs.PathError of "open", nothing was synced. Sweep removes
// the files with the prefix whose process is gone.
type Folders interface {
	Mkdir(path string) error
	Sync(path string) error
	Sweep(path, prefix string) error
}

// Disk is a file system: Host, or one of a test or simulation that loses what was not synced.
type Disk interface {
	Files
	Folders
}

// File is a file that is being written.
type File interface {
	io.WriteCloser
	Sync() error
}
