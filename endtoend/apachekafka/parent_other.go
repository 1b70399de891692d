//go:build !linux

package apachekafka

import "syscall"

// DieWithParent has no counterpart here: a killed test leaves its processes running.
func DieWithParent() *syscall.SysProcAttr { return nil }
