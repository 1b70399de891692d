package events

import "headcount/events/identity"

// Record is one record of the log as the reader hands it on. Its slices alias the reader's buffer: they are valid until the
// batch they came in is released, and are never written to.
type Record struct {
	Offset      Offset // in its partition
	Timestamp   int64  // milliseconds since 1970, the broker's or the producer's; before TopicRules.OldestMS: absent
	Key         []byte // nil: none
	Value       []byte // nil: a tombstone
	Headers     []byte // the headers as on the wire of record batches v2, after their count: (varint length, key, varint length or −1, value)*
	HeaderCount int
}

// Outcome says what a record turned out to be.
type Outcome uint8

// Every record has one outcome.
const (
	Tombstone   Outcome = iota // null value: no event
	Counted                    // one kind by one GUID (or user) in one app at one time
	Reported                   // a usage.reported quantity, in Event.Quantity
	Unknown                    // a type that the month's rules do not list: counted, skipped
	Control                    // a record of ours: its type begins with "headcount."; Event.Type says which
	Expired                    // an event of a finished month
	BeforeBooks                // of a month before the books: nothing but its time, and an app, was looked at
	Rejected                   // cannot be counted: dead letter, Event.Reason says why
)

// Event is what a Decoder reads from a record. Byte slices alias the record or the decoder's scratch, valid until its next
// Reset.
type Event struct {
	Outcome  Outcome
	Kind     Kind
	Day      Day
	Skewed   bool  // the time was a wrong device clock's and the record's timestamp stands in for it
	Untimed  bool  // it has no time of its own: the record's timestamp is all there is
	Clock    Clock // of Skewed: which
	FarOff   bool  // of OverLimit: its month lies too far from its record's, or from what is sealed, to be billed by anybody
	Month    Month
	App      []byte      // where one could be read, also of rejected records
	GUID     []byte      // or user id, as the record has it, where one could be read; not to be stored
	Type     []byte      // of Control and Unknown
	ID       identity.ID // of Counted: what the fingerprint is made of, by its app; not to be stored
	Reason   Reason
	Quantity *Quantity // of Reported, else nil
}

// Key returns, as a copy, the key by which the event's record is sent: the id in its one spelling, and of a quantity its reporter, so that one partition
// has all of his and sees whether he mixes totals of a month with days.
func (e *Event) Key() []byte {
	if e.Quantity != nil {
		return []byte(e.Quantity.Source)
	}
	return identity.Canonical(e.GUID)
}

// Quantity is usage that is not people, one source's report of one meter.
type Quantity struct {
	Meter, Source string
	Day           Day // 0: of the month as a whole
	Revision      int64
	Value         int64 // ≥ 0
}
