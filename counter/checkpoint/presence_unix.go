//go:build unix

package checkpoint

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockFolder takes the lock of a folder that is there, with others who share it or alone, and does not wait for it.
func lockFolder(path string, shared bool) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	how := unix.LOCK_EX
	if shared {
		how = unix.LOCK_SH
	}
	if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
