package apachekafka

import "syscall"

// dieWithParent ends the broker when the test that started it is killed: nobody else would.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
