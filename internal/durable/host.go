package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Host is the file system of the host. Mode is exactly that of the files it makes; zero: 0600. Folders are 0700: what is kept is for the
// user alone who keeps it.
type Host struct{ Mode fs.FileMode }

// Create implements Files.
func (h Host) Create(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // until it is what was asked for
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
	if h.Mode != 0 {
		if err := f.Chmod(h.Mode); err != nil {
			f.Close()
			os.Remove(path)
			return nil, err
		}
	}
	return f, nil
}

// Publish implements Files.
func (Host) Publish(temporary, path string) error {
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

// Rename gives a temporary file its name, in the place of the file that has it.
func (Host) Rename(temporary, path string) error { return os.Rename(temporary, path) }

// Remove implements Files.
func (Host) Remove(path string) error { return os.Remove(path) }

// Mkdir implements Folders.
func (Host) Mkdir(path string) error { return os.Mkdir(path, 0o700) }

// Sync implements Folders.
func (Host) Sync(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Sweep implements Folders.
func (Host) Sweep(path, prefix string) error {
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
