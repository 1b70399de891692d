package recount

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// reporter may report quantities.
type reporter struct {
	ID     string   `json:"id"`
	Key    string   `json:"key"` // Ed25519 public key, base64
	Meters []string `json:"meters"`
	Apps   []string `json:"apps"`

	public ed25519.PublicKey
}

// readReporters reads the keys of the rules' reporters.
func (r *Rules) readReporters() error {
	r.reporters = map[string]*reporter{}
	for i := range r.Reporters {
		x := &r.Reporters[i]
		if r.reporters[x.ID] != nil || x.ID == "" {
			return fmt.Errorf("reporter %q is there twice, or has no id", x.ID)
		}
		key, err := base64.StdEncoding.Strict().DecodeString(x.Key)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return fmt.Errorf("the key of reporter %q is no Ed25519 public key", x.ID)
		}
		if len(x.Meters) == 0 || len(x.Apps) == 0 {
			return errors.New("a reporter may report nothing, or for nobody")
		}
		x.public, r.reporters[x.ID] = key, x
	}
	return nil
}

// takes says whether the rules let a report count: who it names as its source is a reporter of its meter and app, and has signed it.
// A month without rules has no reporters.
func (r *Rules) takes(app string, f map[string]field, revision string) bool {
	if r == nil {
		return false
	}
	by := r.reporters[f["source"].text]
	if by == nil || !fitsOne(by.Meters, f["meter"].text) || !fitsOne(by.Apps, app) {
		return false
	}
	var signed strings.Builder
	put := func(text string) {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(text)))
		signed.Write(length[:])
		signed.WriteString(text)
	}
	put("headcount.usage.v1")
	put(base64.StdEncoding.EncodeToString(r.public))
	put(app)
	for _, name := range []string{"meter", "month", "day", "source", "value"} {
		put(f[name].text)
	}
	put(revision)
	signature, _ := base64.StdEncoding.DecodeString(f["signature"].text)
	return ed25519.Verify(by.public, []byte(signed.String()), signature)
}

// isSignature says whether text is what 64 bytes are in base64.
func isSignature(text string) bool {
	b, err := base64.StdEncoding.DecodeString(text)
	return err == nil && len(b) == ed25519.SignatureSize && base64.StdEncoding.EncodeToString(b) == text
}

// fitsOne says whether one of some patterns fits a name: a star stands for any number of bytes.
func fitsOne(patterns []string, name string) bool {
	for _, p := range patterns {
		if fits(p, name) {
			return true
		}
	}
	return false
}

// fits walks both, and comes back to the last star where they differ.
func fits(pattern, name string) bool {
	p, n, star, from := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && pattern[p] == name[n]:
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
