package stream

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// guarded returns memory of at least n bytes before and behind which nothing can be read or written: what tries ends the process.
func guarded(t testing.TB, n int) []byte {
	t.Helper()
	page := os.Getpagesize()
	n = (n + page - 1) / page * page
	memory, err := unix.Mmap(-1, 0, n+2*page, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(memory); err != nil {
			t.Error(err)
		}
	})
	if err := unix.Mprotect(memory[page:page+n], unix.PROT_READ|unix.PROT_WRITE); err != nil {
		t.Fatal(err)
	}
	return memory[page : page+n : page+n]
}
