// Package guard is for the tests of assembly: it lends memory that ends where it says, so that reading or writing beside it ends the
// process, and tells which routines the machine does not run.
package guard

import (
	"os"

	"golang.org/x/sys/unix"
)

// Memory returns at least n bytes, up to the end of a page, before and behind which there are none; free gives them back.
func Memory(n int) (memory []byte, free func()) {
	page := os.Getpagesize()
	n = (n + page - 1) / page * page
	all, err := unix.Mmap(-1, 0, n+2*page, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err == nil {
		err = unix.Mprotect(all[page:page+n], unix.PROT_READ|unix.PROT_WRITE)
	}
	if err != nil {
		panic(err)
	}
	return all[page : page+n : page+n], func() {
		if err := unix.Munmap(all); err != nil {
			panic(err)
		}
	}
}
