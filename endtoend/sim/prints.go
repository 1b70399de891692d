package sim

import (
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"headcount/events"
)

// person is a device or a user of an app.
type person struct {
	app, who string
	user     bool
}

// print is the fingerprint of a device or user of an app.
func (w *World) print(app, who string, user bool) [16]byte {
	p := person{app, who, user}
	f, ok := w.prints[p]
	if !ok {
		f = w.fingerprint(p)
		w.prints[p] = f
	}
	return f
}

// fingerprint makes one: a permutation that everybody knows, of an id and a secret of its app and population, XORed with both.
func (w *World) fingerprint(p person) (f [16]byte) {
	population := "uuid"
	in, err := hex.DecodeString(p.who)
	if err != nil || len(in) != 16 || p.user {
		population = "opaque"
		if p.user {
			population = "user"
		}
		sum := sha256.Sum256([]byte(population + "\x00" + p.who))
		in = sum[:16]
	}
	secret, ok := w.secrets[population+p.app]
	if !ok {
		secret = keyed("fp1\x00" + population + "\x00" + p.app)
		w.secrets[population+p.app] = secret
	}
	for i := range in {
		in[i] ^= secret[i]
	}
	permutation.Encrypt(f[:], in)
	for i := range f {
		f[i] ^= in[i]
	}
	return f
}

// permutation is AES-128 under the first 16 bytes of SHA-256("headcount fp1").
var permutation, _ = aes.NewCipher([]byte("\xb2\xf2\x0d\xf5\xd6\x11\xf5\x6b\x3c\x65\xbd\x61\xf0\xd5\x48\x43"))

// keyed is HMAC-SHA-256 under the GUID key.
func keyed(text string) []byte {
	h := hmac.New(sha256.New, rawKey[:])
	h.Write([]byte(text))
	return h.Sum(nil)
}

// salt is that of the sketches of an app in a month, as two numbers.
func salt(app string, month events.Month) (a, b uint64) {
	s := keyed("sk1\x00" + app + "\x00" + month.String())
	return binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[8:])
}

// sketchHash is what a sketch with that salt is fed.
func sketchHash(a, b uint64, f [16]byte) uint64 {
	high, low := bits.Mul64(binary.LittleEndian.Uint64(f[:])^a, binary.LittleEndian.Uint64(f[8:])^b)
	return high ^ low
}
