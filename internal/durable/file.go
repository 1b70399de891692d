package durable

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Create makes a file on the host that did not exist, of what write puts out, and the folders above it. When it returns nil, or
// ErrExists, the file lasts; after any other error it may or may not be there, but never in part.
func Create(ctx context.Context, path string, write func(io.Writer) error) error {
	return create(ctx, Host{}, path, write)
}

// CreateFile is Create of data, in a file with exactly this mode.
func CreateFile(path string, data []byte, mode fs.FileMode) error {
	return create(context.Background(), Host{Mode: mode}, path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func create(ctx context.Context, d Disk, path string, write func(io.Writer) error) error {
	path = filepath.Clean(path)
	if err := Open(d, filepath.Dir(path), nil).Create(ctx, path, write); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return nil
}

// Publish gives a whole file, made by other means on the file system of path, the name path, which must not be taken
// (ErrExists). The temporary name goes.
func Publish(temporary, path string) error {
	return publish(Open(Host{}, filepath.Dir(path), nil), func() (File, error) { return os.Open(temporary) }, temporary, path)
}

func publish(d *Folder, open func() (File, error), temporary, path string) error {
	f, err := open()
	if err != nil {
		return fmt.Errorf("publish %s: %w", path, err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return d.fail("fsync "+temporary, err)
	}
	err = d.disk.Publish(temporary, path)
	d.disk.Remove(temporary) // best effort
	if err := d.published(filepath.Dir(path), err); err != nil {
		return fmt.Errorf("publish %s: %w", path, err)
	}
	return nil
}

// MakeFolder makes a folder on the host, and those above it, with mode 0700, so that they last.
func MakeFolder(path string) error {
	path = filepath.Clean(path)
	err := Open(Host{}, path, nil).makeFolder(path)
	if info, statErr := os.Stat(path); err == nil && statErr == nil && !info.IsDir() {
		err = &fs.PathError{Op: "mkdir", Path: path, Err: unix.ENOTDIR}
	}
	if err != nil {
		return fmt.Errorf("create folder %s: %w", path, err)
	}
	return nil
}

// replacer is a disk on which a file can take another's place.
type replacer interface {
	Disk
	Rename(temporary, path string) error
}

// Replace writes a file on the host, in a folder that is there, or puts what write puts out in the place of what it held: whoever reads it
// finds the old content or the new one, whole. A new file has mode 0600, another keeps its own; where path is a
// link, what it leads to is replaced. What is no plain file (a pipe, a terminal) is written to as it is.
func Replace(path string, write func(io.Writer) error) error {
	var host Host
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		target, err = filepath.Clean(path), nil
	}
	if err != nil {
		return err
	}
	switch info, err := os.Stat(target); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		f, err := os.OpenFile(target, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	default:
		if err := unix.Access(target, unix.W_OK); err != nil {
			return &fs.PathError{Op: "write", Path: target, Err: err}
		}
		host.Mode = info.Mode().Perm()
	}
	return replace(host, target, write)
}

func replace(disk replacer, path string, write func(io.Writer) error) error {
	folder := filepath.Dir(path)
	d := Open(disk, folder, nil)
	disk.Sweep(folder, Temporary) // best effort: it is only garbage
	f, temp, err := d.writeTemporary(context.Background(), folder, write)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = disk.Rename(temp, path)
	if err != nil {
		disk.Remove(temp) // best effort
	}
	f.Close()
	if err == nil {
		err = d.sync(folder)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
