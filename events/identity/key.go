package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// GUIDKey is the secret of which those of all apps are made. Safe for concurrent use.
type GUIDKey struct {
	id   string
	raw  [16]byte
	macs sync.Pool // of *mac
}

// NewGUIDKey returns the key of 16 random bytes.
func NewGUIDKey(raw [16]byte) *GUIDKey {
	sum := sha256.Sum256(append([]byte("headcount guid key\x00"), raw[:]...))
	k := &GUIDKey{id: hex.EncodeToString(sum[:8]), raw: raw}
	k.macs.New = func() any { return &mac{hash: hmac.New(sha256.New, k.raw[:])} }
	return k
}

// ID names the key without giving it away: 16 hex digits of a hash of it.
func (k *GUIDKey) ID() string { return k.id }

// String is the id, so that a key in a log line or an error does not give itself away.
func (k *GUIDKey) String() string { return "guid key " + k.id }

// GoString is String.
func (k *GUIDKey) GoString() string { return k.String() }
