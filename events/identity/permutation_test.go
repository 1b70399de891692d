package identity

import (
	"bytes"
	"crypto/aes"
	"crypto/sha256"
	"math/rand/v2"
	"testing"
)

// TestComplete holds the fingerprints of many at once against AES of the standard library.
func TestComplete(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	key := sha256.Sum256([]byte("headcount fp1"))
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		t.Fatal(err)
	}
	for n := range 70 {
		masked := make([]Fingerprint, n)
		want := make([][]byte, n)
		for i := range want {
			for j := range masked[i] {
				masked[i][j] = byte(r.Uint32())
			}
			want[i] = make([]byte, 16)
			block.Encrypt(want[i], masked[i][:])
			for j := range want[i] {
				want[i][j] ^= masked[i][j]
			}
		}
		Complete(masked)
		for i := range want {
			if !bytes.Equal(masked[i][:], want[i]) {
				t.Fatalf("block %d of %d: got %x, want %x", i, n, masked[i], want[i])
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
