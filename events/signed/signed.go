package signed

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"headcount/events"
	"headcount/internal/canonical"
)

// A signed record is a structured CloudEvent. Its signature, an extension attribute, is Ed25519 over the type, a newline and the
// canonical JSON of data. It has one encoding: what reads well but is written otherwise is not valid.
type signed[T any] struct {
	SpecVersion     string `json:"specversion"`
	Type            string `json:"type"`
	Source          string `json:"source"`
	ID              string `json:"id"`
	DataContentType string `json:"datacontenttype"`
	Data            T      `json:"data"`
	Signature       string `json:"signature"` // base64
}

// ErrSignature says that a signed record was not signed with the key it was checked with.
var ErrSignature = errors.New("signature does not match")

// Signature is what a signed record was signed with, not yet checked.
type Signature struct {
	message, sig []byte
}

// Verify checks the signature; ErrSignature.
func (s *Signature) Verify(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, s.message, s.sig) {
		return ErrSignature
	}
	return nil
}

func message(kind string, data any) []byte {
	return append([]byte(kind+"\n"), canonical.MustMarshal(data)...)
}

func sign[T any](kind, id string, data T, key ed25519.PrivateKey) []byte {
	return canonical.MustMarshal(signed[T]{
		SpecVersion: "1.0", Type: kind, Source: "headcount", ID: id, DataContentType: "application/json", Data: data,
		Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(key, message(kind, data))),
	})
}

// parseSigned reads a signed record of a kind, its data of a version into *data, and does not check the signature.
func parseSigned[T any](value []byte, kind string, version int, id func(*T) (string, int)) (*T, *Signature, error) {
	var s signed[T]
	form := canonical.Unmarshal(value, &s)
	if form != nil && !errors.Is(form, canonical.ErrForm) {
		return nil, nil, fmt.Errorf("%s: %w", kind, form)
	}
	if s.Type != kind {
		return nil, nil, fmt.Errorf("%s: its type is %q", kind, s.Type)
	}
	wantID, got := id(&s.Data)
	if got != version {
		return nil, nil, fmt.Errorf("%s: version %d, this program knows version %d: use a newer release", kind, got, version)
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(s.Signature)
	if err != nil || len(sig) != ed25519.SignatureSize {
		return nil, nil, fmt.Errorf("%s: signature is not %d bytes in base64", kind, ed25519.SignatureSize)
	}
	if s.SpecVersion != "1.0" || s.Source != "headcount" || s.ID != wantID || s.DataContentType != "application/json" || form != nil {
		return nil, nil, fmt.Errorf("%s: %w", kind, canonical.ErrForm)
	}
	return &s.Data, &Signature{message: message(kind, s.Data), sig: sig}, nil
}

// sortedOnce says whether a partition list is ascending, without a repeat and without negatives.
func sortedOnce(partitions []events.Partition) bool {
	for i, p := range partitions {
		if p < 0 || i > 0 && p <= partitions[i-1] {
			return false
		}
	}
	return true
}

func contains(partitions []events.Partition, p events.Partition) bool {
	_, found := slices.BinarySearch(partitions, p)
	return found
}
