package events

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// guard is memory of some bytes behind which, and before which, nothing can be read.
var guard = sync.OnceValue(func() []byte {
	page := os.Getpagesize()
	memory, err := unix.Mmap(-1, 0, 3*page, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err == nil {
		err = unix.Mprotect(memory[page:2*page], unix.PROT_READ|unix.PROT_WRITE)
	}
	if err != nil {
		panic(err)
	}
	return memory[page : 2*page : 2*page]
})

// guarded returns a copy of b, of up to a page, that ends where its memory does: reading past it ends the process. It is good until
// the next call.
func guarded(b []byte) []byte {
	memory := guard()
	at := memory[len(memory)-len(b):]
	copy(at, b)
	return at
}
