package broker

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
)

// ErrFailed says that the broker could not write, and has ended: a disk that is full or broken. What it had accepted is in its folder.
// It must not go on: the cluster remembers a batch that it could not write as written, and would answer its repeat as a duplicate.
var ErrFailed = errors.New("the embedded broker has failed")

// failure is how a broker ends that cannot write.
type failure struct {
	mu       sync.Mutex
	err      error
	is       chan struct{} // closed once err is set
	listener net.Listener
	open     map[net.Conn]struct{}
}

// Failed is closed once the broker has failed; Err says why. It answers nobody any more, and Close does not put it in order.
func (b *Broker) Failed() <-chan struct{} { return b.failure.is }

// Err wraps ErrFailed where the broker has failed.
func (b *Broker) Err() error {
	b.failure.mu.Lock()
	defer b.failure.mu.Unlock()
	return b.failure.err
}

// Connections is how many connections are open.
func (b *Broker) Connections() int {
	b.failure.mu.Lock()
	defer b.failure.mu.Unlock()
	return len(b.failure.open)
}

// fail ends the broker. Nobody is told anything any more that was not told yet.
func (b *Broker) fail(why error) {
	f := &b.failure
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return
	}
	f.err = fmt.Errorf("%w: %w", ErrFailed, why)
	close(f.is)
	if f.listener != nil {
		f.listener.Close()
	}
	for c := range f.open {
		c.Close()
	}
}

// ready says whether an answer may go out: all that it may speak of is durable.
func (b *Broker) ready() error {
	if err := b.Err(); err != nil {
		return err
	}
	if b.flusher == nil {
		return nil
	}
	if err := b.flusher.flush(); err != nil {
		b.fail(err)
	}
	return b.Err()
}

// heed ends the broker where the cluster says that it could not write: it says so in its log alone.
func (b *Broker) heed(warning string) {
	if strings.HasPrefix(warning, "persist ") {
		b.fail(errors.New(warning))
	}
}

// listener guards the connections that it accepts, and says the name it was given where clients are told where to go.
type listener struct {
	net.Listener
	name named
	of   *Broker
}

func (l listener) Addr() net.Addr { return l.name }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	f := &l.of.failure
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		c.Close()
	}
	f.open[c] = struct{}{}
	return guarded{Conn: c, of: l.of}, nil
}

// Close closes the connection and forgets it.
func (c guarded) Close() error {
	f := &c.of.failure
	f.mu.Lock()
	delete(f.open, c.Conn)
	f.mu.Unlock()
	return c.Conn.Close()
}

type named string

func (named) Network() string  { return "tcp" }
func (n named) String() string { return string(n) }
