//go:build !purego

package identity

import "golang.org/x/sys/cpu"

// Complete makes fingerprints of what Mask set, in place.
func Complete(masked []Fingerprint) {
	if eights := len(masked) / 8; eights > 0 && cpu.X86.HasAES {
		completeEights(&rounds, (*[16]byte)(&masked[0]), eights)
		masked = masked[8*eights:]
	}
	completePlain(masked)
}

// completeEights does eight at a time.
//
//go:noescape
func completeEights(rounds *[11][16]byte, masked *[16]byte, eights int)
