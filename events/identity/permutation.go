package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"math/bits"
)

// π is AES-128 under a key that everybody knows: a permutation that nobody can tell from a random one.
var (
	permutationKey = func() [16]byte { sum := sha256.Sum256([]byte("headcount fp1")); return [16]byte(sum[:16]) }()
	permutation    = newCipher(permutationKey)
	rounds         = expand(permutationKey) // what permutation is made of
)

func newCipher(key [16]byte) cipher.Block {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // 16 bytes are always a key
	}
	return block
}

// completePlain is Complete, one at a time.
func completePlain(masked []Fingerprint) {
	for i := range masked {
		complete(&masked[i])
	}
}

// complete makes a fingerprint of what Mask set.
func complete(f *Fingerprint) {
	in := *f
	permutation.Encrypt(f[:], f[:])
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
