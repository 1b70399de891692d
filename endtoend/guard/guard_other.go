//go:build !linux

// Package guard lends tests memory that ends where it says, on Linux; here it is like any other.
package guard

// Memory returns n bytes.
func Memory(n int) (memory []byte, free func()) { return make([]byte, n), func() {} }
