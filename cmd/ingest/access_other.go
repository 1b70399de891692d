//go:build !unix

package main

// mayWrite does not know; the first checkpoint will.
func mayWrite(string) error { return nil }
