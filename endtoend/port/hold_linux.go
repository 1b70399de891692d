package port

import (
	"fmt"
	"syscall"
)

// hold binds a socket to any free port. SO_REUSEADDR lets those in that name the port and set it too, as Go and Java do for servers;
// who asks for any port gets none that is bound.
func hold() (k *Kept, err error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			syscall.Close(fd)
		}
	}()
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return nil, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	n := name.(*syscall.SockaddrInet4).Port
	return &Kept{Addr: fmt.Sprintf("127.0.0.1:%d", n), Number: n, free: func() { syscall.Close(fd) }}, nil
}
