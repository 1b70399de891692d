package guard

import (
	"os"
	"sync"
)

var page = sync.OnceValue(func() []byte {
	memory, _ := Memory(os.Getpagesize())
	return memory
})

// Copy returns a copy of b, of up to a page, that ends where its memory does: reading past it ends the process. It is good until the
// next call.
func Copy(b []byte) []byte {
	memory := page()
	at := memory[len(memory)-len(b):]
	copy(at, b)
	return at
}
