package recount

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

type sealData struct {
	Version    int     `json:"version"`
	Cluster    string  `json:"cluster"`
	TopicID    string  `json:"topic_id"`
	Partition  int32   `json:"partition"`
	Month      string  `json:"month"`
	SealID     string  `json:"seal_id"`
	RulesHash  string  `json:"rules"`
	Partitions []int32 `json:"partitions"`
	Previous   *struct {
		Month      string  `json:"month"`
		Partitions []int32 `json:"partitions"`
	} `json:"previous"`
}

// Closed is a record of the log that announces a closed month, or an amendment of one.
type Closed struct {
	Version    int               `json:"version"`
	Cluster    string            `json:"cluster"`
	TopicID    string            `json:"topic_id"`
	Month      string            `json:"month"`
	SealID     string            `json:"seal_id"`
	Apps       int               `json:"apps"`
	UsageHash  string            `json:"usage_hash"`
	Usage      map[string]string `json:"usage"`
	LedgerHead string            `json:"ledger_head"`
	Invoices   string            `json:"invoices"`
}

// Signed is a signed record, taken apart but not checked.
type Signed struct {
	message   []byte // what was signed
	signature []byte
}

// By says whether the record is signed by the owner of a public key.
func (s *Signed) By(key ed25519.PublicKey) bool { return ed25519.Verify(key, s.message, s.signature) }

// Hash is the SHA-256 of what was signed.
func (s *Signed) Hash() string { return hashOf(s.message) }

// openSigned takes a signed record apart and decodes its data. It has one form, byte for byte.
func openSigned(value []byte, kind string, data any, id func() string) (*Signed, error) {
	var outer struct {
		SpecVersion     string         `json:"specversion"`
		Type            string         `json:"type"`
		Source          string         `json:"source"`
		ID              string         `json:"id"`
		DataContentType string         `json:"datacontenttype"`
		Data            jsontext.Value `json:"data"`
		Signature       string         `json:"signature"`
	}
	if err := json.Unmarshal(value, &outer, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(outer.Data, data, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(outer.Signature)
	if err != nil || len(sig) != ed25519.SignatureSize {
		return nil, fmt.Errorf("its signature is not %d bytes in base64", ed25519.SignatureSize)
	}
	quotedID, err := json.Marshal(id())
	if err != nil {
		return nil, err
	}
	want := fmt.Sprintf(`{"specversion":"1.0","type":%q,"source":"headcount","id":%s,"datacontenttype":"application/json","data":%s,"signature":%q}`,
		kind, quotedID, outer.Data, outer.Signature)
	compact := slices.Clone(outer.Data)
	if err := compact.Compact(); err != nil || want != string(value) || string(compact) != string(outer.Data) {
		return nil, fmt.Errorf("it is not in the form that is written")
	}
	return &Signed{append([]byte(kind+"\n"), outer.Data...), sig}, nil
}

func openSeal(value []byte) (s sealData, sig *Signed, err error) {
	sig, err = openSigned(value, "headcount.seal", &s, func() string { return fmt.Sprintf("%s/%d", s.SealID, s.Partition) })
	if err == nil && (s.Version != 1 || !ascending(s.Partitions) || !slices.Contains(s.Partitions, s.Partition) ||
		s.Previous != nil && !ascending(s.Previous.Partitions)) {
		err = fmt.Errorf("version or partitions cannot be")
	}
	return s, sig, err
}

// OpenClosed takes a closed record apart.
func OpenClosed(value []byte) (c Closed, sig *Signed, err error) {
	sig, err = openSigned(value, "headcount.closed", &c, func() string { return c.SealID })
	return c, sig, err
}

// Statement says to one customer what a month came to for it.
type Statement struct {
	Version    int               `json:"version"`
	Cluster    string            `json:"cluster"`
	TopicID    string            `json:"topic_id"`
	Month      string            `json:"month"`
	SealID     string            `json:"seal_id"`
	Account    string            `json:"account"`
	Usage      map[string]string `json:"usage"`
	Documents  map[string]string `json:"documents"`
	LedgerHead string            `json:"ledger_head"`
}

// OpenStatement takes a statement apart.
func OpenStatement(value []byte) (s Statement, sig *Signed, err error) {
	sig, err = openSigned(value, "headcount.statement", &s, func() string { return s.SealID + "/" + s.Account })
	return s, sig, err
}

// ReadPublicKey reads the file of the seals' public key.
func ReadPublicKey(text []byte) (ed25519.PublicKey, error) { return readPublicKey(text) }

func ascending(partitions []int32) bool {
	for i, p := range partitions {
		if p < 0 || i > 0 && p <= partitions[i-1] {
			return false
		}
	}
	return true
}
