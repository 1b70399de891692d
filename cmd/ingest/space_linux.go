//go:build linux

package main

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// roomOn asks the system what is left where a folder lies.
func roomOn(dir string) (room, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return room{}, err
	}
	var file unix.Stat_t
	if err := unix.Stat(dir, &file); err != nil {
		return room{}, err
	}
	r := room{on: fmt.Sprint(file.Dev), bytes: fs.Bavail * uint64(fs.Bsize), inodes: fs.Ffree}
	if fs.Files == 0 { // it has no bound
		r.inodes = math.MaxUint64
	}
	return r, nil
}
