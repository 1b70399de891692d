//go:build purego || !amd64

package identity

// Complete makes fingerprints of what Mask set, in place.
func Complete(masked []Fingerprint) { completePlain(masked) }
