package apachekafka

import "syscall"

// DieWithParent ends a broker, or another process that a test starts, when the test that started it is killed: nobody else would.
func DieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
