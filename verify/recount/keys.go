package recount

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// readKeys reads a file of GUID keys, by their ids.
func readKeys(text []byte) (map[string]cipher.Block, error) {
	keys := map[string]cipher.Block{}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		raw, err := hex.DecodeString(line)
		if err != nil || len(raw) != 16 {
			return nil, fmt.Errorf("line %d is not a key of 32 hex digits", i+1)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(append([]byte("headcount guid key\x00"), raw...))
		keys[hex.EncodeToString(sum[:8])] = block
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

// print is a fingerprint.
type print [16]byte

var uuidForm = regexp.MustCompile(`^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})$`)

// fingerprint returns the fingerprint of a GUID, or of a user id.
func fingerprint(key cipher.Block, id string, user bool) (f print) {
	bare := id
	if strings.HasPrefix(id, "{") && strings.HasSuffix(id, "}") && len(id) > 2 {
		bare = id[1 : len(id)-1]
	} else if rest, ok := strings.CutPrefix(id, "urn:uuid:"); ok {
		bare = rest
	}
	var in print
	if !user && uuidForm.MatchString(bare) {
		raw, _ := hex.DecodeString(strings.ReplaceAll(bare, "-", ""))
		in = print(raw)
	} else {
		population := "device\x00"
		if user {
			population = "user\x00"
		}
		sum := sha256.Sum256([]byte(population + id))
		in = print(sum[:16])
	}
	key.Encrypt(f[:], in[:])
	for i := range f {
		f[i] ^= in[i]
	}
	return f
}
