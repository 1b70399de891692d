// Package port keeps a port of 127.0.0.1 for a server that starts later, or again and again.
//
// Whoever finds a free port, lets go of it and has another program listen there races with all others of the machine that ask for
// any free port, for as long as nobody listens. A kept port stays bound meanwhile, by a socket that does not listen: who connects
// is refused, a program that names the port may listen on it, and the system gives it to nobody else, neither to a server nor to a
// client. That is so on Linux; elsewhere the port is let go of.
package port

import "net"

// Kept is a port that is kept until it is closed.
type Kept struct {
	Addr   string // 127.0.0.1:port
	Number int
	free   func()
}

// Close lets go of the port; whoever listens there goes on.
func (k *Kept) Close() { k.free() }

// Keep takes a port that is free.
func Keep() (*Kept, error) {
	if k, err := hold(); err == nil {
		// A system that does not let others listen on a port that is held so must not have it held.
		if l, err := net.Listen("tcp", k.Addr); err == nil {
			l.Close()
			return k, nil
		}
		k.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	a := l.Addr().(*net.TCPAddr)
	return &Kept{Addr: a.String(), Number: a.Port, free: func() {}}, nil
}
