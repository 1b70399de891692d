// Package secret reads what nobody else may read.
package secret

import (
	"fmt"
	"io"
	"os"
)

// maxBytes is far above any real key file; what is larger is some other file.
const maxBytes = 1 << 20

// ReadFile reads a file that only its owner may open, or only root and a group of this process's. Its errors call it what, and never show what is in it. A missing file is
// fs.ErrNotExist.
func ReadFile(path, what string) ([]byte, error) { return ReadUpTo(maxBytes, path, what) }

// ReadUpTo is ReadFile of a file that may have so many bytes.
func ReadUpTo(most int64, path, what string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if mode := info.Mode(); !mode.IsRegular() {
		return nil, fmt.Errorf("%s %s is not a regular file: name the file itself", what, path)
	} else if mode.Perm()&^0o600 != 0 && !lent(info) {
		return nil, fmt.Errorf("%s %s has mode %04o, which is wider than 0600: run chmod 600 %s (a file of root's is also taken with mode 0440, where only a group of this user may read it)", what, path, mode.Perm(), path)
	}
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s %s is over %d bytes: it is some other file", what, path, most)
	}
	return data, nil
}
