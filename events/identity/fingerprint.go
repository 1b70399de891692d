package identity

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Fingerprint stands for a device or a user of one app in state and sealed files (see the package's comment). It is uniform.
type Fingerprint [16]byte

// ParseFingerprint reads 32 lower-case hex digits.
func ParseFingerprint(s string) (f Fingerprint, err error) {
	if len(s) != 2*len(f) {
		return f, fmt.Errorf("fingerprint %q: want 32 hex digits", s)
	}
	if _, err := hex.Decode(f[:], []byte(s)); err != nil || f.String() != s {
		return Fingerprint{}, fmt.Errorf("fingerprint %q: want 32 lower-case hex digits", s)
	}
	return f, nil
}

// String returns 32 lower-case hex digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// MarshalText returns the form of String.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads the form of String.
func (f *Fingerprint) UnmarshalText(b []byte) error {
	v, err := ParseFingerprint(string(b))
	if err == nil {
		*f = v
	}
	return err
}

// Hash is the half for hash tables. A fingerprint is uniform, so that it needs no further mixing. Sketches take another hash, of both
// halves (Salt.Hash), so that the two witnesses do not err together.
func (f *Fingerprint) Hash() uint64 { return binary.LittleEndian.Uint64(f[:8]) }
