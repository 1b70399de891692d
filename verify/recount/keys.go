package recount

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// readKeys reads a file of GUID keys, by their ids.
func readKeys(text []byte) (map[string]*guidKey, error) {
	keys := map[string]*guidKey{}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		raw, err := hex.DecodeString(line)
		if err != nil || len(raw) != 16 {
			return nil, fmt.Errorf("line %d is not a key of 32 hex digits", i+1)
		}
		sum := sha256.Sum256(append([]byte("headcount guid key\x00"), raw...))
		keys[hex.EncodeToString(sum[:8])] = &guidKey{raw: raw}
	}
	return keys, nil
}

// readPublicKey reads an Ed25519 public key, PKIX PEM.
func readPublicKey(text []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block in it")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("it holds a %T, want Ed25519", key)
	}
	return public, nil
}
