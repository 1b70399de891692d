package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"headcount/internal/durable"
)

// NotWritableError says that this user must not make a file.
type NotWritableError struct{ Path string }

func (e *NotWritableError) Error() string {
	return fmt.Sprintf("%s cannot be created: this user must not write in %s; give it the right to, or name another place in the config", e.Path, filepath.Dir(e.Path))
}

// Create writes a file that must not exist yet, durably and never half: it appears under its name only when it is whole. It reports whether it
// did. Where this user must not write there, it returns a *NotWritableError.
func Create(path string, mode fs.FileMode, data []byte) (bool, error) {
	created, err := create(path, mode, data)
	if errors.Is(err, fs.ErrPermission) {
		return false, &NotWritableError{path}
	}
	return created, err
}

func create(path string, mode fs.FileMode, data []byte) (bool, error) {
	if _, err := os.Lstat(path); err == nil {
		return false, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("create: %w", err)
	}
	err := durable.CreateFile(path, data, mode)
	if errors.Is(err, durable.ErrExists) {
		return false, nil
	}
	return err == nil, err
}

// Exists says whether there is anything at a path, be it a link to nowhere.
func Exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
