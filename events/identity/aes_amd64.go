//go:build !purego

package identity

import "golang.org/x/sys/cpu"

// sealAll turns inputs into fingerprints in place.
func (k *GUIDKey) sealAll(blocks []Fingerprint) {
	if eights := len(blocks) / 8; eights > 0 && cpu.X86.HasAES {
		sealEights(&k.rounds, (*[16]byte)(&blocks[0]), eights)
		blocks = blocks[8*eights:]
	}
	k.sealPlain(blocks)
}

// sealEights does eight blocks at a time.
//
//go:noescape
func sealEights(rounds *[11][16]byte, blocks *[16]byte, eights int)
