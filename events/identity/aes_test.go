package identity

import (
	"bytes"
	"crypto/aes"
	"math/rand/v2"
	"testing"
)

// TestSealAll holds the fingerprints of many at once against AES of the standard library.
func TestSealAll(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for n := range 70 {
		var raw [16]byte
		blocks := make([]Fingerprint, n)
		fill := func(b []byte) {
			for i := range b {
				b[i] = byte(r.Uint32())
			}
		}
		fill(raw[:])
		for i := range blocks {
			fill(blocks[i][:])
		}
		block, err := aes.NewCipher(raw[:])
		if err != nil {
			t.Fatal(err)
		}
		want := make([][]byte, n)
		for i := range want {
			want[i] = make([]byte, 16)
			block.Encrypt(want[i], blocks[i][:])
			for j := range want[i] {
				want[i][j] ^= blocks[i][j]
			}
		}
		NewGUIDKey(raw).sealAll(blocks)
		for i := range want {
			if !bytes.Equal(blocks[i][:], want[i]) {
				t.Fatalf("block %d of %d: got %x, want %x", i, n, blocks[i], want[i])
			}
		}
	}
}

// TestExpand is the example of FIPS 197, appendix A.1.
func TestExpand(t *testing.T) {
	rounds := expand([16]byte{0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c})
	want := [16]byte{0xd0, 0x14, 0xf9, 0xa8, 0xc9, 0xee, 0x25, 0x89, 0xe1, 0x3f, 0x0c, 0xc8, 0xb6, 0x63, 0x0c, 0xa6}
	if rounds[10] != want {
		t.Errorf("last round key %x, want %x", rounds[10], want)
	}
}
