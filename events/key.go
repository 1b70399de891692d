package events

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
)

// The populations: an opaque GUID and a user id of the same bytes are not the same one.
const (
	devicePopulation = "device\x00"
	userPopulation   = "user\x00"
)

// GUIDKey is the secret that turns GUIDs into fingerprints. Safe for concurrent use.
type GUIDKey struct {
	id    string
	block cipher.Block
	raw   [16]byte
}

// NewGUIDKey returns the key of 16 random bytes.
func NewGUIDKey(raw [16]byte) *GUIDKey {
	block, err := aes.NewCipher(raw[:])
	if err != nil {
		panic(err) // 16 bytes are always a key
	}
	sum := sha256.Sum256(append([]byte("headcount guid key\x00"), raw[:]...))
	return &GUIDKey{id: hex.EncodeToString(sum[:8]), block: block, raw: raw}
}

// ID names the key without giving it away: 16 hex digits of a hash of it.
func (k *GUIDKey) ID() string { return k.id }

// String is the id, so that a key in a log line or an error does not give itself away.
func (k *GUIDKey) String() string { return "guid key " + k.id }

// GoString is String.
func (k *GUIDKey) GoString() string { return k.String() }

// Device returns the fingerprint of a device's GUID of 1–128 bytes; false for any other length.
func (k *GUIDKey) Device(guid []byte) (Fingerprint, bool) {
	var s fingerprinter
	return s.device(k, guid)
}

// User returns the fingerprint of a user id of 1–128 bytes; false for any other length.
func (k *GUIDKey) User(id []byte) (Fingerprint, bool) {
	var s fingerprinter
	return s.user(k, id)
}

// fingerprinter is the scratch of fingerprinting, apart so that the hot path allocates none.
type fingerprinter struct {
	in, out [16]byte
	buf     [len(devicePopulation) + MaxGUIDBytes]byte
}

func (s *fingerprinter) device(k *GUIDKey, guid []byte) (Fingerprint, bool) {
	if !parseUUID(&s.in, guid) && !s.opaque(devicePopulation, guid) {
		return Fingerprint{}, false
	}
	return s.seal(k), true
}

func (s *fingerprinter) user(k *GUIDKey, id []byte) (Fingerprint, bool) {
	if !s.opaque(userPopulation, id) {
		return Fingerprint{}, false
	}
	return s.seal(k), true
}

// opaque sets in to the first 16 bytes of SHA-256 over (population, id).
func (s *fingerprinter) opaque(population string, id []byte) bool {
	if len(id) == 0 || len(id) > MaxGUIDBytes {
		return false
	}
	sum := sha256.Sum256(append(append(s.buf[:0], population...), id...))
	copy(s.in[:], sum[:])
	return true
}

func (s *fingerprinter) seal(k *GUIDKey) Fingerprint {
	k.block.Encrypt(s.out[:], s.in[:])
	subtle.XORBytes(s.out[:], s.out[:], s.in[:])
	return s.out
}
