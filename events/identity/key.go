package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
)

// The populations: an opaque GUID and a user id of the same bytes are not the same one.
const (
	devicePopulation = "device\x00"
	userPopulation   = "user\x00"
)

// GUIDKey is the secret that turns GUIDs into fingerprints. Safe for concurrent use.
type GUIDKey struct {
	id     string
	block  cipher.Block
	raw    [16]byte
	rounds [11][16]byte // what block is made of
}

// NewGUIDKey returns the key of 16 random bytes.
func NewGUIDKey(raw [16]byte) *GUIDKey {
	block, err := aes.NewCipher(raw[:])
	if err != nil {
		panic(err) // 16 bytes are always a key
	}
	sum := sha256.Sum256(append([]byte("headcount guid key\x00"), raw[:]...))
	return &GUIDKey{id: hex.EncodeToString(sum[:8]), block: block, raw: raw, rounds: expand(raw)}
}

// ID names the key without giving it away: 16 hex digits of a hash of it.
func (k *GUIDKey) ID() string { return k.id }

// String is the id, so that a key in a log line or an error does not give itself away.
func (k *GUIDKey) String() string { return "guid key " + k.id }

// GoString is String.
func (k *GUIDKey) GoString() string { return k.String() }

// Device returns the fingerprint of a device's GUID of 1–128 bytes; false for any other length.
func (k *GUIDKey) Device(guid []byte) (Fingerprint, bool) {
	var s Inputs
	var f Fingerprint
	if !s.Device(&f, guid) {
		return f, false
	}
	k.seal(&f)
	return f, true
}

// User returns the fingerprint of a user id of 1–128 bytes; false for any other length.
func (k *GUIDKey) User(id []byte) (Fingerprint, bool) {
	var s Inputs
	var f Fingerprint
	if !s.User(&f, id) {
		return f, false
	}
	k.seal(&f)
	return f, true
}

// Inputs makes what fingerprints are made of. It is scratch, apart so that the hot path allocates none. Not for concurrent use.
type Inputs struct {
	buf [len(devicePopulation) + MaxGUIDBytes]byte
}

// Device sets in to what the fingerprint of a GUID of 1–128 bytes is made of; false for any other length.
func (s *Inputs) Device(in *Fingerprint, guid []byte) bool {
	return parseUUID((*[16]byte)(in), guid) || s.opaque(in, devicePopulation, guid)
}

// User sets in to what the fingerprint of a user id of 1–128 bytes is made of; false for any other length.
func (s *Inputs) User(in *Fingerprint, id []byte) bool {
	return s.opaque(in, userPopulation, id)
}

// opaque sets in to the first 16 bytes of SHA-256 over (population, id).
func (s *Inputs) opaque(in *Fingerprint, population string, id []byte) bool {
	if len(id) == 0 || len(id) > MaxGUIDBytes {
		return false
	}
	sum := sha256.Sum256(append(append(s.buf[:0], population...), id...))
	copy(in[:], sum[:])
	return true
}
