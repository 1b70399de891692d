package durable

import (
	"context"
	"io"
	"path/filepath"
)

// CreateOn is Create on another disk.
func CreateOn(d Disk, path string, write func(io.Writer) error) error {
	return create(context.Background(), d, path, write)
}

// PublishOn is Publish on another disk, of a file that is open.
func PublishOn(d Disk, temporary File, name, path string) error {
	return publish(Open(d, filepath.Dir(path), nil), func() (File, error) { return temporary, nil }, name, path)
}

// ReplaceOn is Replace on another disk.
func ReplaceOn(d interface {
	Disk
	Rename(temporary, path string) error
}, path string, data []byte) error {
	return replace(d, path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
