package identity

import "crypto/sha256"

// Population is what an id is one of. Ids of two populations never have the same fingerprint, whatever their bytes.
type Population uint8

// The populations.
const (
	UUID   Population = iota // GUIDs that are UUIDs, in whatever spelling
	Opaque                   // all other GUIDs
	User                     // user ids, also those that read as UUIDs

	populations = 3
)

var populationNames = [populations]string{UUID: "uuid", Opaque: "opaque", User: "user"}

// String returns the name by which the population is hashed.
func (p Population) String() string { return populationNames[p] }

// ID is what a fingerprint is made of. It holds an id as it is, or a hash of it that everybody can make: it is not to be stored.
type ID struct {
	Bytes      [16]byte
	Population Population
}

// IDs reads ids. It is scratch, apart so that the hot path allocates none. Not for concurrent use.
type IDs struct {
	buf [len("opaque\x00") + MaxGUIDBytes]byte
}

// Device sets id to that of a GUID of 1–128 bytes; false for any other length.
func (s *IDs) Device(id *ID, guid []byte) bool {
	if parseUUID(&id.Bytes, guid) {
		id.Population = UUID
		return true
	}
	return s.hash(id, Opaque, guid)
}

// User sets id to that of a user id of 1–128 bytes; false for any other length.
func (s *IDs) User(id *ID, user []byte) bool { return s.hash(id, User, user) }

// hash takes the first 16 bytes of SHA-256 over (population, id).
func (s *IDs) hash(id *ID, p Population, text []byte) bool {
	if len(text) == 0 || len(text) > MaxGUIDBytes {
		return false
	}
	sum := sha256.Sum256(append(append(append(s.buf[:0], populationNames[p]...), 0), text...))
	*id = ID{[16]byte(sum[:16]), p}
	return true
}
