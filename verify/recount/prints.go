package recount

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"strings"
	"sync"
)

// guidKey is a GUID key, and the secrets that were made of it: T of the design's page, by app and population ([2]string → print). It may be
// used by many goroutines.
type guidKey struct {
	raw     []byte
	secrets sync.Map
}

// print is a fingerprint.
type print [16]byte

// salt is that of an app's sketches in a month.
type salt [16]byte

// permutation is π: AES-128 under a key that everybody knows.
var permutation = func() cipher.Block {
	key := sha256.Sum256([]byte("headcount fp1"))
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		panic(err) // of the right length it is always a key
	}
	return block
}()

// first16 returns the first 16 bytes of HMAC-SHA-256 over words, with zero bytes between.
func (k *guidKey) first16(words ...string) (first [16]byte) {
	h := hmac.New(sha256.New, k.raw)
	h.Write([]byte(strings.Join(words, "\x00")))
	copy(first[:], h.Sum(nil))
	return first
}

// salt is what salts an app's sketches in a month, in all partitions.
func (k *guidKey) salt(app string, month Month) salt { return k.first16("sk1", app, month.String()) }

// uuidOf returns the bytes of an id that reads as a UUID.
func uuidOf(id string) (x print, ok bool) {
	bare := id
	if strings.HasPrefix(id, "{") && strings.HasSuffix(id, "}") && len(id) > 2 {
		bare = id[1 : len(id)-1]
	} else if n := len("urn:uuid:"); len(id) > n && strings.EqualFold(id[:n], "urn:uuid:") {
		bare = id[n:]
	}
	if len(bare) == 36 && bare[8] == '-' && bare[13] == '-' && bare[18] == '-' && bare[23] == '-' {
		bare = bare[:8] + bare[9:13] + bare[14:18] + bare[19:23] + bare[24:]
	}
	if len(bare) != 32 {
		return x, false
	}
	n, err := hex.Decode(x[:], []byte(bare))
	if err != nil || n != len(x) {
		return print{}, false
	}
	return x, true
}

// populate says of which population a GUID or a user id is, and returns its 16 bytes: x.
func populate(id string, user bool) (population string, x print) {
	if x, ok := uuidOf(id); ok && !user {
		return "uuid", x
	}
	population = "opaque"
	if user {
		population = "user"
	}
	sum := sha256.Sum256([]byte(population + "\x00" + id))
	return population, print(sum[:16])
}

// fingerprint returns the fingerprint that a GUID, or a user id, has in an app.
func (k *guidKey) fingerprint(app, id string, user bool) (f print) {
	population, in := populate(id, user)
	var secret print
	if made, ok := k.secrets.Load([2]string{population, app}); ok {
		secret = made.(print)
	} else {
		secret = k.first16("fp1", population, app)
		k.secrets.Store([2]string{population, app}, secret)
	}
	for i := range in {
		in[i] ^= secret[i]
	}
	permutation.Encrypt(f[:], in[:])
	for i := range f {
		f[i] ^= in[i]
	}
	return f
}

// hash is what a sketch is fed of a device or user: each half of its fingerprint XORed with that of the salt, the two multiplied, and the
// halves of the product XORed.
func (s salt) hash(who print) uint64 {
	half := func(i int) uint64 { return binary.LittleEndian.Uint64(who[i:]) ^ binary.LittleEndian.Uint64(s[i:]) }
	over, product := bits.Mul64(half(0), half(8))
	return over ^ product
}

// spaces are what around an id is no part of it.
const spaces = " \t\n\v\f\r"

// placeholders are ids that are none.
type placeholders struct {
	uuids map[print]bool
	texts map[string]bool // lower case
}

func placeholdersOf(list []string) placeholders {
	p := placeholders{map[print]bool{}, map[string]bool{}}
	for _, id := range list {
		if x, ok := uuidOf(id); ok {
			p.uuids[x] = true
		} else {
			p.texts[strings.ToLower(id)] = true
		}
	}
	return p
}

// have says whether an id is none: in any case, and of UUIDs in any spelling, users' too.
func (p placeholders) have(id string) bool {
	if x, ok := uuidOf(id); ok {
		return p.uuids[x]
	}
	return p.texts[strings.ToLower(id)]
}
