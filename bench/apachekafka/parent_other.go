//go:build !linux

package apachekafka

import "syscall"

// dieWithParent has no counterpart here: a killed test leaves its broker running.
func dieWithParent() *syscall.SysProcAttr { return nil }
