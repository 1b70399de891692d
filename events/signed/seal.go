package signed

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"headcount/events"
	"headcount/internal/canonical"
)

// SealType is the type of seals.
const SealType = "headcount.seal"

// SealVersion is the version of the seals that this program writes and reads.
const SealVersion = 1

// Seal closes a month in a partition: what lies before it in the log is on time, what lies after is late.
type Seal struct {
	Version    int                `json:"version"`
	Cluster    string             `json:"cluster"`
	TopicID    string             `json:"topic_id"`
	Partition  events.Partition   `json:"partition"`
	Month      events.Month       `json:"month"`
	SealID     string             `json:"seal_id"`    // of the closing, the same in all its partitions
	RulesHash  string             `json:"rules"`      // MonthRules.Hash of the month
	Partitions []events.Partition `json:"partitions"` // of the closing, ascending
	Previous   *PreviousClosing   `json:"previous"`   // nil: the first, which opens the books
}

// PreviousClosing is the closing before a seal's.
type PreviousClosing struct {
	Month      events.Month       `json:"month"`
	Partitions []events.Partition `json:"partitions"` // ascending
}

// Has says whether a partition was in the closing.
func (p *PreviousClosing) Has(partition events.Partition) bool {
	return contains(p.Partitions, partition)
}

// Sign returns the record's value. A Version of 0 is filled in.
func (s *Seal) Sign(key ed25519.PrivateKey) []byte {
	if s.Version == 0 {
		s.Version = SealVersion
	}
	return sign(SealType, s.id(), *s, key)
}

// Hash returns the SHA-256 of what is signed, "sha256:" and 64 hex digits.
func (s *Seal) Hash() string { return canonical.Hash(message(SealType, *s)) }

func (s *Seal) id() string { return fmt.Sprintf("%s/%d", s.SealID, s.Partition) }

// Validate says what cannot be in any seal, whoever signed it.
func (s *Seal) Validate() error {
	switch {
	case s.Cluster == "" || s.TopicID == "" || s.SealID == "" || s.RulesHash == "":
		return errors.New("seal: cluster, topic_id, seal_id or rules is empty")
	case s.Month <= 0 || s.Month > events.MonthOf(9999, 12):
		return fmt.Errorf("seal: month %d is outside the years 0–9999", int(s.Month))
	case !sortedOnce(s.Partitions) || !contains(s.Partitions, s.Partition):
		return fmt.Errorf("seal: partitions %v are not ascending, or partition %d is not among them", s.Partitions, s.Partition)
	case s.Previous != nil && (s.Previous.Month >= s.Month || !sortedOnce(s.Previous.Partitions)):
		return fmt.Errorf("seal: previous closing %s does not come before %s, or its partitions are not ascending", s.Previous.Month, s.Month)
	}
	return nil
}

// ParseSeal reads a seal and its signature, which the caller checks with the public key of the month's rules.
func ParseSeal(value []byte) (*Seal, *Signature, error) {
	s, sig, err := parseSigned(value, SealType, SealVersion, func(s *Seal) (string, int) { return s.id(), s.Version })
	if err != nil {
		return nil, nil, err
	}
	if err := s.Validate(); err != nil {
		return nil, nil, err
	}
	return s, sig, nil
}
