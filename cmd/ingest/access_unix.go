//go:build unix

package main

import "golang.org/x/sys/unix"

// mayWrite asks the system whether this user may make files in a folder.
func mayWrite(dir string) error { return unix.Access(dir, unix.W_OK|unix.X_OK) }
