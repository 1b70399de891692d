package batch

import (
	"time"

	"headcount/events"
)

// RecordHeader is a record's header. A nil value is null.
type RecordHeader struct {
	Key   string
	Value []byte
}

// Message is a record before it has an offset.
type Message struct {
	Topic     string           // empty: the one that its sender writes to
	Partition events.Partition // −1: by the key's hash, as the Java client does; without a key, any
	Key       []byte           // nil: none
	Value     []byte           // nil: a tombstone
	Headers   []RecordHeader
	Time      time.Time // of the record; zero: now. Brokers whose topic says LogAppendTime put theirs in its place
}

// Size is the most that the message takes in a batch, in bytes, before compression.
func (m *Message) Size() int {
	return 24 + recordSize(m, 0, 0) // 24: more than its length, and a time and an offset that are not 0, take
}
