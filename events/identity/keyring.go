package identity

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"headcount/internal/secret"
)

// ErrUnknownKey says that a month's rules name a GUID key that is not in the keyring.
var ErrUnknownKey = errors.New("GUID key is not in the key file")

// Keyring holds the GUID keys of an installation, oldest first. Safe for concurrent use.
type Keyring struct{ keys []*GUIDKey }

// NewKeyring returns a keyring of keys, oldest first; at least one.
func NewKeyring(oldest *GUIDKey, newer ...*GUIDKey) *Keyring {
	return &Keyring{keys: append([]*GUIDKey{oldest}, newer...)}
}

// LoadKeyring reads a key file: 32 hex digits a line, the last is the newest. It refuses a file that others than its owner can
// open. A missing file is fs.ErrNotExist.
func LoadKeyring(path string) (*Keyring, error) {
	data, err := secret.ReadFile(path, "GUID key file")
	if err != nil {
		return nil, err
	}
	r, err := ParseKeyring(data)
	if err != nil {
		return nil, fmt.Errorf("GUID key file %s: %w", path, err)
	}
	return r, nil
}

// ParseKeyring reads the content of a key file. Blank lines, and lines that begin with #, are skipped. Its errors name the line
// and never show what is on it.
func ParseKeyring(data []byte) (*Keyring, error) {
	r := &Keyring{}
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		var raw [16]byte
		if len(line) != 2*len(raw) {
			return nil, fmt.Errorf("line %d: %d characters where a key has 32 hex digits: restore the file from its backup", i+1, len(line))
		}
		if _, err := hex.Decode(raw[:], []byte(line)); err != nil {
			return nil, fmt.Errorf("line %d: a key has hex digits only: restore the file from its backup", i+1)
		}
		k := NewGUIDKey(raw)
		if r.Find(k.ID()) != nil {
			return nil, fmt.Errorf("line %d: key %s stands on an earlier line already: remove one of the two", i+1, k.ID())
		}
		r.keys = append(r.keys, k)
	}
	if len(r.keys) == 0 {
		return nil, errors.New("no key in it: restore the file from its backup")
	}
	return r, nil
}

// GenerateGUIDKey returns a line for a key file: a new random key as 32 hex digits.
func GenerateGUIDKey() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(raw[:])
}

// Newest returns the key that months without rules yet will be counted with.
func (r *Keyring) Newest() *GUIDKey { return r.keys[len(r.keys)-1] }

// Find returns the key of an id; nil where there is none.
func (r *Keyring) Find(id string) *GUIDKey {
	for _, k := range r.keys {
		if k.id == id {
			return k
		}
	}
	return nil
}

// IDs returns the ids of all keys, oldest first.
func (r *Keyring) IDs() []string {
	ids := make([]string, len(r.keys))
	for i, k := range r.keys {
		ids[i] = k.id
	}
	return ids
}

// Equal says whether both are the same key.
func (k *GUIDKey) Equal(o *GUIDKey) bool { return bytes.Equal(k.raw[:], o.raw[:]) }
