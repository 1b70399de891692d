// Package reporter signs reported quantities for tests and for months that are made up. A reporter's key follows from its id, so that
// whoever knows the id can sign: it is for nothing else.
package reporter

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"headcount/events"
	"headcount/events/signed"
)

// Key is the key of the reporter of an id.
func Key(id string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("a reporter of tests: " + id))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Public is its public key.
func Public(id string) ed25519.PublicKey { return Key(id).Public().(ed25519.PublicKey) }

// All are reporters of these ids as rules name them, each of all meters and all apps.
func All(ids ...string) (all []events.Reporter) {
	for _, id := range ids {
		all = append(all, events.Reporter{
			ID: id, Key: base64.StdEncoding.EncodeToString(Public(id)), Meters: []string{"*"}, Apps: []string{"*"},
		})
	}
	return all
}

// Sign signs a usage.reported event, a JSON object, with the key of the reporter that is its source, to the installation of a seal
// key. What cannot be read is signed as if it were absent.
func Sign(event []byte, seal ed25519.PublicKey) []byte {
	var m struct {
		signed.Report
		Revision json.RawMessage `json:"revision"`
	}
	_ = json.Unmarshal(event, &m)
	if revision := strings.Trim(string(m.Revision), `"`); revision != "null" {
		m.Report.Revision = revision
	}
	return append([]byte(strings.TrimSuffix(string(event), "}")), `,"signature":"`+Signature(m.Report, seal)+`"}`...)
}

// Signature is what Sign adds, base64.
func Signature(r signed.Report, seal ed25519.PublicKey) string {
	return base64.StdEncoding.EncodeToString(r.Sign(base64.StdEncoding.EncodeToString(seal), Key(r.Source)))
}

// Files writes the key files of reporters to a folder, ID.pub and ID.key, and returns the configuration's `reporters:`, each of all
// meters and all apps.
func Files(folder string, ids ...string) (string, error) {
	text := "reporters:\n"
	for _, id := range ids {
		private, err := x509.MarshalPKCS8PrivateKey(Key(id))
		if err != nil {
			return "", err
		}
		public, err := signed.MarshalPublicKey(Key(id).Public().(ed25519.PublicKey))
		if err != nil {
			return "", err
		}
		for _, f := range []struct {
			name string
			text []byte
		}{{id + ".pub", public}, {id + ".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})}} {
			if err := os.WriteFile(filepath.Join(folder, f.name), f.text, 0o600); err != nil {
				return "", err
			}
		}
		text += fmt.Sprintf("  - {id: %q, key_file: %q, meters: [\"*\"], apps: [\"*\"]}\n", id, id+".pub")
	}
	return text, nil
}
