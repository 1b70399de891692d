package signed

import (
	"crypto/ed25519"

	"headcount/events"
)

// StatementType is the type of statements.
const StatementType = "headcount.statement"

// StatementVersion is the version of the statements that this program writes.
const StatementVersion = 1

// Statement says to one customer what a closed month came to for it, in the form of a closed record, which names all customers' apps. It is
// made when it is asked for, and is in no log.
type Statement struct {
	Version    int               `json:"version"`
	Cluster    string            `json:"cluster"`
	TopicID    string            `json:"topic_id"`
	Month      events.Month      `json:"month"`
	SealID     string            `json:"seal_id"` // of the month's closing
	Account    string            `json:"account"`
	Usage      map[string]string `json:"usage"`       // app → digest of its facts, as the close recorded it: the account's apps alone
	Documents  map[string]string `json:"documents"`   // file of the export → its SHA-256
	LedgerHead string            `json:"ledger_head"` // hash of the ledger's entry that the close ended with, as the closed record has it
}

// Sign returns the statement with its signature.
func (s Statement) Sign(key ed25519.PrivateKey) []byte {
	s.Version = StatementVersion
	return sign(StatementType, s.SealID+"/"+s.Account, s, key)
}
