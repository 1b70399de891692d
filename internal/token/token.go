// Package token makes and reads the secrets that programs show to our HTTP servers. A token is a prefix that says for what it is, an id
// that may be shown, the secret, and a checksum by which a scanner of leaked secrets, or a person who copied one letter too few, is told
// at once: hck_4kd0x8p2_Zr…_1bK9aQ. Kept is the hash alone; the secret has 190 bits, so that a plain SHA-256 is enough.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"
)

const (
	idLetters     = 8
	secretLetters = 32
	sumLetters    = 6
	letters       = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Hash is what is kept of a token: SHA-256 of the whole text. It prints as 64 hex digits.
type Hash [sha256.Size]byte

func (h Hash) String() string               { return hex.EncodeToString(h[:]) }
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 64 hex digits.
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) == 2*len(h) {
		if _, err := hex.Decode(h[:], b); err == nil {
			return nil
		}
	}
	return fmt.Errorf("hash %q: want 64 hex digits", b)
}

// New makes a token with a prefix of letters.
func New(prefix string) (text, id string) {
	id = random(idLetters)
	body := prefix + "_" + id + "_" + random(secretLetters)
	return body + "_" + sum(body), id
}

// Of returns the id of a token of the prefix, and what is kept of it. ok is false for what is no such token: another prefix, or a letter
// lost.
func Of(prefix, text string) (id string, h Hash, ok bool) {
	parts := strings.Split(text, "_")
	if len(parts) != 4 || parts[0] != prefix || len(parts[1]) != idLetters || len(parts[2]) != secretLetters {
		return "", h, false
	}
	body := text[:len(text)-len(parts[3])-1]
	if parts[3] != sum(body) {
		return "", h, false
	}
	return parts[1], sha256.Sum256([]byte(text)), true
}

// random returns n letters, each as likely as another.
func random(n int) string {
	out := make([]byte, 0, n)
	var b [64]byte
	for {
		_, _ = rand.Read(b[:]) // it does not fail
		for _, c := range b {
			if int(c) < 4*len(letters) {
				if out = append(out, letters[int(c)%len(letters)]); len(out) == n {
					return string(out)
				}
			}
		}
	}
}

func sum(body string) string {
	c := crc32.ChecksumIEEE([]byte(body))
	out := make([]byte, sumLetters)
	for i := range out {
		out[i] = letters[c%uint32(len(letters))]
		c /= uint32(len(letters))
	}
	return string(out)
}
