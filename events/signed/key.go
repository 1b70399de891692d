package signed

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"headcount/internal/secret"
)

const (
	pemPrivate = "PRIVATE KEY"
	pemPublic  = "PUBLIC KEY"
)

// GenerateKey returns a new key pair as the files hold it, of seals or of a reporter: PKCS#8 PEM for the private key, which only who signs
// needs, PKIX PEM for the public one.
func GenerateKey() (private, public []byte, err error) {
	own, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generate key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encode key: %w", err)
	}
	public, err = MarshalPublicKey(own)
	return pem.EncodeToMemory(&pem.Block{Type: pemPrivate, Bytes: der}), public, err
}

// MarshalPublicKey returns a public key as its file holds it, PKIX PEM.
func MarshalPublicKey(key ed25519.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: der}), nil
}

// LoadSealKey reads the private key from a file that only its owner can open. A missing file is fs.ErrNotExist.
func LoadSealKey(path string) (ed25519.PrivateKey, error) { return loadKey(path, "seal key file") }

// LoadReporterKey is LoadSealKey of a reporter's key.
func LoadReporterKey(path string) (ed25519.PrivateKey, error) {
	return loadKey(path, "reporter key file")
}

func loadKey(path, what string) (ed25519.PrivateKey, error) {
	data, err := secret.ReadFile(path, what)
	if err != nil {
		return nil, err
	}
	key, err := ParseSealKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", what, path, err)
	}
	return key, nil
}

// ParseSealKey reads a private key, PKCS#8 PEM.
func ParseSealKey(data []byte) (ed25519.PrivateKey, error) {
	der, err := onePEM(data, pemPrivate)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: restore it from its backup", err)
	}
	if k, ok := key.(ed25519.PrivateKey); ok {
		return k, nil
	}
	return nil, fmt.Errorf("it holds a %T, want Ed25519: openssl genpkey -algorithm ed25519 makes one", key)
}

// LoadSealPublicKey reads the public key from a file. A missing file is fs.ErrNotExist.
func LoadSealPublicKey(path string) (ed25519.PublicKey, error) {
	return loadPublicKey(path, "seal public key file")
}

// LoadReporterPublicKey is LoadSealPublicKey of a reporter's key.
func LoadReporterPublicKey(path string) (ed25519.PublicKey, error) {
	return loadPublicKey(path, "reporter public key file")
}

func loadPublicKey(path, what string) (ed25519.PublicKey, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	key, err := ParseSealPublicKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", what, path, err)
	}
	return key, nil
}

// ParseSealPublicKey reads a public key, PKIX PEM.
func ParseSealPublicKey(data []byte) (ed25519.PublicKey, error) {
	der, err := onePEM(data, pemPublic)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("%w: restore it from its backup, or write it anew from the private key", err)
	}
	if k, ok := key.(ed25519.PublicKey); ok {
		return k, nil
	}
	return nil, fmt.Errorf("it holds a %T, want Ed25519", key)
}

// onePEM returns the only block of a file, which must be of a type.
func onePEM(data []byte, want string) ([]byte, error) {
	block, rest := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("no PEM block in it: want one of type %s", want)
	}
	if block.Type != want {
		return nil, fmt.Errorf("PEM block of type %s, want %s: the private and the public key file may have been swapped", block.Type, want)
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, errors.New("more than one PEM block in it: leave the one that counts")
	}
	return block.Bytes, nil
}
