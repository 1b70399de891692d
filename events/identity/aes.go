package identity

import (
	"crypto/subtle"
	"math/bits"
)

// Pending holds what fingerprints are to be made of, so that many are made at once. The zero value is empty. Not for concurrent use.
type Pending struct {
	key    *GUIDKey
	blocks [128]Fingerprint
	to     [128]*Fingerprint // where they go
	n      int
}

// Add returns the place for what a fingerprint is made of, which Complete will write to f. The place is good until the next call.
func (p *Pending) Add(key *GUIDKey, f *Fingerprint) *Fingerprint {
	if key != p.key || p.n == len(p.blocks) {
		p.Complete()
		p.key = key
	}
	i := p.n
	p.to[i] = f
	p.n++
	return &p.blocks[i]
}

// Complete makes the fingerprints that were added since the last call.
func (p *Pending) Complete() {
	if p.n == 0 {
		return
	}
	p.key.sealAll(p.blocks[:p.n])
	for i, f := range p.to[:p.n] {
		*f = p.blocks[i]
	}
	clear(p.to[:p.n])
	p.n = 0
}

// sealPlain is sealAll, a block at a time.
func (k *GUIDKey) sealPlain(blocks []Fingerprint) {
	for i := range blocks {
		k.seal(&blocks[i])
	}
}

// seal turns an input into a fingerprint in place.
func (k *GUIDKey) seal(f *Fingerprint) {
	in := *f
	k.block.Encrypt(f[:], f[:])
	subtle.XORBytes(f[:], f[:], in[:])
}

// expand returns the round keys of AES-128 (FIPS 197, 5.2), which crypto/aes keeps to itself.
func expand(key [16]byte) (rounds [11][16]byte) {
	rounds[0] = key
	constant := byte(1)
	for r := 1; r < len(rounds); r++ {
		before, now := &rounds[r-1], &rounds[r]
		for i := range 4 {
			now[i] = before[i] ^ substitute(before[12+(i+1)%4])
		}
		now[0] ^= constant
		constant = double(constant)
		for i := 4; i < 16; i++ {
			now[i] = before[i] ^ now[i-4]
		}
	}
	return rounds
}

// substitute is the S-box: the inverse in GF(2⁸), then an affine map.
func substitute(b byte) byte {
	inverse := byte(0)
	if b != 0 {
		inverse = 1
		for range 254 {
			inverse = multiply(inverse, b)
		}
	}
	s := byte(0x63)
	for i := range 5 {
		s ^= bits.RotateLeft8(inverse, i)
	}
	return s
}

func double(b byte) byte { return b<<1 ^ b>>7*0x1b }

func multiply(a, b byte) (product byte) {
	for ; b != 0; b >>= 1 {
		product ^= a * (b & 1)
		a = double(a)
	}
	return product
}
