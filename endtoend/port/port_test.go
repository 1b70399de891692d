package port_test

import (
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"

	"headcount/endtoend/port"
)

// A kept port refuses clients, lets its server listen again and again, and is nobody else's meanwhile.
func TestKeep(t *testing.T) {
	k, err := port.Keep()
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for range 3 {
		if c, err := net.Dial("tcp", k.Addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("%v, %v: nobody listens", c, err)
		}
		l, err := net.Listen("tcp", k.Addr)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if c, err := l.Accept(); err == nil {
				c.Close()
			}
		}()
		c, err := net.Dial("tcp", k.Addr)
		if err != nil {
			t.Fatal(err)
		}
		c.Read(make([]byte, 1))
		c.Close()
		l.Close()
	}
	if runtime.GOOS != "linux" {
		return
	}
	// Of 2,000 kept ports of at most 65,535, two hundred that ask for any would hit some.
	kept := map[string]bool{}
	for range 2000 {
		k, err := port.Keep()
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		if kept[k.Addr] {
			t.Fatalf("%s is kept twice", k.Addr)
		}
		kept[k.Addr] = true
	}
	for range 2000 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if l.Close(); kept[l.Addr().String()] {
			t.Fatalf("%s is kept, and was given to another", l.Addr())
		}
	}
}
