package signed

import (
	"crypto/ed25519"

	"headcount/events"
	"headcount/internal/canonical"
)

// ClosedType is the type of closed records.
const ClosedType = "headcount.closed"

// ClosedVersion is the version of the closed records that this program writes and reads.
const ClosedVersion = 1

// Closed says in the log what a close came to, or that it was corrected or a hold of it lifted, for whoever holds the log and the public key.
type Closed struct {
	Version    int               `json:"version"`
	Cluster    string            `json:"cluster"`
	TopicID    string            `json:"topic_id"`
	Month      events.Month      `json:"month"`
	SealID     string            `json:"seal_id"`
	Apps       int               `json:"apps"`        // how many have usage
	UsageHash  string            `json:"usage_hash"`  // SHA-256 of the canonical JSON of all apps' digests
	Usage      map[string]string `json:"usage"`       // app → digest of its usage; null where they do not fit a record
	LedgerHead string            `json:"ledger_head"` // hash of the ledger's newest entry
	Invoices   string            `json:"invoices"`    // hash of the invoices' totals
}

// maxUsageBytes is how much of a record the digests may take: brokers take records of 1 MiB by default.
const maxUsageBytes = 512 << 10

// SetUsage sets Apps, UsageHash and, where they fit a record, Usage from the digests of all apps.
func (c *Closed) SetUsage(digests map[string]string) {
	if digests == nil {
		digests = map[string]string{}
	}
	doc := canonical.MustMarshal(digests)
	c.Apps, c.UsageHash, c.Usage = len(digests), canonical.Hash(doc), nil
	if len(doc) <= maxUsageBytes {
		c.Usage = digests
	}
}

// Sign returns the record's value. A Version of 0 is filled in.
func (c *Closed) Sign(key ed25519.PrivateKey) []byte {
	if c.Version == 0 {
		c.Version = ClosedVersion
	}
	return sign(ClosedType, c.SealID, *c, key)
}

// ParseClosed reads a closed record and its signature, which the caller checks with the public key of the month's rules.
func ParseClosed(value []byte) (*Closed, *Signature, error) {
	return parseSigned(value, ClosedType, ClosedVersion, func(c *Closed) (string, int) { return c.SealID, c.Version })
}

// Hash returns the SHA-256 of what is signed, "sha256:" and 64 hex digits.
func (c *Closed) Hash() string { return canonical.Hash(message(ClosedType, *c)) }
