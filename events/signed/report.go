package signed

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"

	"headcount/events"
	"headcount/internal/canonical"
)

// Report is a reported quantity as it is signed: its members as they are written, empty where absent, but for white space around the app,
// which is no part of it, and its revision, which is in decimal.
//
// The signature is Ed25519 over the members in the order below, each as its length (32 bits, big endian) and its bytes; before them,
// written likewise, reportScheme and the public key of the seals as the month's rules have it, so that a report to one
// installation is none to another. testdata/reports.json holds vectors.
type Report struct {
	App      string `json:"superapp"`
	Meter    string `json:"meter"`
	Month    string `json:"month"`
	Day      string `json:"day,omitempty"`
	Source   string `json:"source"`
	Value    string `json:"value"`
	Revision string `json:"revision,omitempty"`
}

const reportScheme = "headcount.usage.v1"

func (r *Report) message(sealKey string) (b []byte) {
	for _, text := range [...]string{reportScheme, sealKey, r.App, r.Meter, r.Month, r.Day, r.Source, r.Value, r.Revision} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
	}
	return b
}

// Sign returns the signature of a reporter, to an installation whose rules have sealKey (MonthRules.SealKey).
func (r *Report) Sign(sealKey string, key ed25519.PrivateKey) []byte {
	return ed25519.Sign(key, r.message(sealKey))
}

// Verify checks a reporter's signature; ErrSignature.
func (r *Report) Verify(sealKey string, key ed25519.PublicKey, signature []byte) error {
	return (&Signature{r.message(sealKey), signature}).Verify(key)
}

// Event returns the value of a record that reports it.
func (r *Report) Event(signature []byte) []byte {
	return canonical.MustMarshal(struct {
		SpecVersion string      `json:"specversion"`
		Type        string      `json:"type"`
		Source      string      `json:"source"`
		ID          string      `json:"id"`
		App         string      `json:"superapp"`
		Meter       string      `json:"meter"`
		Month       string      `json:"month"`
		Day         string      `json:"day,omitempty"`
		Value       string      `json:"value"`
		Revision    json.Number `json:"revision,omitempty"`
		Signature   string      `json:"signature"`
	}{
		"1.0", events.ReportedType, r.Source, hex.EncodeToString(signature[:16]), r.App, r.Meter, r.Month, r.Day, r.Value,
		json.Number(r.Revision), base64.StdEncoding.EncodeToString(signature),
	})
}
