//go:build unix

package secret

import (
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// lent says whether a file is root's, and read by a group that this process is in and by nobody else: how Kubernetes hands secrets to a
// pod's user (fsGroup), and init systems to a service's.
func lent(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	groups, err := os.Getgroups()
	return err == nil && lentTo(info.Mode().Perm(), s.Uid, int(s.Gid), os.Geteuid(), append(groups, os.Getegid()))
}

// lentTo is lent by numbers: the file's mode, owner and group, the process's user and groups. Who owns the file, root among them, can
// narrow it.
func lentTo(mode fs.FileMode, owner uint32, group, user int, groups []int) bool {
	return mode&^0o640 == 0 && owner == 0 && user != 0 && slices.Contains(groups, group)
}
