//go:build !linux

// Package guard is for the tests of assembly: on Linux it lends memory that ends where it says, and here memory like any other; it
// tells which routines the machine does not run.
package guard

// Memory returns n bytes.
func Memory(n int) (memory []byte, free func()) { return make([]byte, n), func() {} }
